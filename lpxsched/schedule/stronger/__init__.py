"""What a collective needs of the schedules of stronger ones, which leave all that it asks for, and more.

An all-reduce holds a reduce, a reduce-scatter and a broadcast, an all-gather holds a gather; a scatter and an
all-gather after it make a broadcast, a reduce-scatter and an all-gather an all-reduce. All of them move runs of one
tensor, so that vectors have one numbering through all stages.
"""

"""Scheduling of collectives: pieces of tensors over a fabric without operators other than sums.

A layer of a model goes through ``schedule.solve`` (operators, hosts); a collective goes through ``transfers.solve``,
whose solvers work on one representative of each orbit of a group of translations, down to the trivial group.
"""

"""Runs of a build on chosen clocks: at random within a specification, and against single slots.

`clocks` says what the clocks of a run are, `kernel` what then happens to every vector, `adversary` chooses clocks
against a slot, `run` judges.
"""

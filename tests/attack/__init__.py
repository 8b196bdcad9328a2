"""Inputs that somebody made to break the program; how to run them is told in ``docs/attack.md``."""

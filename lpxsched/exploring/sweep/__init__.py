"""Many compiles: every combination of some lists of options, a row each."""

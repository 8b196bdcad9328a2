"""The scheduling problem, its bounds and its solvers."""

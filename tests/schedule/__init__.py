"""Tests of the scheduling problem, its solvers and its bounds."""

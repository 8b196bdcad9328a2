"""Tests of the solvers of collectives."""

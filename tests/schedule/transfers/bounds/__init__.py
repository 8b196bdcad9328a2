"""Tests of the lower bounds of collectives."""

"""Measurements; see docs/benchmarks.md for the protocol."""

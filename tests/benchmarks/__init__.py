"""Tests of what the benchmarks compare with and run on."""

"""Tests of clocks, guards and latencies."""

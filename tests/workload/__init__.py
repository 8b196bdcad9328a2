"""Tests of `lpxsched.workload`."""

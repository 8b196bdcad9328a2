"""Tests of `lpxsched.workload.parts`."""

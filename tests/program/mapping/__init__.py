"""Tests of `lpxsched.program.mapping`."""

"""Tests of `lpxsched.program`."""

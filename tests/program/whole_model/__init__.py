"""Tests of `lpxsched.program.whole_model`."""

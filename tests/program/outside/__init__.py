"""Tests of `lpxsched.program.outside`."""

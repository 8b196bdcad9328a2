"""Tests of `lpxsched.program.frames`."""

"""Tests of `lpxsched.partition`."""

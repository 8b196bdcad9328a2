"""Tests of `lpxsched.fabric`."""

"""Tests of `lpxsched.traffic`."""

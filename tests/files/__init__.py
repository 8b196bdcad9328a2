"""Tests of `lpxsched.files`."""

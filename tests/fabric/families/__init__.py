"""Tests of `lpxsched.fabric.families`."""

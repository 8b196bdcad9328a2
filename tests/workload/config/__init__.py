"""Tests of ``lpxsched.workload.config``, and a config small enough to be counted by hand."""

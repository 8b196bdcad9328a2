"""Tests of builds on drifting clocks."""

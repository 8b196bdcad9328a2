"""Tests of runs on chosen clocks."""

"""Tests of the numeric replay."""

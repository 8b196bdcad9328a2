"""Tests of many compiles."""

"""Tests of per-chip programs."""

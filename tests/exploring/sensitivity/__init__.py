"""Tests of what an assumed number is worth."""

"""Tests of what a collective needs of stronger ones."""

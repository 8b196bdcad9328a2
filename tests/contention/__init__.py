"""Tests of links that are arbitrated at run time."""

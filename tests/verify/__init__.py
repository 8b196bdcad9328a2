"""Tests of the checker: every clause of a rule with a change that breaks it."""

"""Tests of what commands tell a person when they are done."""

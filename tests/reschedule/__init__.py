"""Tests of timetables round what has failed."""

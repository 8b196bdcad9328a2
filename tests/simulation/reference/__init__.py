"""Tests of the event-driven reference."""

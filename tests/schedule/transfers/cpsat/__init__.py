"""Tests of CP-SAT on collectives."""

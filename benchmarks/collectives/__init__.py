"""Collectives against published figures; ``python -m benchmarks.collectives`` prints the tables."""

"""Families of topologies: which nodes are joined, from a few parameters; one module a family."""

"""Chips, links, families of topologies, and the profiles that are shipped by name."""

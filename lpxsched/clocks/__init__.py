"""Clock specifications, the tree of hardware-aligned counters, guard and limits. Nothing is simulated here."""

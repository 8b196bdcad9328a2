"""Functions that run as machine code: what makes, keeps and loads it."""

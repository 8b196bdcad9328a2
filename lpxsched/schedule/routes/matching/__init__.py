"""A search forward in time: lanes that are free take the most urgent block."""

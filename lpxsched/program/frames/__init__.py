"""Several micro-batches in flight: periods, phases, windows, and what limits them."""

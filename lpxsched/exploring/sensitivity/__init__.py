"""What a number that nobody has published is worth: a compile at each end of its range."""

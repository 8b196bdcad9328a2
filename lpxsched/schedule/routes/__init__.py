"""Where each block goes."""

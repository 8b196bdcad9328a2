"""What lies outside of the fabric: GPUs, and the way between them and hosts."""

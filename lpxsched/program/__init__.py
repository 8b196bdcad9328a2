"""Which chips compute which layer."""

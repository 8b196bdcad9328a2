"""Which chips compute which layer: what may be chosen, what it costs, what is chosen, and the bound beside it."""

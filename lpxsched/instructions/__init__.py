"""Per-chip programs: what each functional unit does in which cycle, and on which addresses of the SRAM."""

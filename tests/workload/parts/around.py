"""Rows of 16 columns before and after a mixer."""

from __future__ import annotations

from lpxsched.workload.parts.rows import Around, Rows


def around(*columns: int) -> Around:
    """Return rows in blocks of so many columns: of fp8 where they are read, sums of bf16 elsewhere."""
    before, rows, after = (
        Rows(tuple(f"{name}_{block}" for block in range(len(columns))), columns, dtype)
        for name, dtype in (("before", "bf16"), ("rows", "fp8"), ("output", "bf16"))
    )
    return Around(rows, "scale", before, after)


ONE = around(16)

"""Circulant graphs: each chip is joined to the chips at some offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.fabric.families.wiring import Wiring, as_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence


def circulant(chips: int, offsets: Sequence[int]) -> Wiring:
    """Join chips i and i + o modulo their number, for each offset o; a pair that two offsets name is joined once."""
    pairs = {
        (min(chip, other), max(chip, other))
        for chip in range(chips)
        for offset in offsets
        for other in [(chip + offset) % chips]
        if other != chip
    }
    return Wiring((chips,), 0, {"link": as_pairs(sorted(pairs))})

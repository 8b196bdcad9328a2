"""Joins of columns: rows with equal keys, and rows that stand for several things each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def counted(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each one of all that is counted, which row counts it, and its place there."""
    row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return row, np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def matching(keys: NDArray[np.int64], others: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of a row and another row with the same key."""
    order = np.argsort(others, kind="stable")
    first, last = (np.searchsorted(others[order], keys, side=side) for side in ("left", "right"))
    row, place = counted(last - first)
    return row, order[first[row] + place]

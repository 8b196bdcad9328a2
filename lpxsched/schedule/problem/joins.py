"""Joins of columns: rows with equal keys, and rows that stand for several things each."""

from __future__ import annotations

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import SPARSEST


def counted(counts: Integers) -> tuple[Integers, Integers]:
    """Return, for each one of all that is counted, which row counts it, and its place there."""
    row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return row, np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def grouped(keys: Integers, count: int) -> tuple[Integers, Integers]:
    """Return rows by their keys from 0 to `count`, and where those of each key begin; rows of a key in their order."""
    offsets, rows = np.zeros(count + 1, dtype=np.int64), np.empty(len(keys), dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=count), out=offsets[1:])
    _put(np.ascontiguousarray(keys), offsets[:-1].copy(), rows)
    return rows, offsets


@kernel
def _put(keys: Integers, room: Integers, rows: Integers) -> None:
    for row in range(len(keys)):
        rows[room[keys[row]]] = row
        room[keys[row]] += 1


def matching(keys: Integers, others: Integers) -> tuple[Integers, Integers]:
    """Return all pairs of a row and another row with the same key."""
    least, count = int(others.min(initial=0)), int(others.max(initial=0)) - int(others.min(initial=0)) + 1
    if count > SPARSEST * (len(keys) + len(others)):
        order = np.argsort(others, kind="stable")
        first, last = (np.searchsorted(others[order], keys, side=side) for side in ("left", "right"))
    else:
        order, offsets = grouped(others - least, count)
        place = np.clip(keys - least, -1, count)
        first = offsets[np.maximum(place, 0)]
        last = np.where((place >= 0) & (place < count), np.append(offsets, 0)[place + 1], first)
    row, place = counted(last - first)
    return row, order[first[row] + place]

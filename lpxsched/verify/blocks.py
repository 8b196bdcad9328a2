"""Rows of large tables in blocks, so that what is derived of them stays small, and the order of rows by some keys."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers

ALL = slice(None)
# Rows of a block: its columns stay in the caches of a core.
ROWS = 1 << 18
KEYS = 1 << 63


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Rows by a number that each of them has.

    Attributes
    ----------
    row : ndarray of unsigned integers, shape (rows,)
        The rows of number 0, those of number 1, and so on, each in their order.
    first : ndarray of int64, shape (numbers + 1,)
        Where those of each number begin.
    """

    row: Integers
    first: Integers

    def of(self, first: int, last: int) -> Integers:
        """Return the rows of the numbers from `first` to the one before `last`."""
        return self.row[self.first[first] : self.first[last]].astype(np.int64)

    def each(self, numbers: Integers) -> tuple[Integers, Integers]:
        """Return the rows of some numbers, one number after the other, and how many each has."""
        counts = self.first[numbers + 1] - self.first[numbers]
        place = np.repeat(self.first[numbers] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return self.row[place].astype(np.int64), counts

    def blocks(self, numbers: Integers) -> list[Integers]:
        """Return some numbers in blocks of about `ROWS` rows."""
        counts = self.first[numbers + 1] - self.first[numbers]
        return np.split(numbers, np.flatnonzero(np.diff(np.cumsum(counts) // ROWS)) + 1)

    def among(self, rows: Integers) -> Grouped:
        """Return the same of some rows of a table, whose places among them were grouped."""
        return Grouped(rows.astype(np.min_scalar_type(rows.max(initial=0)))[self.row], self.first)


def grouped(number: Integers, count: int) -> Grouped:
    """Return rows by their number, which is below `count`."""
    # Narrow numbers are sorted by their digits, which takes an eighth of the time.
    row = np.argsort(number.astype(np.min_scalar_type(count)), kind="stable")
    first = np.append(0, np.cumsum(np.bincount(number, minlength=count)))
    return Grouped(row.astype(np.min_scalar_type(len(row))), first)


def runs(*groups: Grouped) -> Iterator[tuple[int, int]]:
    """Yield runs of numbers, first and end, of about `ROWS` rows in all groups; each number is in one of them."""
    before = np.sum([group.first for group in groups], axis=0)
    cuts = np.flatnonzero(np.diff(before[:-1] // ROWS)) + 1
    yield from pairwise([0, *cuts.tolist(), len(before) - 1])


def blocks(rows: int) -> Iterator[Integers]:
    """Yield the rows of a table in blocks, at least one."""
    yield from (np.arange(first, min(first + ROWS, rows)) for first in range(0, max(rows, 1), ROWS))


def sorted_rows(*keys: Integers) -> Integers:
    """Return the rows in the order of the first key, of equal ones in that of the next; else in their own.

    Where keys and row fit into one whole number, numbers are sorted, which takes a tenth of the time of lexsort.
    """
    rows = len(keys[0])
    if not rows:
        return np.zeros(0, dtype=np.int64)
    least = [int(key.min()) for key in keys]
    spans = [int(key.max()) - low + 1 for key, low in zip(keys, least, strict=True)]
    if prod(spans) * rows >= KEYS:
        return np.lexsort(keys[::-1])
    packed = np.zeros(rows, dtype=np.int64)
    for key, low, span in zip(keys, least, spans, strict=True):
        packed = packed * span + (key - low)
    return np.sort(packed * rows + np.arange(rows)) % rows

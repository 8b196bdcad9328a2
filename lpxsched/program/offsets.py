"""Which offsets of two segments fit beside each other modulo a period, by circular correlation of what they hold.

A segment holds each of its resources (unit, lane, Ethernet port) during intervals that count from its time zero. Folded
onto a circle of P cycles they are a row of cells. Two segments meet at an offset where the correlation of the rows of a
resource that both hold is not 0; one that overlaps itself fits no offset at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
# Cells that are transformed at a time.
CELLS = 1 << 21


class Held(NamedTuple):
    """Resources that a segment holds, and when: ``[begin, begin + length)`` from its time zero; one row an interval."""

    resource: Integers
    begin: Integers
    length: Integers

    def loads(self, resources: int) -> Integers:
        """Return for how long each resource is held in an iteration, shape (resources,)."""
        return np.bincount(self.resource, weights=self.length, minlength=resources).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """What a segment holds modulo a period.

    Attributes
    ----------
    resource : ndarray of int64, shape (rows,)
        Sorted.
    cells : ndarray of uint8, shape (rows, P)
    """

    resource: Integers
    cells: NDArray[np.uint8]


def meets_itself(held: Held, period: int) -> bool:
    """Return whether iterations of a segment overlap when one begins every `period` cycles."""
    if (held.length > period).any():
        return True
    lasting = np.flatnonzero(held.length > 0)
    resource, begin = held.resource[lasting], held.begin[lasting] % period
    order = np.lexsort((begin, resource))
    resource, begin, end = resource[order], begin[order], (begin + held.length[lasting])[order]
    inside = resource[1:] == resource[:-1]
    if (end[:-1] > begin[1:])[inside].any():
        return True
    last = np.append(~inside, True)[: len(order)]
    first = np.append(True, ~inside)[: len(order)]
    return bool((end[last] - period > begin[first]).any())


def folded(held: Held, period: int) -> Folded:
    """Return what a segment that does not meet itself holds modulo a period."""
    resource, row = np.unique(held.resource, return_inverse=True)
    marks = np.zeros((len(resource), period + 1), dtype=np.int64)
    begin = held.begin % period
    end = begin + held.length
    np.add.at(marks, (row, begin), 1)
    np.add.at(marks, (row, np.minimum(end, period)), -1)
    over = np.flatnonzero(end > period)
    np.add.at(marks[:, 0], row[over], 1)
    np.add.at(marks, (row[over], end[over] - period), -1)
    return Folded(resource, np.cumsum(marks[:, :-1], axis=1).astype(np.uint8))


def offsets(one: Folded, other: Folded) -> NDArray[np.bool_]:
    """Return for each offset whether `other` may begin so many cycles after `one`, shape (P,)."""
    period = one.cells.shape[1]
    _, mine, theirs = np.intersect1d(one.resource, other.resource, return_indices=True)
    spectrum = np.zeros(period // 2 + 1, dtype=np.complex128)
    rows = max(1, CELLS // period)
    for begin in range(0, len(mine), rows):
        part = slice(begin, begin + rows)
        first = np.fft.rfft(one.cells[mine[part]], axis=1)
        spectrum += (first * np.conj(np.fft.rfft(other.cells[theirs[part]], axis=1))).sum(axis=0)
    # Entry d counts the cells that both hold when `other` begins d later.
    return np.fft.irfft(spectrum, period) < 0.5

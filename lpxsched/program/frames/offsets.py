"""Which offsets of two segments fit beside each other modulo a period, by circular correlation of what they hold.

A segment holds each of its resources (unit, lane, Ethernet port) during intervals that count from its time zero. Folded
onto a circle of P cycles, [a, a + m) of one segment and [b, b + n) of another meet at the offsets from a - b - n + 1 to
a - b + m - 1. Intervals are few and periods long, so these offsets are counted pair by pair; one that overlaps itself
fits no offset at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import kernel

Integers = NDArray[np.int64]


class Held(NamedTuple):
    """Resources that a segment holds, and when: ``[begin, begin + length)`` from its time zero; one row an interval."""

    resource: Integers
    begin: Integers
    length: Integers

    def loads(self, resources: int) -> Integers:
        """Return for how long each resource is held in an iteration, shape (resources,)."""
        return np.bincount(self.resource, weights=self.length, minlength=resources).astype(np.int64)


class Folded(NamedTuple):
    """What a segment holds modulo a period.

    Attributes
    ----------
    resource : ndarray of int64, shape (resources,)
        Sorted.
    first : ndarray of int64, shape (resources + 1,)
        Where the intervals of each begin in the next two.
    begin, length : ndarray of int64, shape (intervals,)
        ``[begin, begin + length)`` modulo the period, those that touch joined.
    period : int
    """

    resource: Integers
    first: Integers
    begin: Integers
    length: Integers
    period: int


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
    lasting = np.flatnonzero(held.length > 0)
    begin = held.begin[lasting] % period
    order = np.lexsort((begin, held.resource[lasting]))
    resource, begin, length = held.resource[lasting][order], begin[order], held.length[lasting][order]
    touching = (resource[1:] == resource[:-1]) & (begin[:-1] + length[:-1] == begin[1:])
    runs = np.flatnonzero(np.append(True, ~touching)[: len(order)])
    length = np.add.reduceat(length, runs) if len(runs) else length
    distinct, first = np.unique(resource[runs], return_index=True)
    return Folded(distinct, np.append(first, len(runs)), begin[runs], length, period)


def offsets(one: Folded, other: Folded) -> NDArray[np.bool_] | None:
    """Return for each offset whether `other` may begin so many cycles after `one`, shape (P,).

    None where they share no resource.
    """
    changes = np.zeros(one.period + 1, dtype=np.int64)
    shared = _count_meetings(one, other, changes)
    return np.cumsum(changes[:-1]) == 0 if shared else None


@kernel
def _count_meetings(one: Folded, other: Folded, changes: Integers) -> int:
    """Add to `changes`, shape (P + 1,), where the offsets of each meeting begin and end; return how much is shared."""
    mine, theirs, shared = 0, 0, 0
    while mine < len(one.resource) and theirs < len(other.resource):
        if one.resource[mine] < other.resource[theirs]:
            mine += 1
        elif one.resource[mine] > other.resource[theirs]:
            theirs += 1
        else:
            shared += 1
            for a in range(one.first[mine], one.first[mine + 1]):
                for b in range(other.first[theirs], other.first[theirs + 1]):
                    wide = min(one.period, one.length[a] + other.length[b] - 1)
                    begin = (one.begin[a] - other.begin[b] - other.length[b] + 1) % one.period
                    changes[begin] += 1
                    changes[min(begin + wide, one.period)] -= 1
                    if begin + wide > one.period:
                        changes[0] += 1
                        changes[begin + wide - one.period] -= 1
            mine += 1
            theirs += 1
    return shared

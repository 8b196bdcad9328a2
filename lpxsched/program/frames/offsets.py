"""Which offsets of two segments fit beside each other modulo a period, by circular correlation of what they hold.

A segment holds each of its resources (unit, lane, Ethernet port) during intervals that count from its time zero. Folded
onto a circle of P cycles, [a, a + m) of one segment and [b, b + n) of another meet at the offsets from a - b - n + 1 to
a - b + m - 1. Intervals are few and periods long, so these offsets are counted pair by pair; one that overlaps itself
fits no offset at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Flags, Integers, kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
    """

    resource: Integers
    first: Integers
    begin: Integers
    length: Integers


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
    return Folded(distinct, np.append(first, len(runs)), begin[runs], length)


class FoldedSegments(NamedTuple):
    """What several segments hold modulo a period, one behind the other.

    Attributes
    ----------
    of_segment : ndarray of int64, shape (segments + 1,)
        Where the resources of each begin in the next one.
    resource : ndarray of int64, shape (resources,)
        Of each segment sorted.
    first : ndarray of int64, shape (resources + 1,)
        Where the intervals of each begin in the next two.
    begin, length : ndarray of int64, shape (intervals,)
    """

    of_segment: Integers
    resource: Integers
    first: Integers
    begin: Integers
    length: Integers


def folded_segments(folds: Sequence[Folded]) -> FoldedSegments:
    """Return what segments hold modulo the same period."""
    intervals = np.cumsum([0, *(len(one.begin) for one in folds)])
    ends = [one.first[1:] + before for one, before in zip(folds, intervals.tolist(), strict=False)]
    return FoldedSegments(
        np.cumsum([0, *(len(one.resource) for one in folds)]),
        np.concatenate([one.resource for one in folds]),
        np.concatenate([np.zeros(1, dtype=np.int64), *ends]),
        np.concatenate([one.begin for one in folds]),
        np.concatenate([one.length for one in folds]),
    )


def offsets(folds: FoldedSegments, one: int, period: int) -> list[NDArray[np.bool_] | None]:
    """Return for each segment at which offsets it may begin so many cycles after one of them, shape (P,).

    None for those that share no resource with it.
    """
    segments = len(folds.of_segment) - 1
    meetings, shared = np.zeros((segments, period), dtype=np.bool_), np.zeros(segments, dtype=np.bool_)
    _meet(folds, one, np.zeros(period + 1, dtype=np.int64), meetings, shared)
    return [~meetings[other] if shared[other] else None for other in range(segments)]


@kernel
def _meet(folds: FoldedSegments, one: int, changes: Integers, meetings: Flags, shared: Flags) -> None:
    """Note the offsets at which each segment meets one of them, and which share anything with it."""
    for other in range(len(shared)):
        mine, theirs = folds.of_segment[one], folds.of_segment[other]
        changes[:] = 0
        while mine < folds.of_segment[one + 1] and theirs < folds.of_segment[other + 1]:
            if folds.resource[mine] < folds.resource[theirs]:
                mine += 1
            elif folds.resource[mine] > folds.resource[theirs]:
                theirs += 1
            else:
                shared[other] = True
                _count(folds, mine, theirs, changes)
                mine += 1
                theirs += 1
        if shared[other]:
            meets = 0
            for offset in range(meetings.shape[1]):
                meets += changes[offset]
                meetings[other, offset] = meets > 0


@kernel
def _count(folds: FoldedSegments, mine: int, theirs: int, changes: Integers) -> None:
    """Add to `changes`, shape (P + 1,), where the offsets begin and end at which two meet on a resource."""
    period = len(changes) - 1
    for a in range(folds.first[mine], folds.first[mine + 1]):
        for b in range(folds.first[theirs], folds.first[theirs + 1]):
            wide = min(period, folds.length[a] + folds.length[b] - 1)
            begin = (folds.begin[a] - folds.begin[b] - folds.length[b] + 1) % period
            changes[begin] += 1
            changes[min(begin + wide, period)] -= 1
            if begin + wide > period:
                changes[0] += 1
                changes[begin + wide - period] -= 1

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
    from collections.abc import Iterable

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
        ``[begin, begin + length)`` modulo the period, those that touch joined.
    """

    of_segment: Integers
    resource: Integers
    first: Integers
    begin: Integers
    length: Integers


def folded(segments: Iterable[Held], period: int) -> Folded | None:
    """Return what segments hold modulo a period; None where iterations of one overlap that begin so often."""
    folds = list[tuple[Integers, ...]]()
    for held in segments:
        one = _folded(held, period)
        if one is None:
            return None
        folds.append(one)
    resource, count, begin, length = (np.concatenate(column) for column in zip(*folds, strict=True))
    of_segment = np.cumsum([0, *(len(one[0]) for one in folds)])
    return Folded(of_segment, resource, np.append(0, np.cumsum(count)), begin, length)


def _folded(held: Held, period: int) -> tuple[Integers, ...] | None:
    """Return resources, how many intervals each has, and the begins and lengths of these; None where some overlap."""
    lasting = np.flatnonzero(held.length > 0)
    begin = held.begin[lasting] % period
    # Two that begin in one cycle overlap, in whatever order.
    order = np.argsort(held.resource[lasting] * period + begin)
    resource, begin, length = held.resource[lasting][order], begin[order], held.length[lasting][order]
    end, is_first = begin + length, np.append(True, resource[1:] != resource[:-1])[: len(order)]
    is_last = np.append(is_first[1:], True)[: len(order)]
    later, earlier = np.flatnonzero(~is_first), np.flatnonzero(~is_last)
    overlap = (end[earlier] > begin[later]).any() or (end[is_last] - period > begin[is_first]).any()
    if overlap or (length > period).any():
        return None
    joins = later[end[earlier] == begin[later]]
    runs = np.delete(np.arange(len(order)), joins)
    length = np.add.reduceat(length, runs) if len(runs) else length
    first = np.flatnonzero(is_first[runs])
    return resource[runs][first], np.diff(np.append(first, len(runs))), begin[runs], length


def offsets(folds: Folded, one: int, period: int) -> list[NDArray[np.bool_] | None]:
    """Return for each segment at which offsets it may begin so many cycles after one of them, shape (P,).

    None for those that share no resource with it.
    """
    segments = len(folds.of_segment) - 1
    meetings, shared = np.zeros((segments, period), dtype=np.bool_), np.zeros(segments, dtype=np.bool_)
    _meet(folds, one, np.zeros(period + 1, dtype=np.int64), meetings, shared)
    return [~meetings[other] if shared[other] else None for other in range(segments)]


@kernel
def _meet(folds: Folded, one: int, changes: Integers, meetings: Flags, shared: Flags) -> None:
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
def _count(folds: Folded, mine: int, theirs: int, changes: Integers) -> None:
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

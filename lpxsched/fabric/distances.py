"""Hops between chips, without a table of all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE, ceil_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.adjacency import Adjacency

WORD_BITS = 64
# Bytes of gathered words at once while all chips spread by one hop.
CHUNK_BYTES = 1 << 26


def hops_from(chip: int, joined: Adjacency) -> NDArray[np.int64]:
    """Return the hops from a chip to each chip, -1 where there is no way (breadth-first search)."""
    hops = np.full(joined.chips, NONE, dtype=np.int64)
    hops[chip] = 0
    frontier = np.array([chip], dtype=np.int64)
    while len(frontier):
        reached = np.unique(joined.destination[_bundles_of(frontier, joined)])
        reached = reached[hops[reached] == NONE]
        hops[reached] = hops[frontier[0]] + 1
        frontier = reached
    return hops


def diameter(joined: Adjacency, ends: NDArray[np.int64] | None = None) -> int | None:
    """Return the largest number of hops between two chips; None when some chip cannot reach another.

    All chips spread by one hop at a time over sets of bits: after d hops the set of a chip holds all ends that are at
    most d hops away from it.

    Parameters
    ----------
    joined : Adjacency
    ends : ndarray of int64, optional
        Chips that stand for all as destinations, such as one of each orbit of a symmetry.
    """
    within = _sets_of(np.arange(joined.chips) if ends is None else ends, joined)
    complete = np.bitwise_or.reduce(within, axis=0)
    hops = 0
    while not (within == complete).all():
        wider = _spread(within, joined)
        if (wider == within).all():
            return None
        within = wider
        hops += 1
    return hops


def centre(joined: Adjacency, ends: NDArray[np.int64]) -> int | None:
    """Return the chip from which the farthest of some chips is nearest, the lowest of several; None when none does.

    Parameters
    ----------
    joined : Adjacency
    ends : ndarray of int64
        Chips that must be reached.
    """
    within = _sets_of(ends, joined)
    complete = np.bitwise_or.reduce(within, axis=0)
    while not (there := (within == complete).all(axis=1)).any():
        wider = _spread(within, joined)
        if (wider == within).all():
            return None
        within = wider
    return int(there.argmax())


def _sets_of(ends: NDArray[np.int64], joined: Adjacency) -> NDArray[np.uint64]:
    """Return a set of bits a chip, in which each of the ends holds itself alone."""
    bit = np.arange(len(ends))
    within = np.zeros((joined.chips, ceil_div(len(ends), WORD_BITS)), dtype=np.uint64)
    within[ends, bit // WORD_BITS] = np.uint64(1) << (bit % WORD_BITS).astype(np.uint64)
    return within


def _spread(within: NDArray[np.uint64], joined: Adjacency) -> NDArray[np.uint64]:
    wider = within.copy()
    busy = np.flatnonzero(np.diff(joined.offsets))
    columns = max(1, CHUNK_BYTES // (8 * max(1, len(joined.destination))))
    for first in range(0, within.shape[1], columns):
        part = within[:, first : first + columns]
        met = np.bitwise_or.reduceat(part[joined.destination], joined.offsets[busy], axis=0)
        wider[busy, first : first + columns] |= met
    return wider


def _bundles_of(chips: NDArray[np.int64], joined: Adjacency) -> NDArray[np.int64]:
    """Return the numbers of all bundles out of some chips."""
    starts, counts = joined.offsets[chips], joined.offsets[chips + 1] - joined.offsets[chips]
    before = np.repeat(np.cumsum(counts) - counts, counts)
    numbers: NDArray[np.int64] = np.repeat(starts, counts) + np.arange(counts.sum()) - before
    return numbers

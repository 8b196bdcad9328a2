"""Which bundles a block may cross: all hops of its shortest ways, or all hops that are in time for its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


class Crossings(NamedTuple):
    """Pairs of a block and a bundle, sorted by block, then bundle.

    Attributes
    ----------
    block, bundle : ndarray of int64, shape (crossings,)
    """

    block: NDArray[np.int64]
    bundle: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.block)

    def of_blocks(self, chosen: NDArray[np.bool_]) -> Crossings:
        """Return the crossings of some blocks, told by their number."""
        rows = chosen[self.block]
        return Crossings(self.block[rows], self.bundle[rows])

    def united(self, block: NDArray[np.int64], bundle: NDArray[np.int64]) -> Crossings:
        """Return these crossings and others."""
        pairs = np.unique(np.column_stack([np.append(self.block, block), np.append(self.bundle, bundle)]), axis=0)
        return Crossings(pairs[:, 0], pairs[:, 1])


def crossings(problem: Quotient, blocks: Blocks, latest_cycles: int, *, detours: bool) -> Crossings:
    """Return the bundles that each block may cross.

    Parameters
    ----------
    problem : Quotient
    blocks : Blocks
    latest_cycles : int
        No read is later.
    detours : bool
        Whether ways may be longer than the shortest.
    """
    ends = np.column_stack([blocks.source, blocks.target, blocks.vectors])
    kinds, kind_of = np.unique(ends, axis=0, return_inverse=True)
    usable = np.array(
        [
            _usable(problem, source, target, vectors, latest_cycles, detours)
            for source, target, vectors in kinds.tolist()
        ],
        dtype=np.bool_,
    )
    block, bundle = np.nonzero(usable[kind_of.ravel()])
    return Crossings(block.astype(np.int64), bundle.astype(np.int64))


def _usable(
    problem: Quotient, source: int, target: int, vectors: int, latest_cycles: int, detours: bool
) -> NDArray[np.bool_]:
    """Return, for each bundle, whether a block may cross it."""
    network, way = problem.instance.network, problem.way.astype(np.int64)
    start, end = network.source, network.destination
    read = way[source, start] + np.where(start != source, network.turnaround_cycles, 0) + network.hop_cycles
    after_first = network.hold_cycles(vectors - 1)
    if target == EVERY:
        in_time = read + np.where(end < network.width, after_first, 0) <= latest_cycles
        onward, shortest = in_time & (end != source), read == way[source, end]
        readers = np.arange(network.nodes) < network.width
    else:
        rest = np.where(end != target, network.turnaround_cycles, after_first) + way[end, target]
        onward = (end != source) & (start != target) & (read + rest <= latest_cycles)
        shortest = read + rest - np.where(end != target, 0, after_first) == way[source, target]
        readers = np.arange(network.nodes) == target
    return _connected(onward & (shortest | detours), start, end, np.arange(network.nodes) == source, readers)


def _connected(
    usable: NDArray[np.bool_],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    holders: NDArray[np.bool_],
    readers: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the usable bundles to which others, or a holder, lead, and from which others, or a reader, lead on."""
    while True:
        reached, useful = holders.copy(), readers.copy()
        reached[end[usable]] = True
        useful[start[usable]] = True
        fewer = usable & reached[start] & useful[end]
        if (fewer == usable).all():
            return fewer
        usable = fewer

"""How many vectors each of several trees carries, so that the last is through as early as can be.

What crosses a link may be sent in any order, but not before it is there, and some has a long way to go from there. Of
all crossings that begin no earlier and go no less far than one, the last to be sent is read at the end of its tree
no earlier than the first of them could begin, plus the cycles of all, plus how far the nearest goes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import DEALING_MOVES
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.schedule.problem.wires import Wires
from lpxsched.units import NEVER, NONE


class TreeCrossings(NamedTuple):
    """Every bundle of every tree, sorted by resource.

    `share` has the cycles of a vector, spread over all lanes, `start` when the first one may leave, `rest` the cycles
    from there until it is read everywhere behind that bundle. Those of resource i begin at ``offsets[i]``, and
    `of_tree` lists those of tree i from ``tree_offsets[i]`` on.
    """

    tree: Integers
    resource: Integers
    share: NDArray[np.float64]
    start: Integers
    rest: Integers
    offsets: Integers
    of_tree: Integers
    tree_offsets: Integers


def lateness(wires: Wires, parents: NDArray[np.int32]) -> tuple[Integers, Integers]:
    """Return when a first vector is read at each node of each tree, 0 at sources and outside, and by all behind it."""
    late, farthest = np.zeros((2, *parents.shape), dtype=np.int64)
    _find_late(wires, parents, late, farthest)
    return late, farthest


@kernel
def _find_late(wires: Wires, parents: NDArray[np.int32], late: Integers, farthest: Integers) -> None:
    """Find when each node reads, and when the last of the nodes does that get it by way of that."""
    for tree in range(len(parents)):
        for node in range(wires.nodes):
            at, cycles = node, 0
            while parents[tree, at] >= 0:
                bundle = parents[tree, at]
                at = wires.source[bundle]
                cycles += wires.hop[bundle] + (wires.turnaround if parents[tree, at] >= 0 else 0)
            late[tree, node] = cycles
            at = node
            farthest[tree, at] = max(farthest[tree, at], cycles)
            while parents[tree, at] >= 0:
                at = wires.source[parents[tree, at]]
                farthest[tree, at] = max(farthest[tree, at], cycles)


def _crossings(wires: Wires, parents: NDArray[np.int32], late: Integers, farthest: Integers) -> TreeCrossings:
    tree, node = np.nonzero(parents >= 0)
    bundle = parents[tree, node].astype(np.int64)
    order, offsets = grouped(wires.resource[bundle], len(wires.lanes))
    tree, node, bundle = tree[order], node[order], bundle[order]
    resource = wires.resource[bundle]
    start = late[tree, node] - wires.hop[bundle]
    of_tree, tree_offsets = grouped(tree, len(parents))
    return TreeCrossings(
        tree=tree,
        resource=resource,
        share=wires.numerator[bundle] / (wires.denominator[bundle] * wires.lanes[resource]),
        start=start,
        rest=farthest[tree, node] - start,
        offsets=offsets,
        of_tree=of_tree,
        tree_offsets=tree_offsets,
    )


def dealt(
    wires: Wires, parents: NDArray[np.int32], late: tuple[Integers, Integers], row: Integers, vectors: Integers
) -> Integers:
    """Return how many vectors each tree carries when they have moved to where they are through earlier.

    Of shape (trees, nodes), `parents` is the bundle over which each node is reached, `late` what `lateness` tells of
    it. Vectors move between trees of one `row`, a piece.
    """
    dealt_vectors = vectors.copy()
    _move(_crossings(wires, parents, *late), row, dealt_vectors)
    return dealt_vectors


@kernel
def _move(crossings: TreeCrossings, row: Integers, vectors: Integers) -> None:
    """Move vectors from the tree that is through last to another, while that is through earlier then."""
    some = max(1, vectors.sum() // DEALING_MOVES)
    for _ in range(DEALING_MOVES):
        worst, latest = NONE, 0.0
        for tree in range(len(row)):
            through = _through(crossings, vectors, tree, float(NEVER)) if vectors[tree] >= some else 0.0
            if through > latest:
                worst, latest = tree, through
        if worst < 0:
            break
        best, earliest = worst, latest
        vectors[worst] -= some
        for tree in range(len(row)):
            if row[tree] == row[worst] and tree != worst:
                vectors[tree] += some
                through = _through(crossings, vectors, tree, earliest)
                vectors[tree] -= some
                if through < earliest:
                    best, earliest = tree, through
        vectors[best] += some
        if best == worst:
            if some == 1:
                break
            some = (some + 1) // 2


@kernel
def _through(crossings: TreeCrossings, vectors: Integers, tree: int, limit: float) -> float:
    """Return when the last vector of a tree is read everywhere, or that it is no earlier than a limit."""
    latest = 0.0
    for place in range(crossings.tree_offsets[tree], crossings.tree_offsets[tree + 1]):
        if latest >= limit:
            break
        one = crossings.of_tree[place]
        through = crossings.start[one] + crossings.rest[one] - crossings.share[one]
        resource = crossings.resource[one]
        for other in range(crossings.offsets[resource], crossings.offsets[resource + 1]):
            if crossings.start[other] >= crossings.start[one] and crossings.rest[other] >= crossings.rest[one]:
                through += crossings.share[other] * vectors[crossings.tree[other]]
        latest = max(latest, through)
    return latest

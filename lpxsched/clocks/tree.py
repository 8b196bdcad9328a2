"""The spanning tree along which chips align their counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentTree:
    """Parent and depth of every node; the root is its own parent at depth 0.

    Attributes
    ----------
    parent, depth : ndarray of int64, shape (nodes,)
    """

    parent: NDArray[np.int64]
    depth: NDArray[np.int64]

    def levels_between(self, a: int, b: int) -> int:
        """Return the number of tree edges between two nodes of one tree: how many residuals may sum up."""
        levels = 0
        while a != b:
            if self.depth[a] < self.depth[b]:
                a, b = b, a
            a = int(self.parent[a])
            levels += 1
        return levels


def alignment_tree(fabric: Fabric) -> AlignmentTree:
    """Return the breadth-first tree from node 0 that keeps the chips of a tray close to each other.

    The first chip of each tray hangs from the first chip of the fabric, the other chips of a tray from its first,
    hosts from their chips: a chip's first neighbour in the tree is preferred in the order of node numbers within the
    own tray.

    Raises
    ------
    InputError
        When no way leads from node 0 to a node: its counter could follow no other.
    """
    parent = np.arange(fabric.nodes, dtype=np.int64)
    depth = np.full(fabric.nodes, -1, dtype=np.int64)
    neighbours: list[list[int]] = [[] for _ in range(fabric.nodes)]
    ends = np.unique(np.stack([fabric.source, fabric.destination], axis=1), axis=0)
    for source, destination in ends.tolist():
        neighbours[source].append(destination)
    positions = fabric.grid[1]
    # Heads of trays first: two chips of one tray then differ by two residuals, not by four.
    heads = list(range(0, fabric.chips, positions))
    for members in (set(heads), set(range(fabric.chips)), set(range(fabric.nodes))):
        _grow(members, neighbours, parent, depth, positions, fabric.chips)
    if (depth < 0).any():
        lost = fabric.position(int(np.argmin(depth)))
        raise InputError(fabric.name, f"no links lead from {fabric.position(0)} to {lost}, so no clock can reach it")
    return AlignmentTree(parent, depth)


def _grow(
    members: set[int],
    neighbours: list[list[int]],
    parent: NDArray[np.int64],
    depth: NDArray[np.int64],
    positions: int,
    chips: int,
) -> None:
    """Add, breadth first, the members that the tree reaches; a chip prefers a parent in its own tray."""
    depth[0] = 0
    frontier = [node for node in range(len(depth)) if depth[node] >= 0]
    while frontier:
        reached: dict[int, int] = {}
        for node in frontier:
            for other in neighbours[node]:
                if other in members and depth[other] < 0:
                    same = other < chips and other // positions == node // positions
                    if other not in reached or (same and reached[other] // positions != node // positions):
                        reached[other] = node
        for other, node in sorted(reached.items()):
            parent[other], depth[other] = node, depth[node] + 1
        frontier = sorted(reached)

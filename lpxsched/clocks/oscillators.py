"""Which chips of a fabric count with one oscillator."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric

# How many of the last coordinates chips of one oscillator may differ in.
FREE = {"chip": 0, "tray": 1, "rack": 2}


def oscillators(fabric: Fabric, clock: ClockSpecification) -> NDArray[np.int64]:
    """Return the first chip of those with which each shares an oscillator, shape (nodes,); a host has its own."""
    node = np.arange(fabric.nodes)
    free = FREE[clock.shared_by.value]
    size = prod(fabric.shape[len(fabric.shape) - free :]) if free <= len(fabric.shape) else fabric.chips
    return np.where(node < fabric.chips, node // size * size, node)


def drift_apart(fabric: Fabric, clock: ClockSpecification, tree: AlignmentTree, nodes: NDArray[np.int64]) -> bool:
    """Return whether some nodes, or one of them and the root that it follows, count with different oscillators.

    Lanes of hosts have oscillators of their own.
    """
    of_node = oscillators(fabric, clock)
    roots = tree.root[nodes]
    counted = np.append(of_node[nodes], of_node[roots[roots >= 0]])
    return bool((nodes >= fabric.chips).any() or (counted != counted[0]).any())

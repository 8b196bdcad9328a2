"""Which nodes of a directed graph reach each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def reached_from(
    start: int, source: NDArray[np.int64], destination: NDArray[np.int64], nodes: int
) -> NDArray[np.bool_]:
    """Return whether each node can be reached from one node, itself included."""
    found = np.zeros(nodes, dtype=np.bool_)
    found[start] = True
    while True:
        further = destination[found[source] & ~found[destination]]
        if not len(further):
            return found
        found[further] = True


def joined_with(node: int, source: NDArray[np.int64], destination: NDArray[np.int64], nodes: int) -> NDArray[np.bool_]:
    """Return the strong component of a node: whether each node can be reached from it, and the other way round."""
    return reached_from(node, source, destination, nodes) & reached_from(node, destination, source, nodes)


def component_numbers(source: NDArray[np.int64], destination: NDArray[np.int64], nodes: int) -> NDArray[np.int64]:
    """Return the number of each node's component where edges lead both ways; components go by their first node."""
    least = np.arange(nodes)
    while True:
        lower = least.copy()
        np.minimum.at(lower, source, least[destination])
        np.minimum.at(lower, destination, least[source])
        lower = lower[lower]
        if (lower == least).all():
            return np.unique(least, return_inverse=True)[1].astype(np.int64)
        least = lower

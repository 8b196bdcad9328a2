"""The lanes of a layer's nodes, and how long vectors take to follow each other on them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.network import Network


class NodeLanes(NamedTuple):
    """All lanes out of each node or into it: how many, and the shortest time of a vector on any of them."""

    number: Integers
    time: Integers
    time_of: Integers

    def spread(self, node: Integers, vectors: Integers) -> Integers:
        """Cycles from the first to the last of some vectors on the fullest lane, rounded up; 0 without lanes."""
        number = self.number[node]
        others = -(-vectors // np.maximum(number, 1)) - 1
        return np.where(number, -(-np.maximum(others, 0) * self.time[node] // self.time_of[node]), 0)


def lanes_at(network: Network, end: Integers, counted: Flags) -> NodeLanes:
    """Return the lanes of each node, over the bundles that count."""
    bundles, count = np.flatnonzero(counted), np.zeros(network.nodes, dtype=np.int64)
    np.add.at(count, end[bundles], network.lanes[bundles])
    base = int(network.pitch_denominator.max(initial=0)) + 1
    pitches, kind = np.unique(network.pitch_numerator * base + network.pitch_denominator, return_inverse=True)
    kinds = np.stack(np.divmod(pitches, base))
    order = sorted(range(kinds.shape[1]), key=lambda index: Fraction(*kinds[:, index].tolist()))
    best = np.full(network.nodes, len(order), dtype=np.int64)
    np.minimum.at(best, end[bundles], np.argsort(order)[kind.reshape(-1)][bundles])
    # Nodes without lanes come last: no time at all.
    time, time_of = np.append(kinds[:, order], [[0], [1]], axis=1)[:, best]
    return NodeLanes(count, time, time_of)

"""Work of copies and of sums: every reader must get something, every holder must give something.

**Copies.** If holders give different vectors, each reader z makes all vectors that it wants enter z over some bundle,
no matter how copies are made on the way: W = sum over z of what z wants, over all bundles (u, z) into readers, with

    idle_b = (least cost of a way from any holder to u) + hop_b.

Sums with one reader each are the same with time reversed.

**Sums that everyone reads.** Take one vector of an all-reduce over m shards, and put the chips into m >= 2 groups with
a shard in each. Order all moves of this vector between groups by their reads, and let y be the first group that has met
the summands of all groups. By then each other group made a move that was read: m - 1 moves. After that each other group
with a shard still lacks a summand and reads another one: m - 1 moves more. So N vectors make 2 (m - 1) N departures
between groups. If every chip is a group, those after y's are read no earlier than the least cost r of meeting all
summands, the least over y of the greatest over x of way(x, y): (m - 1) N departures have idle_b = max(hop_b, r). With
time reversed, where y is the last chip from which something can still reach everyone, the same holds for the spread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import lanes_of
from lpxsched.schedule.bounds.sets import partitions
from lpxsched.schedule.bounds.view import is_small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.crossings import Lanes
    from lpxsched.schedule.bounds.view import View
    from lpxsched.schedule.problem.instance import Instance


def copies(view: View) -> Iterator[tuple[Lanes, int, Integers]]:
    """Yield lanes, departures on them and idle cycles by what all readers get, if holders give different vectors."""
    if not view.wants.holders_differ:
        return
    network, vectors = view.network, view.wants.vectors
    into = np.flatnonzero(np.isin(network.destination, np.flatnonzero(vectors.any(axis=0))))
    earliest = network.from_any(np.flatnonzero(vectors.any(axis=1)))
    yield lanes_of(network, into), int(vectors.sum()), earliest[network.source[into]] + network.hop[into]


def everyones_sums(problem: Instance, view: View) -> Iterator[tuple[Lanes, int, Integers]]:
    """Yield lanes, departures on them and idle cycles of sums that everyone reads, for several groupings."""
    network, width = view.network, problem.network.width
    if view.wants.holders_differ or view.wants.readers_differ or width < 2:
        return
    vectors = problem.stage.vectors
    everywhere = lanes_of(network, np.arange(network.bundles))
    if is_small(view):
        cost = network.into(np.arange(network.nodes))[:, :width]
        met = int(cost.max(axis=1).min()) - network.between_cycles
        yield everywhere, (width - 1) * vectors, np.maximum(network.hop, met)
    for group in (np.arange(problem.network.nodes), *partitions(problem)):
        between = np.flatnonzero(group[network.source] != group[network.destination])
        groups = len(np.unique(group[:width]))
        if groups > 1:
            yield lanes_of(network, between), 2 * (groups - 1) * vectors, network.hop[between]

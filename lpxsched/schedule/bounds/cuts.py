"""Cuts between sets of nodes, for vectors with one holder and one reader each.

Let S be a set of nodes, X any holders outside and Z any readers inside. Each of the N_XZ vectors from X to Z makes a
departure on some bundle b = (u, v) into S. It leaves u no earlier than the least cost of a way from X to u, and what is
read at v still needs the time between hops and a way from v to Z: together the least cost of a way from v to Z, since
a cost counts that time once for every hop. So the lemma of `crossings` holds for the bundles into S with W = N_XZ and

    idle_b = (least cost of a way from X to u) + hop_b + (least cost of a way from v to Z).

X are all holders at least so far from S, Z all readers at least so far inside, for several distances. Of all candidate
sets those with the most vectors for their lanes are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import lanes_of
from lpxsched.schedule.policy import MOST_LEVELS

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.bounds.view import View

# Rates of lanes are compared in vectors per so many cycles.
LONG_CYCLES = 1 << 20


def busiest(view: View, sets: Flags, most: int) -> Flags:
    """Return the sets into which the most vectors must go for the rate of the lanes into them."""
    network, width = view.network, view.wants.width
    rate = np.zeros((network.nodes, network.nodes), dtype=np.int64)
    per_lane = LONG_CYCLES * network.dense_of // network.dense
    np.add.at(rate, (network.source, network.destination), network.lanes * np.maximum(per_lane, 1))
    lanes, vectors = _crossing(sets, rate), _crossing(sets[:, :width], view.wants.vectors)
    worth = vectors * LONG_CYCLES // np.maximum(lanes, 1)
    order = np.lexsort((np.arange(len(sets)), -worth))
    chosen: Flags = sets[order[(worth[order] > 0) & (lanes[order] > 0)][:most]]
    return chosen


def cut_cycles(view: View, inside: Flags) -> int:
    """Return the bound of the makespan by a cut around a set of nodes."""
    network, vectors = view.network, view.wants.vectors
    holders, readers = np.flatnonzero(~inside[: len(vectors)]), np.flatnonzero(inside[: len(vectors)])
    into = np.flatnonzero(~inside[network.source] & inside[network.destination])
    lanes = lanes_of(network, into)
    released = network.into(network.source[into])[:, holders].T
    left = network.into(readers)[:, network.destination[into]]
    best = 0
    for some_holders in _far(released):
        earliest = released[some_holders].min(axis=0)
        for some_readers in _far(left):
            needed = vectors[np.ix_(holders[some_holders], readers[some_readers])].sum()
            idle = earliest + network.hop[into] + left[some_readers].min(axis=0)
            best = max(best, int(lanes.shortest_makespan(needed[None], idle[None])[0]))
    return best


def cut_period(view: View, inside: Flags) -> int:
    """Return the bound of the period by a cut around a set of nodes."""
    network, width = view.network, view.wants.width
    into = np.flatnonzero(~inside[network.source] & inside[network.destination])
    needed = view.wants.vectors[~inside[:width]][:, inside[:width]].sum()
    return int(lanes_of(network, into).shortest_period(needed[None])[0])


def _crossing(sets: Flags, amount: Integers) -> Integers:
    """Return the total of an amount from outside to inside each set; exact, since sums stay far below 2 ** 53."""
    inside = sets.astype(np.float64)
    total: Integers = ((1 - inside) @ amount.astype(np.float64) * inside).sum(axis=1).astype(np.int64)
    return total


def _far(cost: Integers) -> list[Integers]:
    """Return the rows that are at least so far from every bundle, for several distances."""
    nearest = cost.min(axis=1)
    levels = np.unique(nearest)[:MOST_LEVELS]
    return [np.flatnonzero(nearest >= level) for level in levels.tolist()]

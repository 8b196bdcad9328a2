"""Distances over the bundles of an instance, in hops and in cycles; hosts begin and end ways but never relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.wires import FAR, relaxed
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance

    Integers = NDArray[np.int64]


def hops_from(roots: Integers, instance: Instance) -> Integers:
    """Return hops from some nodes to each node, shape (len(roots), nodes); `NONE` where there is no way."""
    ends = instance.bundle_source, instance.bundle_destination
    return _hops(_least(roots, instance, *ends, np.ones(instance.bundles, dtype=np.int64)))


def hops_to_roots(instance: Instance) -> Integers:
    """Return hops from each node to each root of a demand, shape (nodes, nodes); `NONE` in rows of other nodes."""
    roots, distance = np.unique(instance.demand_root), np.full((instance.nodes, instance.nodes), NONE, dtype=np.int64)
    ends = instance.bundle_destination, instance.bundle_source
    distance[roots] = _hops(_least(roots, instance, *ends, np.ones(instance.bundles, dtype=np.int64)))
    return distance


def shortest_ways(instance: Instance) -> Integers:
    """Return cycles from the departure of one vector at each node to its read at each other, `NEVER` without a way."""
    nodes, between = np.arange(instance.nodes), instance.turnaround_cycles
    ends = instance.bundle_source, instance.bundle_destination
    cost = _least(nodes, instance, *ends, instance.hop_cycles + between)
    ways = np.where(cost < FAR, cost - between, NEVER)
    ways[nodes, nodes] = 0
    return ways


def _least(roots: Integers, instance: Instance, source: Integers, destination: Integers, length: Integers) -> Integers:
    """Return the least lengths of ways from each of some nodes, `FAR` without a way."""
    rows, row_of = np.arange(len(roots)), np.full(instance.nodes, NONE, dtype=np.int64)
    row_of[roots] = rows
    cost = np.full((len(roots), instance.nodes), FAR, dtype=np.int64)
    chips, relays = roots < instance.chips, source < instance.chips
    cost[rows[chips], roots[chips]] = 0
    first = np.flatnonzero(~relays & (row_of[source] != NONE))
    np.minimum.at(cost, (row_of[source[first]], destination[first]), length[first])
    cost = relaxed(cost, source[relays], destination[relays], length[relays])
    cost[rows, roots] = 0
    return cost


def _hops(cost: Integers) -> Integers:
    return np.where(cost < FAR, cost, NONE)

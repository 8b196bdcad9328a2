"""Distances over the bundles of an instance, in hops and in cycles; hosts begin and end ways but never relay."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.wires import FAR, relaxed
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network


def hops_from(roots: Integers, network: Network) -> Integers:
    """Return hops from some nodes to each node, shape (len(roots), nodes); `NONE` where there is no way."""
    return _hops(_least(roots, network, np.ones(network.bundles, dtype=np.int64)))


def hops_to_roots(instance: Instance) -> Integers:
    """Return hops from each node to each root of a demand, shape (nodes, nodes); `NONE` in rows of other nodes."""
    network, roots = instance.network, np.unique(instance.demand_root)
    distance = np.full((network.nodes, network.nodes), NONE, dtype=np.int64)
    distance[roots] = hops_from(roots, network.reversed())
    return distance


@lru_cache(maxsize=4)
def shortest_ways(network: Network) -> Integers:
    """Return cycles from the departure of one vector at each node to its read at each other, `NEVER` without a way."""
    nodes, between = np.arange(network.nodes), network.turnaround_cycles
    cost = _least(nodes, network, network.hop_cycles + between)
    ways = np.where(cost < FAR, cost - between, NEVER)
    ways[nodes, nodes] = 0
    return ways


def _least(roots: Integers, network: Network, length: Integers) -> Integers:
    """Return the least lengths of ways from each of some nodes, `FAR` without a way."""
    rows, row_of = np.arange(len(roots)), np.full(network.nodes, NONE, dtype=np.int64)
    row_of[roots] = rows
    source, destination = network.source, network.destination
    cost = np.full((len(roots), network.nodes), FAR, dtype=np.int64)
    chips, relays = roots < network.chips, source < network.chips
    cost[rows[chips], roots[chips]] = 0
    first = np.flatnonzero(~relays & (row_of[source] != NONE))
    np.minimum.at(cost, (row_of[source[first]], destination[first]), length[first])
    cost = relaxed(cost, source[relays], destination[relays], length[relays])
    cost[rows, roots] = 0
    return cost


def _hops(cost: Integers) -> Integers:
    return np.where(cost < FAR, cost, NONE)

"""A network under a group as kernels read it: what slots hold and for how long, and shortest ways over it.

``tests/schedule/plain_transfers.py`` has plain twins of the kernels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.policy import ROWS_AT_ONCE
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.network import Network

# Longer than any way. `NEVER` is too large for what is made of ways: tables of 32 bits, and products within 64.
FAR = 1 << 30


class Wires(NamedTuple):
    """Bundles and the resources (orbits of bundles) on which they draw.

    `out` lists bundles by source, `out_offsets` where each node's begin; `inject` and `eject` are 0 without a limit.
    """

    width: int
    chips: int
    nodes: int
    source: Integers
    destination: Integers
    hop: Integers
    numerator: Integers
    denominator: Integers
    out_offsets: Integers
    out: Integers
    resource: Integers
    lanes: Integers
    first_lane: Integers
    turnaround: int
    node_orbit: Integers
    inject: int
    eject: int


@kernel
def lane_count(wires: Wires, bundle: int) -> int:
    """Return how many lanes a bundle has."""
    return int(wires.lanes[wires.resource[bundle]])


@kernel
def hold_cycles(wires: Wires, bundle: int, vectors: int) -> int:
    """Return how long a slot holds a lane of a bundle (`Network.hold_cycles`)."""
    return int(-(-vectors * wires.numerator[bundle] // wires.denominator[bundle]))


@kernel
def lead_cycles(wires: Wires, arrived: int, leaving: int, vectors: int) -> int:
    """Return how much later a relay sends a stream on where the wire in is slower (`units.lead_cycles`)."""
    slow = wires.numerator[arrived] * wires.denominator[leaving]
    slower = slow - wires.numerator[leaving] * wires.denominator[arrived]
    if slower <= 0:
        return 0
    return int(-(-(vectors - 1) * slower // (wires.denominator[arrived] * wires.denominator[leaving])))


@kernel
def share_cycles(wires: Wires, bundle: int, vectors: float) -> float:
    """Return the cycles that vectors take of the lanes of a bundle, spread over all of them."""
    return float(vectors * wires.numerator[bundle] / (wires.denominator[bundle] * lane_count(wires, bundle)))


@kernel
def _relax(
    cost: Integers,
    offsets: Integers,
    destination: Integers,
    length: Integers,
    relays: int,
    queue: Integers,
    queued: Flags,
) -> None:
    """Lower the costs of each row to what is reached from its nodes, of which those below `relays` pass on."""
    nodes = cost.shape[1]
    for row in range(len(cost)):
        costs = cost[row]
        begin, end = 0, 0
        for node in range(nodes):
            if costs[node] < FAR:
                queue[end] = node
                queued[node] = True
                end += 1
        while begin != end:
            node = queue[begin]
            begin = (begin + 1) % (nodes + 1)
            queued[node] = False
            for bundle in range(offsets[node], offsets[node + 1]):
                other = destination[bundle]
                if costs[node] + length[bundle] < costs[other]:
                    costs[other] = costs[node] + length[bundle]
                    if not queued[other] and other < relays:
                        queued[other] = True
                        queue[end] = other
                        end = (end + 1) % (nodes + 1)


def relaxed(start: Integers, network: Network, length: Integers) -> Integers:
    """Return the least costs that follow from some starting costs, shape (rows, nodes); label correcting.

    Nothing starts where a cost is `FAR` or more. Hosts begin and end ways but never relay.
    """
    nodes = network.nodes
    order, offsets = grouped(network.source, nodes)
    least, queue, queued = start.copy(), np.empty(nodes + 1, dtype=np.int64), np.zeros(nodes, dtype=np.bool_)
    _relax(least, offsets, network.destination[order], length[order], network.chips, queue, queued)
    return least


def least_lengths(roots: Integers, network: Network, length: Integers) -> Integers:
    """Return the least lengths of ways from each of some nodes, shape (len(roots), nodes); `FAR` without a way."""
    start = np.full((len(roots), network.nodes), FAR, dtype=np.int64)
    start[np.arange(len(roots)), roots] = 0
    return relaxed(start, network, length)


@lru_cache(maxsize=2)
def all_ways(network: Network) -> NDArray[np.int32]:
    """Return cycles from a departure at one node to a read at another, the shortest; `FAR` where there is no way."""
    between, nodes = network.turnaround_cycles, network.nodes
    by_source = network.with_bundles(np.argsort(network.source, kind="stable"))
    way = np.empty((nodes, nodes), dtype=np.int32)
    for first in range(0, nodes, ROWS_AT_ONCE):
        roots = np.arange(first, min(first + ROWS_AT_ONCE, nodes))
        cost = least_lengths(roots, by_source, by_source.hop_cycles + between)
        way[roots] = np.where(cost < FAR, cost - between, FAR)
    np.fill_diagonal(way, 0)
    return way


def hops_to(roots: Integers, network: Network) -> Integers:
    """Return hops from each node to each of some, shape (nodes, nodes); `NONE` without a way and in other rows."""
    distance = np.full((network.nodes, network.nodes), NONE, dtype=np.int64)
    cost = least_lengths(roots, network.reversed(), np.ones(network.bundles, dtype=np.int64))
    distance[roots] = np.where(cost < FAR, cost, NONE)
    return distance

"""Routes of blocks with one reader, chosen so that no link carries much more than others.

Each block takes a shortest way. Blocks are routed one after the other and again, each by the way of least cost under
the load of all others, where cost grows with the square of load (a descent on the sum of the cubes of loads).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.schedule.compiled import Flags, Integers, kernel
from lpxsched.schedule.problem.wires import Wires, share_cycles
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient

SWEEPS = 6
# Hops whose loads are told apart; later ones count with the last.
MOST_HOPS = 8


class Scratch(NamedTuple):
    """What the search for one route knows of each node."""

    cost: NDArray[np.float64]
    hops: Integers
    came: Integers
    reached: Integers
    done: Flags


class Trips(NamedTuple):
    """Blocks: from where, to where, and how long."""

    source: Integers
    target: Integers
    vectors: Integers


class Loads(NamedTuple):
    """Loads of resources by hop, and a little noise, by bundle, that tells equal ones apart."""

    load: NDArray[np.float64]
    noise: NDArray[np.float64]


def balanced_routes(
    problem: Quotient, blocks: Blocks, *, seed: int, by_hop: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bundles of each block's route.

    Parameters
    ----------
    problem : Quotient
    blocks : Blocks
        Each with one reader.
    seed : int
        Of the order in which blocks are routed.
    by_hop : bool
        Whether first, second, .. hops count apart: all first hops come early, all last ones late.

    Returns
    -------
    offsets : ndarray of int64, shape (blocks + 1,)
    bundles : ndarray of int64
        Route of block i, from source to target, is ``bundles[offsets[i]:offsets[i + 1]]``.
    """
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(blocks)) for _ in range(SWEEPS)])
    loads = Loads(
        np.zeros((MOST_HOPS if by_hop else 1, len(problem.wires.lanes))),
        random.random(problem.instance.network.bundles) * 1e-3,
    )
    trips = Trips(blocks.source, blocks.target, blocks.vectors)
    routes, lengths = _route(problem.wires, problem.way, trips, loads, order, _scratch(problem.instance.network.nodes))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    mask = np.arange(routes.shape[1])[None, :] < lengths[:, None]
    return offsets, routes[mask].astype(np.int64)


@kernel()
def _on_way(wires: Wires, way: NDArray[np.int32], node: int, bundle: int, end: int) -> bool:
    """Return whether a bundle leads along a shortest way."""
    other = wires.destination[bundle]
    between = wires.turnaround if other != end else 0
    return bool(way[other, end] + between + wires.hop[bundle] == way[node, end])


@kernel()
def _charge(
    wires: Wires, load: NDArray[np.float64], route: NDArray[np.int32], hops: int, vectors: int, sign: int
) -> None:
    """Add a route to the loads, or take it away."""
    for hop in range(hops):
        bundle = route[hop]
        load[min(hop, len(load) - 1), wires.resource[bundle]] += sign * share_cycles(wires, bundle, vectors)


@kernel()
def _next_node(reached: Integers, count: int, done: Flags, way: NDArray[np.int32], end: int) -> int:
    """Return the reached node farthest from the end that is not done: nothing that is left leads to it."""
    best, farthest = NONE, -1
    for index in range(count):
        node = reached[index]
        if not done[node] and way[node, end] > farthest:
            best, farthest = node, way[node, end]
    return best


@kernel()
def _cheapest(
    wires: Wires, way: NDArray[np.int32], loads: Loads, scratch: Scratch, source: int, end: int, vectors: int
) -> int:
    """Find the cheapest of the shortest ways; return its number of hops, its bundles in `scratch.came`."""
    scratch.cost[:], scratch.done[:] = np.inf, False
    scratch.cost[source], scratch.hops[source], scratch.reached[0] = 0.0, 0, source
    count = 1
    while True:
        node = _next_node(scratch.reached, count, scratch.done, way, end)
        if node == end:
            return int(scratch.hops[end])
        scratch.done[node] = True
        for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            bundle = wires.out[index]
            if not _on_way(wires, way, node, bundle, end):
                continue
            other = wires.destination[bundle]
            share = share_cycles(wires, bundle, vectors)
            hop = min(scratch.hops[node], len(loads.load) - 1)
            loaded = loads.load[hop, wires.resource[bundle]] + share
            held_cycles = share * wires.lanes[wires.resource[bundle]]
            price = scratch.cost[node] + loaded**2 * held_cycles + loads.noise[bundle]
            if scratch.cost[other] == np.inf:
                scratch.reached[count] = other
                count += 1
            if price < scratch.cost[other]:
                scratch.cost[other], scratch.came[other] = price, bundle
                scratch.hops[other] = scratch.hops[node] + 1


@kernel(makes_arrays=True)
def _route(
    wires: Wires, way: NDArray[np.int32], trips: Trips, loads: Loads, order: Integers, scratch: Scratch
) -> tuple[NDArray[np.int32], Integers]:
    """Route blocks in an order in which each may come several times; return routes and their lengths."""
    source, target, vectors, load = trips.source, trips.target, trips.vectors, loads.load
    routes = np.empty((len(source), 1), dtype=np.int32)
    lengths = np.zeros(len(source), dtype=np.int64)
    for block in order:
        _charge(wires, load, routes[block], lengths[block], vectors[block], -1)
        hops = _cheapest(wires, way, loads, scratch, source[block], target[block], vectors[block])
        if hops > routes.shape[1]:
            wider = np.empty((len(source), hops), dtype=np.int32)
            wider[:, : routes.shape[1]] = routes
            routes = wider
        lengths[block] = hops
        node = target[block]
        for hop in range(hops - 1, -1, -1):
            routes[block, hop] = scratch.came[node]
            node = wires.source[scratch.came[node]]
        _charge(wires, load, routes[block], hops, vectors[block], 1)
    return routes, lengths


def _scratch(nodes: int) -> Scratch:
    hops, came, reached = np.zeros((3, nodes), dtype=np.int64)
    return Scratch(np.zeros(nodes), hops, came, reached, np.zeros(nodes, dtype=np.bool_))

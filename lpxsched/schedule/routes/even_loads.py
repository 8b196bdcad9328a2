"""Routes of blocks with one reader, chosen so that no link carries much more than others.

Each block takes a shortest way. Blocks are routed one after the other and again, each by the way of least cost under
the load of all others, where cost grows with the square of load (a descent on the sum of the cubes of loads).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.policy import MOST_HOPS, ROOM_HOPS, SWEEPS
from lpxsched.schedule.problem.wires import Wires, share_cycles
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


class Scratch(NamedTuple):
    """What the search for one route knows of each node."""

    cost: NDArray[np.float64]
    hops: Integers
    came: Integers
    reached: Integers
    done: Flags


class Journeys(NamedTuple):
    """Blocks: from where, to where, and how long."""

    source: Integers
    target: Integers
    vectors: Integers


class Routes(NamedTuple):
    """Bundles of each block from its source on, with room for a number of hops, and how many hops it has."""

    bundle: NDArray[np.int32]
    hops: Integers


class Loads(NamedTuple):
    """Loads of resources by hop, and a little noise, by bundle, that tells equal ones apart."""

    load: NDArray[np.float64]
    noise: NDArray[np.float64]


def balanced_routes(problem: Quotient, blocks: Blocks, *, seed: int, by_hop: bool) -> tuple[Integers, Integers]:
    """Return the bundles of the routes of blocks with one reader each.

    Where it counts `by_hop`, first, second, .. hops count apart: all first hops come early, all last ones late.

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
        random.random(problem.network.bundles) * 1e-3,
    )
    trips = Journeys(blocks.source, blocks.target, blocks.vectors)
    routes = _all_routes(problem, trips, loads, order)
    offsets = np.concatenate([[0], np.cumsum(routes.hops)]).astype(np.int64)
    mask = np.arange(routes.bundle.shape[1])[None, :] < routes.hops[:, None]
    return offsets, routes.bundle[mask].astype(np.int64)


@kernel
def _on_way(wires: Wires, way: NDArray[np.int32], node: int, bundle: int, end: int) -> bool:
    """Return whether a bundle leads along a shortest way."""
    other = wires.destination[bundle]
    between = wires.turnaround if other != end else 0
    return bool(way[other, end] + between + wires.hop[bundle] == way[node, end])


@kernel
def _charge(
    wires: Wires, load: NDArray[np.float64], route: NDArray[np.int32], hops: int, vectors: int, sign: int
) -> None:
    """Add a route to the loads, or take it away."""
    for hop in range(hops):
        bundle = route[hop]
        load[min(hop, len(load) - 1), wires.resource[bundle]] += sign * share_cycles(wires, bundle, vectors)


@kernel
def _next_node(reached: Integers, count: int, done: Flags, way: NDArray[np.int32], end: int) -> int:
    """Return the reached node farthest from the end that is not done: nothing that is left leads to it."""
    best, farthest = NONE, -1
    for index in range(count):
        node = reached[index]
        if not done[node] and way[node, end] > farthest:
            best, farthest = node, way[node, end]
    return best


@kernel
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


def _all_routes(problem: Quotient, trips: Journeys, loads: Loads, order: Integers) -> Routes:
    """Route blocks in an order in which each may come several times."""
    blocks, begun, scratch = len(trips.source), 0, _scratch(problem.network.nodes)
    routes = Routes(np.zeros((blocks, 0), dtype=np.int32), np.zeros(blocks, dtype=np.int64))
    while begun < len(order):
        room = np.zeros((blocks, ROOM_HOPS), dtype=np.int32)
        routes = routes._replace(bundle=np.concatenate([routes.bundle, room], axis=1))
        begun += _route(problem.wires, problem.way, trips, loads, order[begun:], scratch, routes)
    return routes


@kernel
def _route(
    wires: Wires,
    way: NDArray[np.int32],
    trips: Journeys,
    loads: Loads,
    order: Integers,
    scratch: Scratch,
    routes: Routes,
) -> int:
    """Route blocks one after the other; return how many found room for their hops."""
    load = loads.load
    for number in range(len(order)):
        block = order[number]
        vectors, node = trips.vectors[block], trips.target[block]
        _charge(wires, load, routes.bundle[block], routes.hops[block], vectors, -1)
        hops = _cheapest(wires, way, loads, scratch, trips.source[block], node, vectors)
        if hops > routes.bundle.shape[1]:
            routes.hops[block] = 0
            return number
        routes.hops[block] = hops
        for hop in range(hops - 1, -1, -1):
            routes.bundle[block, hop] = scratch.came[node]
            node = wires.source[scratch.came[node]]
        _charge(wires, load, routes.bundle[block], hops, vectors, 1)
    return len(order)


def _scratch(nodes: int) -> Scratch:
    hops, came, reached = np.zeros((3, nodes), dtype=np.int64)
    return Scratch(np.zeros(nodes), hops, came, reached, np.zeros(nodes, dtype=np.bool_))

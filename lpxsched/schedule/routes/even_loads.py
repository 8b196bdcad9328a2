"""Routes of blocks with one reader, chosen so that no link carries much more than others.

Each block takes a shortest way. Blocks are routed one after the other and again, each by the way of least cost under
the load of all others, where cost grows with the square of load (a descent on the sum of the cubes of loads).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.wires import Wires
    from lpxsched.schedule.routes.kernels import Flags, Integers
    from lpxsched.schedule.symmetry.quotient import Blocks, Reduced, Ways

# The value of units: compiled code names globals of its own module only.
NONE = -1
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


def balanced_routes(
    problem: Reduced, blocks: Blocks, *, seed: int, by_hop: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bundles of each block's route.

    Parameters
    ----------
    problem : Reduced
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
    noise = random.random(problem.problem.network.bundles) * 1e-3
    nodes = problem.problem.network.nodes
    routes, lengths = _route(
        problem.wires,
        blocks.source,
        blocks.target,
        blocks.vectors,
        problem.way,
        order,
        noise,
        MOST_HOPS if by_hop else 1,
        _scratch(nodes),
    )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    mask = np.arange(routes.shape[1])[None, :] < lengths[:, None]
    return offsets, routes[mask].astype(np.int64)


@njit(cache=True)
def _on_way(wires: Wires, way: NDArray[np.int32], node: int, bundle: int, end: int) -> bool:
    """Return whether a bundle leads along a shortest way."""
    other = wires.destination[bundle]
    between = wires.turnaround if other != end else 0
    return bool(way[other, end] + between + wires.hop[bundle] == way[node, end])


@njit(cache=True)
def _share(wires: Wires, bundle: int, vectors: int) -> float:
    """Return the cycles that vectors take of the lanes of a bundle, spread over all of them."""
    lanes = wires.lanes[wires.resource[bundle]]
    return float(vectors * wires.numerator[bundle] / (wires.denominator[bundle] * lanes))


@njit(cache=True)
def _charge(
    wires: Wires, load: NDArray[np.float64], route: NDArray[np.int32], hops: int, vectors: int, sign: int
) -> None:
    """Add a route to the loads, or take it away."""
    for hop in range(hops):
        bundle = route[hop]
        load[min(hop, len(load) - 1), wires.resource[bundle]] += sign * _share(wires, bundle, vectors)


@njit(cache=True)
def _next_node(reached: Integers, count: int, done: Flags, way: NDArray[np.int32], end: int) -> int:
    """Return the reached node farthest from the end that is not done: nothing that is left leads to it."""
    best, farthest = NONE, -1
    for index in range(count):
        node = reached[index]
        if not done[node] and way[node, end] > farthest:
            best, farthest = node, way[node, end]
    return best


@njit(cache=True)
def _cheapest(
    wires: Wires,
    way: NDArray[np.int32],
    load: NDArray[np.float64],
    noise: NDArray[np.float64],
    scratch: Scratch,
    source: int,
    end: int,
    vectors: int,
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
            share = _share(wires, bundle, vectors)
            loaded = load[min(scratch.hops[node], len(load) - 1), wires.resource[bundle]] + share
            held_cycles = share * wires.lanes[wires.resource[bundle]]
            price = scratch.cost[node] + loaded**2 * held_cycles + noise[bundle]
            if scratch.cost[other] == np.inf:
                scratch.reached[count] = other
                count += 1
            if price < scratch.cost[other]:
                scratch.cost[other], scratch.came[other] = price, bundle
                scratch.hops[other] = scratch.hops[node] + 1


@njit(cache=True)
def _route(
    wires: Wires,
    source: Integers,
    target: Integers,
    vectors: Integers,
    way: NDArray[np.int32],
    order: Integers,
    noise: NDArray[np.float64],
    hops_apart: int,
    scratch: Scratch,
) -> tuple[NDArray[np.int32], Integers]:
    """Route blocks in an order in which each may come several times; return routes and their lengths."""
    load = np.zeros((hops_apart, len(wires.lanes)), dtype=np.float64)
    routes = np.empty((len(source), 1), dtype=np.int32)
    lengths = np.zeros(len(source), dtype=np.int64)
    for block in order:
        _charge(wires, load, routes[block], lengths[block], vectors[block], -1)
        hops = _cheapest(wires, way, load, noise, scratch, source[block], target[block], vectors[block])
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


def balanced_parents(
    problem: Reduced, ways: Ways, *, seed: int, fork_price: float, count_first: bool, minimal: bool
) -> NDArray[np.int32]:
    """Return over which bundle each node gets each block that everyone reads, with loads made even.

    Parameters
    ----------
    problem : Reduced
    ways : Ways
        Trees of shortest ways, to start from.
    seed : int
        Of the order in which nodes choose anew.
    fork_price : float
        What it costs, where an even load costs 1, to make a node pass on a block which it did not.
    count_first : bool
        Whether first hops count as load. They can be late where a sum comes from far, early where a copy goes far.
    minimal : bool
        Whether ways stay the shortest ones.

    Returns
    -------
    ndarray of int32, shape (blocks, nodes)
        `NONE` at the source of a block.
    """
    network = problem.problem.network
    parents = np.full((len(ways.blocks), network.nodes), NONE, dtype=np.int32)
    parents[ways.block, network.destination[ways.bundle]] = ways.bundle
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(ways.block)) for _ in range(SWEEPS)])
    into = np.argsort(network.destination, kind="stable").astype(np.int64)
    offsets = np.searchsorted(network.destination[into], np.arange(network.nodes + 1)).astype(np.int64)
    _choose_parents(
        problem.wires,
        into,
        offsets,
        ways.block[order],
        network.destination[ways.bundle][order],
        ways.blocks.source,
        ways.blocks.vectors,
        problem.way,
        parents,
        fork_price,
        count_first,
        minimal,
    )
    return parents


@njit(cache=True)
def _descends(wires: Wires, parents: NDArray[np.int32], node: int, ancestor: int) -> bool:
    """Return whether a node gets a block by way of another."""
    while node != ancestor and parents[node] >= 0:
        node = wires.source[parents[node]]
    return bool(node == ancestor)


@njit(cache=True)
def _choose_parents(
    wires: Wires,
    into: Integers,
    offsets: Integers,
    blocks: Integers,
    nodes: Integers,
    source: Integers,
    vectors: Integers,
    way: NDArray[np.int32],
    parents: NDArray[np.int32],
    fork_price: float,
    count_first: bool,
    minimal: bool,
) -> None:
    load = np.zeros(len(wires.lanes))
    children = np.zeros(parents.shape, dtype=np.int64)
    for block in range(len(parents)):
        for node in range(wires.nodes):
            bundle = parents[block, node]
            if bundle >= 0:
                if count_first or wires.source[bundle] != source[block]:
                    load[wires.resource[bundle]] += _share(wires, bundle, vectors[block])
                children[block, wires.source[bundle]] += 1
    mean = max(load.mean(), 1e-9)
    for index in range(len(blocks)):
        block, node = blocks[index], nodes[index]
        root = source[block]
        current = parents[block, node]
        if minimal and wires.source[current] == root:
            continue
        load[wires.resource[current]] -= _share(wires, current, vectors[block])
        children[block, wires.source[current]] -= 1
        best, least = current, np.inf
        for place in range(offsets[node], offsets[node + 1]):
            bundle = into[place]
            other = wires.source[bundle]
            between = wires.turnaround if other != root else 0
            if minimal and way[root, other] + between + wires.hop[bundle] != way[root, node]:
                continue
            if other >= wires.width or (not minimal and _descends(wires, parents[block], other, node)):
                continue
            share = _share(wires, bundle, vectors[block])
            price = ((load[wires.resource[bundle]] + share) / mean) ** 8
            if other != root and children[block, other] == 0:
                price += fork_price
            if price < least or (price == least and bundle == current):
                best, least = bundle, price
        parents[block, node] = best
        load[wires.resource[best]] += _share(wires, best, vectors[block])
        children[block, wires.source[best]] += 1

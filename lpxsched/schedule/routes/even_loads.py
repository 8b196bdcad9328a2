"""Routes and trees of blocks, chosen so that no link carries much more than others.

Each block with one reader takes a shortest way. Blocks are routed one after the other and again, each by the way of
least cost under the load of all others, where cost grows with the square of load (a descent on the sum of the cubes of
loads). In trees of blocks that everyone reads each node chooses anew over which bundle it gets a block, again and
again, by a price that grows steeply with load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.policy import MOST_HOPS, ROOM_HOPS, SWEEPS
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.schedule.problem.wires import Wires, share_cycles
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient, Ways


class Loads(NamedTuple):
    """Loads of resources by hop, and what the search for one route knows of each node.

    A little `noise`, by bundle, tells equal loads apart.
    """

    load: NDArray[np.float64]
    noise: NDArray[np.float64]
    cost: NDArray[np.float64]
    hops: Integers
    came: Integers
    reached: Integers
    done: Flags


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
    nodes, count = problem.wires.nodes, len(blocks)
    load = np.zeros((MOST_HOPS if by_hop else 1, len(problem.wires.lanes)))
    hops, came, reached = np.zeros((3, nodes), dtype=np.int64)
    noise = random.random(problem.network.bundles) * 1e-3
    loads = Loads(load, noise, np.zeros(nodes), hops, came, reached, np.zeros(nodes, dtype=np.bool_))
    trips = np.stack([blocks.source, blocks.target, blocks.vectors], axis=1)
    begun, routes, counts = 0, np.zeros((count, 0), dtype=np.int32), np.zeros(count, dtype=np.int64)
    while begun < len(order):
        routes = np.concatenate([routes, np.zeros((count, ROOM_HOPS), dtype=np.int32)], axis=1)
        begun += _route(problem.wires, problem.way, trips, order[begun:], loads, routes, counts)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, routes[np.arange(routes.shape[1]) < counts[:, None]].astype(np.int64)


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
def _cheapest(wires: Wires, way: NDArray[np.int32], loads: Loads, source: int, end: int, vectors: int) -> int:
    """Find the cheapest of the shortest ways; return its number of hops, its bundles in `loads.came`."""
    loads.cost[:], loads.done[:] = np.inf, False
    loads.cost[source], loads.hops[source], loads.reached[0] = 0.0, 0, source
    count = 1
    while True:
        node = _next_node(loads.reached, count, loads.done, way, end)
        if node == end:
            return int(loads.hops[end])
        loads.done[node] = True
        for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            bundle = wires.out[index]
            other = wires.destination[bundle]
            between = wires.turnaround if other != end else 0
            if way[other, end] + between + wires.hop[bundle] != way[node, end]:
                continue
            share = share_cycles(wires, bundle, vectors)
            hop = min(loads.hops[node], len(loads.load) - 1)
            loaded = loads.load[hop, wires.resource[bundle]] + share
            held_cycles = share * wires.lanes[wires.resource[bundle]]
            price = loads.cost[node] + loaded**2 * held_cycles + loads.noise[bundle]
            if loads.cost[other] == np.inf:
                loads.reached[count] = other
                count += 1
            if price < loads.cost[other]:
                loads.cost[other], loads.came[other] = price, bundle
                loads.hops[other] = loads.hops[node] + 1


@kernel
def _route(
    wires: Wires,
    way: NDArray[np.int32],
    trips: Integers,
    order: Integers,
    loads: Loads,
    routes: NDArray[np.int32],
    counts: Integers,
) -> int:
    """Route blocks (source, target, vectors) one after the other; return how many found room for their hops."""
    for number in range(len(order)):
        block = order[number]
        source, node, vectors = trips[block]
        _charge(wires, loads.load, routes[block], counts[block], vectors, -1)
        hops = _cheapest(wires, way, loads, source, node, vectors)
        if hops > routes.shape[1]:
            counts[block] = 0
            return number
        counts[block] = hops
        for hop in range(hops - 1, -1, -1):
            routes[block, hop] = loads.came[node]
            node = wires.source[loads.came[node]]
        _charge(wires, loads.load, routes[block], hops, vectors, 1)
    return len(order)


class ParentTrees(NamedTuple):
    """Trees of blocks, and what they load.

    `source` and `vectors` by block; by block and node, `parents` is the bundle over which it comes, `children` how many
    pass it on from there; `load` is that of each resource. Bundles into node i are those `into` from ``offsets[i]`` on.
    """

    source: Integers
    vectors: Integers
    parents: NDArray[np.int32]
    children: Integers
    load: NDArray[np.float64]
    into: Integers
    offsets: Integers


def balanced_parents(
    problem: Quotient, ways: Ways, fork_price: float, *, minimal: bool, seed: int, count_first: bool
) -> NDArray[np.int32]:
    """Return over which bundle each node gets each block that everyone reads, with loads made even.

    Parameters
    ----------
    problem : Quotient
    ways : Ways
        Trees of shortest ways, to start from.
    fork_price : float
        What it costs, where an even load costs 1, to make a node pass on a block which it did not.
    minimal : bool
        Whether ways stay the shortest ones.
    seed : int
        Of the order in which nodes choose anew.
    count_first : bool
        Whether first hops count as load. They can be late where a sum comes from far, early where a copy goes far.

    Returns
    -------
    ndarray of int32, shape (blocks, nodes)
        `NONE` at the source of a block.
    """
    wires, source, vectors = problem.wires, ways.blocks.source, ways.blocks.vectors
    parents = np.full((len(ways.blocks), wires.nodes), NONE, dtype=np.int32)
    parents[ways.block, wires.destination[ways.bundle]] = ways.bundle
    met = np.flatnonzero(parents >= 0)
    block, bundle = met // wires.nodes, parents.ravel()[met]
    resource, sender = wires.resource[bundle], wires.source[bundle]
    share = vectors[block] * wires.numerator[bundle] / (wires.denominator[bundle] * wires.lanes[resource])
    counts = count_first | (sender != source[block])
    load = np.bincount(resource, weights=share * counts, minlength=len(wires.lanes)).astype(np.float64)
    children = np.bincount(block * wires.nodes + sender, minlength=parents.size).reshape(parents.shape)
    trees = ParentTrees(source, vectors, parents, children, load, *grouped(wires.destination, wires.nodes))
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(ways.block)) for _ in range(SWEEPS)])
    pairs = np.stack([ways.block, wires.destination[ways.bundle]], axis=1)[order]
    _choose_parents(wires, problem.way, trees, pairs, fork_price, minimal)
    return parents


@kernel
def _descends(wires: Wires, parents: NDArray[np.int32], node: int, ancestor: int) -> bool:
    """Return whether a node gets a block by way of another."""
    while node != ancestor and parents[node] >= 0:
        node = wires.source[parents[node]]
    return bool(node == ancestor)


@kernel
def _choose_parents(
    wires: Wires, way: NDArray[np.int32], trees: ParentTrees, pairs: Integers, fork_price: float, minimal: bool
) -> None:
    """Let nodes choose anew, in the order of `pairs` of block and node."""
    parents, children, load = trees.parents, trees.children, trees.load
    mean = max(load.mean(), 1e-9)
    for index in range(len(pairs)):
        block, node = pairs[index]
        root, vectors = trees.source[block], trees.vectors[block]
        current = parents[block, node]
        if minimal and wires.source[current] == root:
            continue
        load[wires.resource[current]] -= share_cycles(wires, current, vectors)
        children[block, wires.source[current]] -= 1
        best, least = current, np.inf
        for place in range(trees.offsets[node], trees.offsets[node + 1]):
            bundle = trees.into[place]
            other = wires.source[bundle]
            between = wires.turnaround if other != root else 0
            if minimal and way[root, other] + between + wires.hop[bundle] != way[root, node]:
                continue
            if other >= wires.width or (not minimal and _descends(wires, parents[block], other, node)):
                continue
            share = share_cycles(wires, bundle, vectors)
            price = ((load[wires.resource[bundle]] + share) / mean) ** 8
            if other != root and children[block, other] == 0:
                price += fork_price
            if price < least or (price == least and bundle == current):
                best, least = bundle, price
        parents[block, node] = best
        load[wires.resource[best]] += share_cycles(wires, best, vectors)
        children[block, wires.source[best]] += 1

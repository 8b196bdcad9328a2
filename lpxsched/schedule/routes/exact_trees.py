"""Trees from all sources that share no lane, as many as the narrowest cut lets through.

Within T cycles a tree to all nodes can be packed for each vector of each source if, and only if, the bundles into each
set of nodes carry as many vectors in T cycles as lie outside (Edmonds, Edge-disjoint branchings, 1973; for collectives:
Zhao et al., ForestColl, 2024). The least T is found by bisection, with a maximum flow to each node.

Equal trees grow together, bundle by bundle. Of trees that have met the nodes R, a bundle u -> v takes as many as leave
what enters each set X, with v but not u, no less than the trees that have not met X. Only sets that R meets can be
short of that afterwards. So a maximum flow from u to v, over the room that is left and over all other trees, which lead
from u to whatever they have met, shows how many: what flows less the number of those trees. Some bundle always has room
for a tree (Lovasz, On two minimax theorems in graph, 1976). Bundles are tried in the order of arrivals, so that trees
are about as shallow as what is left allows; those that much is to cross already come later.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.policy import PART_BEFORE
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from ortools.graph.python.max_flow import SimpleMaxFlow

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.wires import Wires


class Trees(NamedTuple):
    """Trees: the unit of each, of shape (trees, nodes) the bundle to each node, and how many vectors it carries."""

    unit: Integers
    parents: NDArray[np.int32]
    vectors: Integers


@dataclass(slots=True)
class Branching:
    """Equal trees that grow: their unit, how many, by which bundle and when each node is met, and what may be next.

    `offers` is a heap of bundles: their price, when they arrive, and their number.
    """

    unit: int
    count: int
    parents: dict[int, int]
    late: dict[int, int]
    offers: list[tuple[int, int, int]]


@dataclass(slots=True)
class Packing:
    """What is left for trees: vectors that each bundle had room for as a whole, and still has; shape (bundles,).

    The graph has arcs for all bundles, then from each node to one more node, then from there back to each, for the
    trees, `single` in number, shape (nodes,), that have met that node only. Those that have met more are `waiting`,
    each with an arc to a node of its own.
    """

    wires: Wires
    whole: Integers
    room: Integers
    graph: SimpleMaxFlow
    single: Integers
    waiting: list[tuple[int, Branching]]


def exact_trees(wires: Wires, source: Integers, vectors: Integers) -> Trees:
    """Return trees to all nodes that load no lane for longer than the narrowest cut must be.

    Wires are strongly connected, and all nodes are reached, relays as well. Of each unit `source` says where it lies,
    and `vectors` how many it has. The trees of the first grow first, and are less deep.
    """
    held = np.bincount(source, weights=vectors, minlength=wires.nodes).astype(np.int64)
    room = _room(wires, _least_cycles(wires, held))
    packing = Packing(wires, room, room.copy(), _graph(wires, room, held), held, [])
    grown: list[Branching] = []
    for unit, (node, count) in enumerate(zip(source.tolist(), vectors.tolist(), strict=True)):
        packing.single[node] -= count
        packing.graph.set_arc_capacity(len(wires.source) + wires.nodes + node, int(packing.single[node]))
        trees = Branching(unit, count, {node: NONE}, {node: 0}, [])
        _offer(packing, trees, node)
        grown += _grown(packing, trees)
    parents = np.array([[trees.parents[node] for node in range(wires.nodes)] for trees in grown], dtype=np.int32)
    units, counts = np.array([(trees.unit, trees.count) for trees in grown], dtype=np.int64).T
    return Trees(units, parents, counts)


def _room(wires: Wires, cycles: int) -> Integers:
    """Return how many vectors each bundle carries, each lane whole ones."""
    return wires.lanes[wires.resource] * (cycles * wires.denominator // wires.numerator)


def _least_cycles(wires: Wires, held: Integers) -> int:
    """Return the least cycles within which all vectors pass the cuts round all sets of nodes."""
    enough = int((-(-held.sum() * wires.numerator // wires.denominator)).max())

    def fits(cycles: int) -> bool:
        graph = _graph(wires, _room(wires, cycles), held)
        return all(_flow(graph, wires.nodes, node) == held.sum() for node in range(wires.nodes))

    return 1 + bisect_left(range(1, enough), True, key=fits)


def _graph(wires: Wires, room: Integers, held: Integers) -> SimpleMaxFlow:
    """Return arcs for bundles, from nodes to one more, and from there to what nodes hold."""
    from ortools.graph.python.max_flow import SimpleMaxFlow

    graph, node = SimpleMaxFlow(), np.arange(wires.nodes)
    more = np.full(wires.nodes, wires.nodes)
    tail, head = np.concatenate([wires.source, node, more]), np.concatenate([wires.destination, more, node])
    graph.add_arcs_with_capacity(tail.astype(np.int32), head.astype(np.int32), np.concatenate([room, 0 * held, held]))
    return graph


def _flow(graph: SimpleMaxFlow, source: int, end: int) -> int:
    graph.solve(source, end)
    return int(graph.optimal_flow())


def _offer(packing: Packing, trees: Branching, node: int) -> None:
    """Offer trees the bundles that leave a node that they have met."""
    wires = packing.wires
    start = trees.late[node] + (wires.turnaround if trees.parents[node] >= 0 else 0)
    out = wires.out[wires.out_offsets[node] : wires.out_offsets[node + 1]]
    vectors = (packing.whole[out] - packing.room[out]) / wires.lanes[wires.resource[out]]
    before = (PART_BEFORE * vectors * wires.numerator[out] / wires.denominator[out]).astype(np.int64)
    arrives = start + wires.hop[out]
    for offer in zip((arrives + before).tolist(), arrives.tolist(), out.tolist(), strict=True):
        heappush(trees.offers, offer)


def _grown(packing: Packing, trees: Branching) -> list[Branching]:
    """Return trees grown to all nodes, those that part from them on the way included."""
    grown = []
    while True:
        while len(trees.parents) < packing.wires.nodes:
            _grow(packing, trees)
        grown.append(trees)
        if not packing.waiting:
            return grown
        arc, trees = packing.waiting.pop()
        packing.graph.set_arc_capacity(arc, 0)


def _grow(packing: Packing, trees: Branching) -> None:
    """Try the next bundle: as many trees as can be take it, the others never can and part from them."""
    _, arrives, bundle = heappop(trees.offers)
    end = int(packing.wires.destination[bundle])
    if end in trees.parents or not packing.room[bundle]:
        return
    count = _most(packing, trees, bundle)
    if not count:
        return
    if count < trees.count:
        _part(packing, trees, trees.count - count)
        trees.count = count
    packing.room[bundle] -= count
    packing.graph.set_arc_capacity(bundle, int(packing.room[bundle]))
    trees.parents[end], trees.late[end] = bundle, arrives
    _offer(packing, trees, end)


def _most(packing: Packing, trees: Branching, bundle: int) -> int:
    """Return how many of some trees may take a bundle."""
    wires, graph = packing.wires, packing.graph
    start, end = int(wires.source[bundle]), int(wires.destination[bundle])
    others = int(packing.single.sum()) + sum(other.count for _, other in packing.waiting)
    graph.set_arc_capacity(len(wires.source) + start, others)
    flow = _flow(graph, start, end)
    graph.set_arc_capacity(len(wires.source) + start, 0)
    return min(flow - others, trees.count, int(packing.room[bundle]))


def _part(packing: Packing, trees: Branching, count: int) -> None:
    """Let some trees wait for their turn; until then flow reaches by way of them whatever they have met."""
    graph, node = packing.graph, packing.graph.num_nodes()
    arc = graph.add_arc_with_capacity(packing.wires.nodes, node, count)
    for met in trees.parents:
        graph.add_arc_with_capacity(node, met, count)
    apart = Branching(trees.unit, count, dict(trees.parents), dict(trees.late), list(trees.offers))
    packing.waiting.append((arc, apart))

"""Distances over the bundles of a network, in hops and in cycles; hosts begin and end ways but never relay."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network


def hops_from(root: int, network: Network) -> list[int]:
    """Return hops from a node to each node, `NONE` where there is no way."""
    ends = zip(network.source.tolist(), network.destination.tolist(), strict=True)
    return _breadth_first(root, list(ends), network.nodes, network.chips)


def hops_to(root: int, network: Network) -> list[int]:
    """Return hops from each node to a node, `NONE` where there is no way."""
    ends = zip(network.destination.tolist(), network.source.tolist(), strict=True)
    return _breadth_first(root, list(ends), network.nodes, network.chips)


def hops_to_roots(instance: Instance) -> NDArray[np.int64]:
    """Return hops from each node to each root of a demand, shape (nodes, nodes); `NONE` in rows of other nodes."""
    nodes = instance.network.nodes
    distance = np.full((nodes, nodes), NONE, dtype=np.int64)
    for root in np.unique(instance.demand_root).tolist():
        distance[root] = hops_to(root, instance.network)
    return distance


def _breadth_first(root: int, ends: list[tuple[int, int]], nodes: int, chips: int) -> list[int]:
    neighbours: list[list[int]] = [[] for _ in range(nodes)]
    for source, destination in ends:
        neighbours[source].append(destination)
    hops = [NONE] * nodes
    hops[root] = 0
    frontier = [root]
    while frontier:
        reached = {
            other
            for node in frontier
            if node < chips or node == root
            for other in neighbours[node]
            if hops[other] == NONE
        }
        for other in reached:
            hops[other] = hops[frontier[0]] + 1
        frontier = sorted(reached)
    return hops


def shortest_ways(network: Network) -> list[list[int]]:
    """Return cycles from the departure of one vector at each node to its read at each other (Dijkstra)."""
    hop = network.hop_cycles.tolist()
    out: list[list[tuple[int, int]]] = [[] for _ in range(network.nodes)]
    for source, destination, cycles in zip(network.source.tolist(), network.destination.tolist(), hop, strict=True):
        out[source].append((destination, cycles))
    return [_ways_from(root, out, network.chips, network.turnaround_cycles) for root in range(network.nodes)]


def _ways_from(root: int, out: list[list[tuple[int, int]]], chips: int, turnaround_cycles: int) -> list[int]:
    ways = [NEVER] * len(out)
    ways[root] = 0
    heap = [(0, root)]
    while heap:
        cycles, node = heapq.heappop(heap)
        if cycles > ways[node] or (node >= chips and node != root):
            continue
        leave = cycles + (turnaround_cycles if node != root else 0)
        for other, hop in out[node]:
            if leave + hop < ways[other]:
                ways[other] = leave + hop
                heapq.heappush(heap, (ways[other], other))
    return ways

"""A plain schedule of any collective: whole runs along trees, one after the other, sums on the way to a root.

It is valid by construction, on wires of equal pitch, and far from short.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import networkx as nx

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.schedule.problem.instance import Instance


def plain_makespan(problem: Instance) -> int:
    """Return the makespan of a plain schedule."""
    plan = _Plan(problem)
    pieces, everyone = problem.stage.pieces(), range(problem.network.width)
    columns = (pieces.source.tolist(), pieces.target.tolist(), pieces.vectors.tolist())
    for source, target, vectors in zip(*columns, strict=True):
        readers = everyone if target == EVERY else (target,)
        root, ready, leaves = (source, 0, 0) if source != EVERY else plan.reduce(readers[0], vectors)
        plan.makespan = max(plan.makespan, ready)
        plan.spread(root, readers, vectors, leaves)
    return plan.makespan


class _Plan:
    """Lanes and vector units with the cycle from which they are free."""

    def __init__(self, problem: Instance) -> None:
        self.problem = problem
        self.graph: nx.DiGraph[int] = nx.DiGraph()
        self.graph.add_nodes_from(range(problem.network.nodes))
        self.bundle: dict[tuple[int, int], int] = {}
        ends = zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True)
        for bundle, pair in enumerate(ends):
            self.bundle.setdefault(pair, bundle)
            self.graph.add_edge(*pair)
        self.lane_free: dict[tuple[int, int], int] = defaultdict(int)
        self.unit_free: dict[int, int] = defaultdict(int)
        self.makespan = 0

    def send(self, source: int, destination: int, vectors: int, ready: int) -> tuple[int, int]:
        """Send a run as soon as a lane is free; return the reads of its first and last vector, the last rounded up."""
        problem, bundle = self.problem, self.bundle[source, destination]
        pitch = Fraction(int(problem.network.pitch_numerator[bundle]), int(problem.network.pitch_denominator[bundle]))
        lane = min((self.lane_free[bundle, lane], lane) for lane in range(problem.network.lanes[bundle]))[1]
        depart = max(ready, self.lane_free[bundle, lane])
        self.lane_free[bundle, lane] = depart + ceil(vectors * pitch)
        read = depart + int(problem.network.hop_cycles[bundle])
        return read, read + ceil((vectors - 1) * pitch)

    def spread(self, root: int, readers: Iterable[int], vectors: int, ready: int) -> None:
        """Copy a run from a root to readers along shortest ways; relays send on while they still receive."""
        ways = nx.single_source_shortest_path(self.graph, root)
        hops = {pair for reader in readers for pair in zip(ways[reader], ways[reader][1:], strict=False)}
        leaves = {root: ready}
        for source, destination in sorted(hops, key=lambda pair: (len(ways[pair[1]]), pair)):
            first, last = self.send(source, destination, vectors, leaves[source])
            leaves[destination] = first + self.problem.network.turnaround_cycles
            self.makespan = max(self.makespan, last)

    def reduce(self, root: int, vectors: int) -> tuple[int, int, int]:
        """Sum a run over a tree of shortest ways to a root; return the root, when it has the sum and may send it."""
        ways = nx.single_target_shortest_path(self.graph, root)
        next_hop = {node: ways[node][1] for node in ways if node != root}
        on_the_way = {node for shard in range(self.problem.network.width) for node in ways[shard]}
        operands: dict[int, list[int]] = {node: [0] * (node < self.problem.network.width) for node in on_the_way}
        for node in sorted(on_the_way, key=lambda node: (-len(ways[node]), node)):
            ready, cycles = max(operands[node]), 0
            if len(operands[node]) > 1:
                cycles = self.problem.add_cost.cycles(len(operands[node]), vectors)
                start = max(ready, self.unit_free[node])
                ready = self.unit_free[node] = start + cycles
            arrived = operands[node][node < self.problem.network.width :]
            leaves = max([ready, *(read + self.problem.network.turnaround_cycles + cycles for read in arrived)])
            if node == root:
                return root, ready, leaves
            operands[next_hop[node]].append(self.send(node, next_hop[node], vectors, leaves)[1])
        raise AssertionError("the root comes last")

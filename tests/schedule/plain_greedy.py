"""The plain twin of ``lpxsched.schedule.routes.in_order``: the same decisions in plain Python.

Work is placed in the given order, each piece as early as links and units allow. Ties: the lowest lane; of equal reads
the bundle with more lanes, then the lower number; of nodes read at the same time the lower number.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, inf
from typing import TYPE_CHECKING

import networkx as nx

from lpxsched.schedule.problem.instance import HOST, VECTOR, ranks
from lpxsched.schedule.routes.list_schedule import work_order

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Blocks


def plain_rows(
    instance: Instance, blocks: Blocks, *, seed: int = 0
) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int]], list[int]]:
    """Return slots (block, bundle, depart, lane), sums (block, node, operands, start) and starts of operators."""
    greedy = PlainGreedy(instance, blocks)
    for item in work_order(instance, blocks, *ranks(instance), seed=seed).tolist():
        if item >= 0:
            greedy.place_operator(item)
        else:
            greedy.place_block(~item)
    return greedy.slots, greedy.sums, [greedy.starts[operator] for operator in range(instance.operators)]


class Calendar:
    """Busy intervals of one link or one functional unit."""

    def __init__(self) -> None:
        self.busy: list[tuple[int, int]] = []

    def earliest(self, ready: int, length: int) -> int:
        """Return the first cycle from `ready` on that is followed by `length` free cycles."""
        for start, end in sorted(self.busy):
            if ready + length <= start:
                break
            ready = max(ready, end)
        return ready

    def reserve(self, start: int, length: int) -> None:
        """Enter an interval."""
        self.busy.append((start, start + length))


class PlainGreedy:
    """Calendars, what has been placed, and when it is there."""

    def __init__(self, instance: Instance, blocks: Blocks) -> None:
        self.instance, self.blocks = instance, blocks
        self.units: dict[tuple[int, int], Calendar] = {}
        self.lanes = [[Calendar() for _ in range(lanes)] for lanes in instance.network.lanes.tolist()]
        self.ends = list(zip(instance.network.source.tolist(), instance.network.destination.tolist(), strict=True))
        times = zip(instance.network.pitch_numerator.tolist(), instance.network.pitch_denominator.tolist(), strict=True)
        self.vector_time = [Fraction(*time) for time in times]
        delays = (instance.network.latency_cycles + instance.network.guard_cycles).tolist()
        self.hop = [ceil(v) + delay for v, delay in zip(self.vector_time, delays, strict=True)]
        self.starts: dict[int, int] = {}
        self.delivered: dict[tuple[int, int], int] = {}
        self.slots: list[tuple[int, int, int, int]] = []
        self.sums: list[tuple[int, int, int, int]] = []
        self.hops_to = {root: self._hops_to(root) for root in set(instance.demand_root.tolist())}

    def _hops_to(self, root: int) -> dict[int, int]:
        """Return hops to a root; a way may begin at a host but never leads through one."""
        graph: nx.DiGraph[int] = nx.DiGraph(
            (d, s) for s, d in self.ends if d < self.instance.network.chips or d == root
        )
        graph.add_node(root)
        return dict(nx.single_source_shortest_path_length(graph, root))

    def _place(self, unit: tuple[int, int], ready: int, length: int) -> int:
        """Take a unit as early as possible; what takes no time, or runs on a host, takes no unit."""
        if unit[1] == HOST or length == 0:
            return ready
        calendar = self.units.setdefault(unit, Calendar())
        start = calendar.earliest(ready, length)
        calendar.reserve(start, length)
        return start

    def _deliver(self, demand: int, node: int, cycle: int) -> None:
        self.delivered[demand, node] = max(self.delivered.get((demand, node), 0), cycle)

    def _end(self, operator: int) -> int:
        return self.starts[operator] + int(self.instance.operator_cycles[operator])

    def place_operator(self, operator: int) -> None:
        """Start an operator once its operands are there and its unit is free."""
        instance, node = self.instance, int(self.instance.operator_node[operator])
        ready = [instance.release_cycles]
        ready += [self._end(other) for other in instance.operator_after[operator].tolist()]
        ready += [self.delivered[demand, node] for demand in instance.operator_demands[operator].tolist()]
        unit = (node, int(instance.operator_unit[operator]))
        self.starts[operator] = self._place(unit, max(ready), int(instance.operator_cycles[operator]))

    def place_block(self, block: int) -> None:
        """Bring a block from its leaves together, and from there to its readers."""
        demand = int(self.blocks.piece[block])
        leaves = self.instance.demand_leaf_operators[demand].tolist()
        if len(leaves) == 1:
            root, there = int(self.instance.demand_root[demand]), self._end(leaves[0])
            leaves_at = there
        else:
            root, there, leaves_at = self.sum_block(block)
        self._deliver(demand, root, there)
        self.spread_block(block, root, leaves_at)

    def _offer(self, block: int, bundle: int, ready: int) -> tuple[int, int]:
        """Return the cycle at which a slot could leave on a bundle, and the lane on which it would."""
        hold = ceil(int(self.blocks.vectors[block]) * self.vector_time[bundle])
        return min((calendar.earliest(ready, hold), lane) for lane, calendar in enumerate(self.lanes[bundle]))

    def _send(self, block: int, bundle: int, lane: int, depart: int) -> None:
        hold = ceil(int(self.blocks.vectors[block]) * self.vector_time[bundle])
        self.lanes[bundle][lane].reserve(depart, hold)
        self.slots.append((block, bundle, depart, lane))

    def _stream(self, block: int, bundle: int) -> int:
        """Return cycles from the read of the first vector to that of the last."""
        return ceil((int(self.blocks.vectors[block]) - 1) * self.vector_time[bundle])

    def sum_block(self, block: int) -> tuple[int, int, int]:
        """Add up the summands of a block on their shortest ways to the root, farthest first.

        Return where all are in, when the sum is there, and when it may be sent.
        """
        demand, vectors = int(self.blocks.piece[block]), int(self.blocks.vectors[block])
        root, cost = int(self.instance.demand_root[demand]), self.instance.add_cost
        hops = self.hops_to[root]
        leaves = self.instance.demand_leaves[demand].tolist()
        operators = self.instance.demand_leaf_operators[demand].tolist()
        there = {leaf: [self._end(operator)] for leaf, operator in zip(leaves, operators, strict=True)}
        left = len(leaves)
        for node in sorted(hops, key=lambda node: (-hops[node], node)):
            if node not in there:
                continue
            ready, cycles = max(there[node]), 0
            if len(there[node]) > 1:
                cycles = cost.cycles(len(there[node]), vectors)
                start = self._place((node, VECTOR), ready, cycles)
                self.sums.append((block, node, len(there[node]), start))
                ready = start + cycles
                left -= len(there[node]) - 1
            arrived = there[node][node in leaves :]
            leaves_at = max([ready, *(read + self.instance.network.turnaround_cycles + cycles for read in arrived)])
            if left == 1:
                break
            parent, read = self._send_nearer(block, node, hops, leaves_at)
            there.setdefault(parent, []).append(read)
        return node, ready, leaves_at

    def _send_nearer(self, block: int, node: int, hops: dict[int, int], ready: int) -> tuple[int, int]:
        """Send a summand one hop nearer to the root, where its last vector is read first."""
        offers = []
        for bundle, (source, destination) in enumerate(self.ends):
            relays = destination < self.instance.network.chips or hops[node] == 1
            if source == node and relays and hops.get(destination) == hops[node] - 1:
                depart, lane = self._offer(block, bundle, ready)
                last = depart + self.hop[bundle] + self._stream(block, bundle)
                offers.append((last, -len(self.lanes[bundle]), bundle, lane, depart))
        last, _, bundle, lane, depart = min(offers)
        self._send(block, bundle, lane, depart)
        return self.ends[bundle][1], last

    def _relay_ready(self, block: int, read: int, arrived: int, leaving: int) -> int:
        """Return when a relay may send on: every vector k was read at read + k v before."""
        waits = [
            k * (self.vector_time[arrived] - self.vector_time[leaving])
            for k in (0, int(self.blocks.vectors[block]) - 1)
        ]
        return read + self.instance.network.turnaround_cycles + ceil(max(waits))

    def spread_block(self, block: int, root: int, there: int) -> None:
        """Bring a block from where it is to its readers on the ways of earliest reads (Dijkstra)."""
        demand, chips = int(self.blocks.piece[block]), self.instance.network.chips
        consumers = set(self.instance.demand_consumers[demand].tolist())
        named = int(self.instance.demand_root[demand])
        reads = self.instance.operator_demands
        reading = [operator for operator in range(self.instance.operators) if demand in reads[operator]]
        consumers |= {named} & set(self.instance.operator_node[reading].tolist())
        best: dict[int, tuple[int, int, int, int, int]] = {}
        reads: dict[int, float] = {root: there}
        settled: list[int] = []
        while consumers - set(settled):
            node = min(set(reads) - set(settled), key=lambda node: (reads[node], node))
            settled.append(node)
            if node >= chips and node != root:
                continue
            for bundle, (source, other) in enumerate(self.ends):
                if source != node or other in settled or (other >= chips and other not in consumers):
                    continue
                ready = there if node == root else self._relay_ready(block, best[node][0], best[node][2], bundle)
                depart, lane = self._offer(block, bundle, ready)
                offer = (depart + self.hop[bundle], -len(self.lanes[bundle]), bundle, lane, depart)
                if other not in best or offer[:2] < best[other][:2]:
                    best[other], reads[other] = offer, min(reads.get(other, inf), offer[0])
        sent = {root}
        for consumer in settled:
            way = []
            node = consumer
            while consumer in consumers and node not in sent:
                way.append(node)
                node = self.ends[best[node][2]][0]
            for node in reversed(way):
                read, _, bundle, lane, depart = best[node]
                self._send(block, bundle, lane, depart)
                self._deliver(demand, node, read + self._stream(block, bundle))
            sent |= set(way)

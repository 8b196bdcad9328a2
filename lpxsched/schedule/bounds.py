"""Lower bounds of an instance: no schedule that keeps R1 to R5 is shorter.

Operators and demands are walked in the order of precedence. Each demand gets, at each node that needs it, two lower
bounds: of the cycle at which *any* vector of it can be there (first), and at which *all* are (last).

**Critical path.** One hop takes at least ceil(v + latency + guard) cycles from departure to read (R2). Between two
hops a vector waits for the turnaround, or, if it is summed there, for the shortest sum of two operands instead, so
the smaller of the two is a lower bound. A root that holds a summand of its own sums at least once (R5).

**Stream.** n vectors that leave a root over K lanes, or enter a consumer over K lanes, need a lane that carries
ceil(n / K) of them, and vectors follow each other on a lane by v at least (R1). So if none can leave the root before
`first`, the last is there no earlier than first + (ceil(n / K) - 1) v + the shortest way.

**Cut.** All vectors that an operator needs from outside its node enter over the lanes into the node, and those that
do not come from a host of this node enter over the lanes from other chips, since hosts never relay. The lane that
carries the most of N vectors over K lanes carries ceil(N / K), the first of which is read no earlier than the earliest
first of any demand. Of a sum with a summand outside its root n vectors enter the root, each alone or in a sum, none
before the first of such a summand can.

**Summands.** A chip's summands of demands with other roots leave it, alone or inside a sum, n vectors for each. Over
the K lanes to other chips the last of all of them leaves no earlier than their production and (ceil(N / K) - 1) v, and
then has the least way of any of these demands before it: to the root, the last sum, the farthest consumer.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.greedy import ranks
from lpxsched.schedule.result import LowerBound
from lpxsched.units import ceil_cycles, ceil_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.instance import Instance


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """A bound in cycles and the arguments that entered it."""

    cycles: int
    arguments: tuple[str, ...] = ()

    def later(self, cycles: int, argument: str = "") -> Bound:
        """Return this bound moved by some cycles, by a named argument if there is one."""
        added = (argument,) if argument and argument not in self.arguments else ()
        return Bound(self.cycles + cycles, tuple(sorted(self.arguments + added)))


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes out of a node or into it: how many, and the shortest time of a vector on any of them."""

    count: int
    vector_time: Fraction

    def spread(self, vectors: int) -> int:
        """Cycles from the first to the last of some vectors on the fullest lane, rounded up."""
        return ceil_cycles((ceil_div(vectors, self.count) - 1) * self.vector_time) if self.count else 0


@dataclass(frozen=True, slots=True)
class Reach:
    """Bounds of a demand at one node."""

    first: Bound
    last: Bound


def lower_bound(instance: Instance) -> LowerBound:
    """Return the best bound of an instance.

    Parameters
    ----------
    instance : Instance
        Its demands must be reachable from their leaves.
    """
    walk = _Walk(instance)
    operator_rank, demand_rank = ranks(instance)
    work = [(int(rank), 0, index) for index, rank in enumerate(operator_rank)]
    work += [(int(rank), 1, index) for index, rank in enumerate(demand_rank)]
    for _, is_demand, index in sorted(work):
        if is_demand:
            walk.reach[index] = walk.root_reach(index)
        else:
            walk.starts[index] = walk.operator_start(index)
    bounds = [*walk.starts.values(), *(walk.summands_leave(node) for node in range(instance.chips))]
    best = max(bounds, key=lambda bound: bound.cycles)
    return LowerBound(best.cycles, " + ".join(("critical path", *best.arguments)))


class _Walk:
    """Bounds found so far while an instance is walked in the order of precedence."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.starts: dict[int, Bound] = {}
        self.reach: dict[int, Reach] = {}
        self.shortest_sum = instance.add_cost.cycles(2, 1)
        between_sums = min(instance.turnaround_cycles, self.shortest_sum)
        self.copy_ways = shortest_ways(instance, instance.turnaround_cycles)
        self.sum_ways = shortest_ways(instance, between_sums)
        source, destination, chips = instance.bundle_source, instance.bundle_destination, instance.chips
        everywhere = np.ones(instance.bundles, dtype=np.bool_)
        self.lanes_out = _lanes(instance, source, everywhere)
        self.lanes_in = _lanes(instance, destination, everywhere)
        self.lanes_to_chips = _lanes(instance, source, destination < chips)
        self.lanes_from_chips = _lanes(instance, destination, source < chips)
        self.lanes_of_summands = _lanes(
            instance, source, (destination < chips) | np.isin(destination, instance.demand_root)
        )
        self.joined = set(zip(source.tolist(), destination.tolist(), strict=True))

    def end(self, operator: int) -> Bound:
        """Earliest end of an operator."""
        return self.starts[operator].later(int(self.instance.operator_cycles[operator]))

    def operator_start(self, operator: int) -> Bound:
        """Earliest start of an operator, by its operands one by one and by the cut round its node."""
        instance, node = self.instance, int(self.instance.operator_node[operator])
        needed = instance.operator_demands[operator].tolist()
        bounds = [Bound(instance.release_cycles)]
        bounds += [self.end(other) for other in instance.operator_after[operator].tolist()]
        bounds += [self.reach_at(demand, node).last for demand in needed]
        outside = [demand for demand in needed if instance.demand_root[demand] != node]
        relayed = [demand for demand in outside if not self._comes_from_own_host(demand, node)]
        for demands, lanes in ((outside, self.lanes_in[node]), (relayed, self.lanes_from_chips[node])):
            if demands:
                vectors = int(instance.demand_vectors[demands].sum())
                first = min((self.reach_at(demand, node).first for demand in demands), key=lambda b: b.cycles)
                bounds.append(first.later(lanes.spread(vectors), "cut"))
        return max(bounds, key=lambda bound: bound.cycles)

    def _comes_from_own_host(self, demand: int, node: int) -> bool:
        """Whether a demand may enter a node from a host: only a host that is its root, since hosts never relay."""
        root = int(self.instance.demand_root[demand])
        return root >= self.instance.chips and (root, node) in self.joined

    def root_reach(self, demand: int) -> Reach:
        """Bounds of a demand at its root."""
        instance, root = self.instance, int(self.instance.demand_root[demand])
        leaves = instance.demand_leaves[demand].tolist()
        ends = [self.end(operator) for operator in instance.demand_leaf_operators[demand].tolist()]
        if len(leaves) == 1:
            return Reach(ends[0], ends[0])
        final_sum = self.shortest_sum if root in leaves else 0
        arrivals = [end.later(self.sum_ways[leaf][root] + final_sum) for leaf, end in zip(leaves, ends, strict=True)]
        first = max(arrivals, key=lambda bound: bound.cycles)
        outside = [arrival for leaf, arrival in zip(leaves, arrivals, strict=True) if leaf != root]
        latest = max(outside, key=lambda bound: bound.cycles)
        lanes_in = self.lanes_from_chips if max(leaves) < instance.chips else self.lanes_in
        spread = lanes_in[root].spread(int(instance.demand_vectors[demand]))
        last = max(first, latest.later(spread, "cut"), key=lambda bound: bound.cycles)
        return Reach(first, last)

    def reach_at(self, demand: int, node: int) -> Reach:
        """Bounds of a demand at a node that it spreads to from its root."""
        instance, root = self.instance, int(self.instance.demand_root[demand])
        reach = self.reach[demand]
        if node == root:
            return reach
        way = self.copy_ways[root][node]
        vectors = int(instance.demand_vectors[demand])
        lanes_in = self.lanes_in if self._comes_from_own_host(demand, node) else self.lanes_from_chips
        lanes_out = self.lanes_out if node >= instance.chips else self.lanes_to_chips
        spread = max(lanes_out[root].spread(vectors), lanes_in[node].spread(vectors))
        streamed = reach.first.later(spread, "stream").later(way)
        last = max(reach.last.later(way), streamed, key=lambda bound: bound.cycles)
        return Reach(reach.first.later(way), last)

    def summands_leave(self, node: int) -> Bound:
        """Bound of the makespan by the lanes out of a chip that holds summands of others' sums."""
        instance = self.instance
        vectors = 0
        productions: list[Bound] = []
        ways: list[int] = []
        for demand in range(instance.demands):
            at_node = instance.demand_leaves[demand] == node
            root = int(instance.demand_root[demand])
            if not instance.is_reduction(demand) or root == node or not at_node.any():
                continue
            vectors += int(instance.demand_vectors[demand])
            productions += [self.end(operator) for operator in instance.demand_leaf_operators[demand][at_node].tolist()]
            final_sum = self.shortest_sum if root in instance.demand_leaves[demand] else 0
            spread = [self.copy_ways[root][consumer] for consumer in instance.demand_consumers[demand].tolist()]
            ways.append(self.sum_ways[node][root] + final_sum + max(spread, default=0))
        if not ways:
            return Bound(0)
        produced = min(productions, key=lambda bound: bound.cycles)
        return produced.later(self.lanes_of_summands[node].spread(vectors) + min(ways), "summands")


def shortest_ways(instance: Instance, between_hops_cycles: int) -> list[list[int]]:
    """Return cycles from the departure of one vector at each node to its read at each other (Dijkstra).

    Parameters
    ----------
    instance : Instance
    between_hops_cycles : int
        Least time between a read and the next departure.
    """
    hop = instance.hop_cycles.tolist()
    out: list[list[tuple[int, int]]] = [[] for _ in range(instance.nodes)]
    for source, destination, cycles in zip(
        instance.bundle_source.tolist(), instance.bundle_destination.tolist(), hop, strict=True
    ):
        out[source].append((destination, cycles))
    return [_ways_from(root, out, instance.chips, between_hops_cycles) for root in range(instance.nodes)]


UNREACHABLE = 1 << 60


def _ways_from(root: int, out: list[list[tuple[int, int]]], chips: int, between_hops_cycles: int) -> list[int]:
    ways = [UNREACHABLE] * len(out)
    ways[root] = 0
    heap = [(0, root)]
    while heap:
        cycles, node = heapq.heappop(heap)
        if cycles > ways[node] or (node >= chips and node != root):
            continue
        leave = cycles + (between_hops_cycles if node != root else 0)
        for other, hop in out[node]:
            if leave + hop < ways[other]:
                ways[other] = leave + hop
                heapq.heappush(heap, (ways[other], other))
    return ways


def _lanes(instance: Instance, end: NDArray[np.int64], counted: NDArray[np.bool_]) -> list[Lanes]:
    """Return the lanes of each node, over the bundles that count."""
    times = [
        Fraction(int(numerator), int(denominator))
        for numerator, denominator in zip(instance.bundle_time_numerator, instance.bundle_time_denominator, strict=True)
    ]
    lanes = []
    for node in range(instance.nodes):
        bundles = np.flatnonzero((end == node) & counted).tolist()
        count = int(instance.bundle_lanes[bundles].sum()) if bundles else 0
        lanes.append(Lanes(count, min((times[bundle] for bundle in bundles), default=Fraction(0))))
    return lanes

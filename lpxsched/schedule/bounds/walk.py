"""Lower bounds of an instance: no schedule that keeps R1 to R5 is shorter, wherever it makes its sums.

Operators and demands are walked in the order of precedence. Each demand gets, at each node that needs it, lower bounds:
of the cycle at which *any* vector of it can be there (first), and at which *all* are (last).

**Critical path.** One hop takes at least ceil(v + latency + guard) cycles from departure to read (R2). Between two hops
a vector waits for the turnaround, and where it is added to others for the sum besides. Let way(x, z) be the least time
from a departure at x to the read at z.

**How a sum ends.** Let z read a sum of the summands of leaves x, there at end_x, and let s be the shortest sum of two
operands. Either z itself makes the last sum of a vector; then it has it no earlier than

    own_z = max over x of (end_x + way(x, z)) + s.

Or another chip w made it, of all its leaves: of each but its own a slot was read at w, so that the sum left w a
turnaround t and s later at least (R2), and came to z no earlier than

    complete_z = min over w other than z of departs_w + way(w, z),
    departs_w = max(end_w if w is a leaf, max over x other than w of (end_x + way(x, w)) + t) + s.

A host makes no sums, and has complete vectors only. If the last of n vectors to be read at z, with the summand of some
leaf in it, is read at r, then either z adds to it, until r + s, or it is complete: last >= max(r, min(r + s,
complete_z)).

**Stream.** n vectors that leave the one node that holds them over K lanes, or enter a consumer over K lanes, need a
lane that carries ceil(n / K) of them, and vectors follow each other on a lane by v at least (R1). So if none can leave
before `first`, the last is there no earlier than first + (ceil(n / K) - 1) v + the shortest way. Complete vectors enter
a host like this.

**Cut.** All vectors that an operator needs from outside its node enter over the lanes into the node, and those that do
not come from a host of this node enter over the lanes from other chips, since hosts never relay. The lane that carries
the most of N vectors over K lanes carries ceil(N / K), the first of which is read no earlier than the earliest of any
demand. Of a sum with summands elsewhere n vectors with the summand of each leaf enter the node, each alone or in a sum,
none before the first of this leaf can.

**Summands.** A chip c's summands of demands that other nodes read leave it, alone or inside a sum, n vectors for each;
if no host of c reads the demand, over the K lanes to other chips. Take of each the last time that it leaves c: the last
of N such vectors leaves no earlier than their production and (ceil(N / K) - 1) v later. It then has the least way to
the farthest reader of its demand before it. Elsewhere it is still added to, which takes s more, or it left c complete,
no sooner than departs_c.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.distances import shortest_ways
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.routes.list_schedule import ranks
from lpxsched.units import NEVER, ceil_cycles, ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance


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
    """Bounds of a demand at one node: of its first vector and of all, and of the first that must enter the node."""

    first: Bound
    last: Bound
    enters: Bound


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """A sum of leaves, wherever it is made: its leaves, when they are there, when its last sum can leave each chip.

    Attributes
    ----------
    leaves : ndarray of int64, shape (leaves,)
    ends : list of Bound
    cycles : ndarray of int64, shape (leaves,)
        Of the ends.
    departs, decides : ndarray of int64, shape (chips,)
        The earliest departure of a complete vector, and the leaf that decides it.
    """

    leaves: NDArray[np.int64]
    ends: list[Bound]
    cycles: NDArray[np.int64]
    departs: NDArray[np.int64]
    decides: NDArray[np.int64]


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
        if not is_demand:
            walk.starts[index] = walk.operator_start(index)
        elif instance.is_reduction(index):
            walk.sums[index] = walk.summed(index)
    bounds = [*walk.starts.values(), *(walk.summands_leave(node) for node in range(instance.network.chips))]
    best = _latest(bounds)
    return LowerBound(best.cycles, " + ".join(("critical path", *best.arguments)))


class _Walk:
    """Bounds found so far while an instance is walked in the order of precedence."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.starts: dict[int, Bound] = {}
        self.sums: dict[int, Summed] = {}
        self.shortest_sum = instance.add_cost.cycles(2, 1)
        self.ways = np.array(shortest_ways(instance.network), dtype=np.int64)
        source, destination, chips = instance.network.source, instance.network.destination, instance.network.chips
        everywhere = np.ones(instance.network.bundles, dtype=np.bool_)
        self.lanes_out = _lanes(instance, source, everywhere)
        self.lanes_in = _lanes(instance, destination, everywhere)
        self.lanes_to_chips = _lanes(instance, source, destination < chips)
        self.lanes_from_chips = _lanes(instance, destination, source < chips)
        self.joined = set(zip(source.tolist(), destination.tolist(), strict=True))
        self.readers: list[set[int]] = [set() for _ in range(instance.demands)]
        for operator, node in enumerate(instance.operator_node.tolist()):
            for demand in instance.operator_demands[operator].tolist():
                self.readers[demand].add(node)

    def end(self, operator: int) -> Bound:
        """Earliest end of an operator."""
        return self.starts[operator].later(int(self.instance.operator_cycles[operator]))

    def operator_start(self, operator: int) -> Bound:
        """Earliest start of an operator, by its operands one by one and by the cut round its node."""
        instance, node = self.instance, int(self.instance.operator_node[operator])
        reach = {demand: self.reach_at(demand, node) for demand in instance.operator_demands[operator].tolist()}
        bounds = [Bound(instance.release_cycles)]
        bounds += [self.end(other) for other in instance.operator_after[operator].tolist()]
        bounds += [reached.last for reached in reach.values()]
        outside = [demand for demand in reach if (instance.demand_leaves[demand] != node).any()]
        relayed = [demand for demand in outside if not self._comes_from_own_host(demand, node)]
        for demands, lanes in ((outside, self.lanes_in[node]), (relayed, self.lanes_from_chips[node])):
            if demands:
                vectors = int(instance.demand_vectors[demands].sum())
                first = _earliest(reach[demand].enters for demand in demands)
                bounds.append(first.later(lanes.spread(vectors), "cut"))
        return _latest(bounds)

    def _comes_from_own_host(self, demand: int, node: int) -> bool:
        """Whether a demand may enter a node from a host: only a host that is its leaf, since hosts never relay."""
        leaves = self.instance.demand_leaves[demand].tolist()
        return any(leaf >= self.instance.network.chips and (leaf, node) in self.joined for leaf in leaves)

    def reach_at(self, demand: int, node: int) -> Reach:
        """Bounds of a demand at a node that reads it."""
        if demand in self.sums:
            return self._sum_at(demand, node)
        return self._copy_at(demand, node)

    def _copy_at(self, demand: int, node: int) -> Reach:
        """Bounds of a copy at a node, from the one node that holds it."""
        instance, root = self.instance, int(self.instance.demand_leaves[demand][0])
        made = self.end(int(instance.demand_leaf_operators[demand][0]))
        if node == root:
            return Reach(made, made, made)
        first = made.later(int(self.ways[root, node]))
        vectors = int(instance.demand_vectors[demand])
        lanes_out = self.lanes_out if node >= instance.network.chips else self.lanes_to_chips
        spread = max(lanes_out[root].spread(vectors), self._lanes_into(demand, node).spread(vectors))
        return Reach(first, _latest([first, first.later(spread, "stream")]), first)

    def _lanes_into(self, demand: int, node: int) -> Lanes:
        return (self.lanes_in if self._comes_from_own_host(demand, node) else self.lanes_from_chips)[node]

    def summed(self, demand: int) -> Summed:
        """Return the leaves of a sum, and when its last sum can leave each chip."""
        instance, leaves = self.instance, self.instance.demand_leaves[demand]
        ends = [self.end(operator) for operator in instance.demand_leaf_operators[demand].tolist()]
        cycles = np.array([end.cycles for end in ends], dtype=np.int64)
        there = cycles[:, None] + self.ways[leaves, : instance.network.chips] + instance.network.turnaround_cycles
        there[np.arange(len(leaves)), leaves] = cycles
        return Summed(leaves, ends, cycles, there.max(axis=0) + self.shortest_sum, there.argmax(axis=0))

    def _sum_at(self, demand: int, node: int) -> Reach:
        """Bounds of a sum at a node, made there or elsewhere."""
        summed, is_host = self.sums[demand], node >= self.instance.network.chips
        there = summed.cycles + self.ways[summed.leaves, node]
        last_leaf = int(there.argmax())
        own = summed.ends[last_leaf].later(int(there[last_leaf] - summed.cycles[last_leaf]) + self.shortest_sum)
        complete = self._complete_at(summed, node)
        farthest = int(np.where(summed.leaves != node, there, -1).argmax())
        enters = summed.ends[farthest].later(int(self.ways[summed.leaves[farthest], node]))
        spread = self._lanes_into(demand, node).spread(int(self.instance.demand_vectors[demand]))
        read = enters.later(spread, "cut" if spread else "")
        if is_host:
            return Reach(
                complete, _latest([complete, read, complete.later(spread, "stream" if spread else "")]), complete
            )
        first = _earliest([own, complete])
        added = _earliest([read.later(self.shortest_sum), complete])
        return Reach(first, _latest([first, read, added]), enters)

    def _complete_at(self, summed: Summed, node: int) -> Bound:
        """Earliest read of a vector whose last sum was made elsewhere."""
        cycles = summed.departs + self.ways[: self.instance.network.chips, node]
        if node < self.instance.network.chips:
            cycles[node] = NEVER
        chip = int(cycles.argmin())
        return Bound(int(cycles[chip]), summed.ends[int(summed.decides[chip])].arguments)

    def summands_leave(self, node: int) -> Bound:
        """Bound of the makespan by the lanes out of a chip that holds summands of what others read."""
        instance, way = self.instance, self.ways[node]
        vectors, ends, left = 0, [], []
        for demand, summed in self.sums.items():
            others = self.readers[demand] - {node}
            by_host = any(other >= instance.network.chips and (node, other) in self.joined for other in others)
            if not others or by_host or node not in summed.leaves:
                continue
            vectors += int(instance.demand_vectors[demand])
            ends.append(summed.ends[int(np.flatnonzero(summed.leaves == node)[0])])
            left.append((max(int(way[other]) for other in others), int(summed.departs[node])))
        if not ends:
            return Bound(0)
        produced = _earliest(ends)
        last = produced.cycles + self.lanes_to_chips[node].spread(vectors)
        cycles = min(max(last, min(last + self.shortest_sum, departs)) + far for far, departs in left)
        return produced.later(cycles - produced.cycles, "summands")


def _latest(bounds: Iterable[Bound]) -> Bound:
    return max(bounds, key=lambda bound: bound.cycles)


def _earliest(bounds: Iterable[Bound]) -> Bound:
    return min(bounds, key=lambda bound: bound.cycles)


def _lanes(instance: Instance, end: NDArray[np.int64], counted: NDArray[np.bool_]) -> list[Lanes]:
    """Return the lanes of each node, over the bundles that count."""
    network = instance.network
    times = [
        Fraction(int(numerator), int(denominator))
        for numerator, denominator in zip(network.pitch_numerator, network.pitch_denominator, strict=True)
    ]
    lanes = []
    for node in range(network.nodes):
        bundles = np.flatnonzero((end == node) & counted).tolist()
        count = int(network.lanes[bundles].sum()) if bundles else 0
        lanes.append(Lanes(count, min((times[bundle] for bundle in bundles), default=Fraction(0))))
    return lanes

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

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.bounds.stages import by_stages
from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.schedule.problem.ragged import reduced
from lpxsched.schedule.problem.wires import all_ways
from lpxsched.schedule.result import LowerBound
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.network import Network

# A bound is one number: its cycles in steps of `CYCLE`, and below them a bit for each argument that did not enter it.
# So the latest of several bounds is the greatest; of equal ones that without the arguments that come late here.
STREAM, CUT, SUMMANDS, CYCLE = 1, 2, 4, 8
ARGUMENTS = {"cut": CUT, "stream": STREAM, "summands": SUMMANDS}


def later(bounds: Integers, cycles: Integers, argument: int) -> Integers:
    """Return bounds moved by some cycles, by an argument where they move."""
    return np.asarray((bounds + CYCLE * cycles) & ~np.where(cycles, argument, 0))


class NodeLanes(NamedTuple):
    """All lanes out of each node or into it: how many, and the shortest time of a vector on any of them."""

    number: Integers
    time: Integers
    time_of: Integers

    def spread(self, node: Integers, vectors: Integers) -> Integers:
        """Cycles from the first to the last of some vectors on the fullest lane, rounded up; 0 without lanes."""
        number = self.number[node]
        others = -(-vectors // np.maximum(number, 1)) - 1
        return np.where(number, -(-np.maximum(others, 0) * self.time[node] // self.time_of[node]), 0)


def lanes_at(network: Network, end: Integers, counted: Flags) -> NodeLanes:
    """Return the lanes of each node, over the bundles that count."""
    count, time, time_of = (np.full(network.nodes, value, dtype=np.int64) for value in (0, 0, 1))
    np.add.at(count, end[counted], network.lanes[counted])
    base = int(network.pitch_denominator.max(initial=0)) + 1
    pitch = network.pitch_numerator * base + network.pitch_denominator
    # The shortest last: it stays.
    for kind in sorted(np.unique(pitch).tolist(), key=lambda kind: -Fraction(*divmod(kind, base))):
        nodes = end[counted & (pitch == kind)]
        time[nodes], time_of[nodes] = divmod(kind, base)
    return NodeLanes(count, time, time_of)


class Reach(NamedTuple):
    """Bounds of demands at nodes: of the first vector and of all, and of the first that must enter the node."""

    first: Integers
    last: Integers
    enters: Integers


class Summed(NamedTuple):
    """Sums of the same leaves, wherever they are made, at each node.

    Of chips: bounds of their summands, `NEVER` where they have none, and of the departure of a complete vector.
    Of nodes: bounds of a sum that the node makes itself, of one made elsewhere, of the first summand from elsewhere.
    """

    produced: Integers
    departs: Integers
    own: Integers
    complete: Integers
    enters: Integers


def walk_bound(instance: Instance) -> LowerBound:
    """Return the best bound of an instance, whose demands can be reached from their leaves."""
    walk, of_ranks = _walked(instance)
    best = int(np.append(walk.starts, walk.summands_leave()).max(initial=NONE))
    names = [name for name, bit in ARGUMENTS.items() if not best & bit]
    by_walk = LowerBound(best // CYCLE, " + ".join(("critical path", *names)))
    further = by_stages(instance, walk.starts // CYCLE, walk.ways // CYCLE, of_ranks)
    return max(by_walk, *further, key=lambda bound: bound.cycles) if further else by_walk


def earliest_starts(instance: Instance) -> Integers:
    """Return a cycle for each operator before which none can start, whatever else is done."""
    return _walked(instance)[0].starts // CYCLE


def _walked(instance: Instance) -> tuple[_Walk, tuple[Integers, Integers]]:
    """Return an instance walked to its end, and the ranks of its operators and demands."""
    walk, (operator_rank, demand_rank) = _Walk(instance), ranks(instance)
    for rank in range(int(max(operator_rank.max(initial=0), demand_rank.max(initial=0))) + 1):
        walk.start(np.flatnonzero(operator_rank == rank))
        for demand in np.flatnonzero((demand_rank == rank) & walk.is_sum).tolist():
            walk.sum(demand)
    return walk, (operator_rank, demand_rank)


class _Walk:
    """Bounds found so far while an instance is walked in the order of precedence; sums and ways in steps of `CYCLE`."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.starts = np.full(instance.operators, NONE, dtype=np.int64)
        # Sums of the same leaves are alike: each is known by the number of the first of them.
        self.sums: dict[int, Summed] = {}
        self.first_of: dict[bytes, int] = {}
        self.alike = np.full(instance.demands, NONE, dtype=np.int64)
        self.is_sum = instance.demand_leaves.counts > 1
        self.shortest_sum = CYCLE * instance.add_cost.cycles(2, 1)
        self.ways = CYCLE * all_ways(instance.network).astype(np.int64)
        source, destination, chips = instance.network.source, instance.network.destination, instance.network.chips
        everywhere = np.ones(instance.network.bundles, dtype=np.bool_)
        self.lanes_out = lanes_at(instance.network, source, everywhere)
        self.lanes_in = lanes_at(instance.network, destination, everywhere)
        self.lanes_to_chips = lanes_at(instance.network, source, destination < chips)
        self.lanes_from_chips = lanes_at(instance.network, destination, source < chips)
        self.joined = np.zeros((instance.network.nodes, instance.network.nodes), dtype=np.bool_)
        self.joined[source, destination] = True

    def ends(self, operators: Integers) -> Integers:
        """Earliest ends of some operators."""
        return self.starts[operators] + CYCLE * self.instance.operator_cycles[operators]

    def start(self, operators: Integers) -> None:
        """Find the earliest starts of some operators, by their operands one by one and by the cut round their nodes."""
        instance, node = self.instance, self.instance.operator_node[operators]
        after, read = instance.operator_after.taken(operators), instance.operator_demands.taken(operators)
        reader = node[read.row]
        reach, root = self.reach(read.values, reader), self._root(read.values)
        start = np.maximum(
            reduced(np.maximum, self.ends(after.values), after.offsets, empty=NONE),
            reduced(np.maximum, reach.last, read.offsets, empty=NONE),
        )
        # No argument has entered the release.
        start = np.maximum(start, CYCLE * (instance.release_cycles + 1) - 1)
        outside = self.is_sum[read.values] | (root != reader)
        relayed = outside & ~self._comes_from_own_host(root, reader)
        for counted, lanes in ((outside, self.lanes_in), (relayed, self.lanes_from_chips)):
            total = np.append(0, np.cumsum(np.where(counted, instance.demand_vectors[read.values], 0)))
            vectors = total[read.offsets[1:]] - total[read.offsets[:-1]]
            first = reduced(np.minimum, np.where(counted, reach.enters, NEVER), read.offsets, empty=NONE)
            cut = later(first, lanes.spread(node, vectors), CUT)
            start = np.where(vectors > 0, np.maximum(start, cut), start)
        self.starts[operators] = start

    def _root(self, demands: Integers) -> Integers:
        """Return the one node that holds what is copied, the first leaf of a sum."""
        return self.instance.demand_leaves.first(demands)

    def _comes_from_own_host(self, root: Integers, node: Integers) -> Flags:
        """Whether something enters a node from a host: only from one that holds it, since hosts never relay."""
        return (root >= self.instance.network.chips) & self.joined[root, node]

    def reach(self, demands: Integers, nodes: Integers) -> Reach:
        """Bounds of demands at nodes that read them."""
        reach, alike = np.full((3, len(demands)), NONE, dtype=np.int64), self.alike[demands]
        for number in (NONE, *self.sums):
            here = np.flatnonzero(alike == number)
            if number == NONE:
                reach[:, here] = self._copies_at(demands[here], nodes[here])
            else:
                reach[:, here] = self._sums_at(self.sums[number], demands[here], nodes[here])
        return Reach(*reach)

    def _copies_at(self, demands: Integers, nodes: Integers) -> Reach:
        """Bounds of copies at nodes, each from the one node that holds it."""
        instance, root = self.instance, self._root(demands)
        first = self.ends(instance.demand_leaf_operators.first(demands)) + self.ways[root, nodes]
        vectors, is_host = instance.demand_vectors[demands], nodes >= instance.network.chips
        out = np.where(is_host, self.lanes_out.spread(root, vectors), self.lanes_to_chips.spread(root, vectors))
        from_host = self.lanes_in.spread(nodes, vectors)
        into = np.where(self._comes_from_own_host(root, nodes), from_host, self.lanes_from_chips.spread(nodes, vectors))
        spread = np.where(root == nodes, 0, np.maximum(out, into))
        return Reach(first, later(first, spread, STREAM), first)

    def _sums_at(self, summed: Summed, demands: Integers, nodes: Integers) -> Integers:
        """Bounds of sums of the same leaves at nodes, made there or elsewhere; shape (3, nodes), as `Reach` has it."""
        own, complete, enters = summed.own[nodes], summed.complete[nodes], summed.enters[nodes]
        spread = self.lanes_from_chips.spread(nodes, self.instance.demand_vectors[demands])
        read, streamed = later(enters, spread, CUT), later(complete, spread, STREAM)
        first, added = np.minimum(own, complete), np.minimum(read + self.shortest_sum, complete)
        at_host = Reach(complete, np.maximum(complete, np.maximum(read, streamed)), complete)
        at_chip = Reach(first, np.maximum(first, np.maximum(read, added)), enters)
        return np.where(nodes >= self.instance.network.chips, at_host, at_chip)

    def sum(self, demand: int) -> None:
        """Find when a sum can be at each node."""
        operators = self.instance.demand_leaf_operators[demand]
        self.alike[demand] = number = self.first_of.setdefault(operators.tobytes(), demand)
        if number == demand:
            self.sums[demand] = self._summed(self.instance.demand_leaves[demand], self.ends(operators))

    def _summed(self, leaves: Integers, ends: Integers) -> Summed:
        network, every = self.instance.network, np.arange(len(leaves))
        there, chips = ends[:, None] + self.ways[leaves], np.arange(network.chips)
        at_chips = there[:, chips] + CYCLE * network.turnaround_cycles
        at_chips[every, leaves] = ends
        departs = at_chips.max(axis=0) + self.shortest_sum
        elsewhere = departs[:, None] + self.ways[chips]
        elsewhere[chips, chips] = NEVER
        produced = np.full(network.chips, NEVER)
        produced[leaves] = ends
        own = there.max(axis=0) + self.shortest_sum
        there[every, leaves] = NONE
        return Summed(produced, departs, own, elsewhere.min(axis=0), there.max(axis=0))

    def summands_leave(self) -> Integers:
        """Bounds of the makespan by the lanes out of each chip that holds summands of what others read."""
        chips, vectors = self.instance.network.chips, np.zeros(self.instance.network.chips, dtype=np.int64)
        produced, bound, leaving = np.full(chips, NEVER), np.full(chips, NEVER), []
        for (number, readers), total in self._read_sums().items():
            summed = self.sums[number]
            leaves, far = self._leaving(summed, np.frombuffer(readers, dtype=np.int64))
            vectors += leaves * total
            produced = np.where(leaves, np.minimum(produced, summed.produced), produced)
            leaving.append((summed, leaves, far))
        last = produced + CYCLE * self.lanes_to_chips.spread(np.arange(chips), vectors)
        for summed, leaves, far in leaving:
            ends = np.maximum(last, np.minimum(last + self.shortest_sum, summed.departs)) + far
            bound = np.where(leaves, np.minimum(bound, ends), bound)
        return np.where(vectors > 0, bound & ~SUMMANDS, NONE)

    def _read_sums(self) -> dict[tuple[int, bytes], int]:
        """Return the vectors of all sums of the same leaves and readers, in the order of the walk."""
        instance, read = self.instance, self.instance.operator_demands.flat()
        node = instance.operator_node[read.row]
        summed = self.is_sum[read.values]
        pairs = np.unique(read.values[summed] * instance.network.nodes + node[summed])
        upto = np.searchsorted(pairs // instance.network.nodes, np.arange(instance.demands + 1))
        vectors: dict[tuple[int, bytes], int] = {}
        for number in self.sums:
            for demand in np.flatnonzero(self.alike == number).tolist():
                readers = pairs[upto[demand] : upto[demand + 1]] % instance.network.nodes
                key = (number, readers.tobytes())
                if len(readers):
                    vectors[key] = vectors.get(key, 0) + int(instance.demand_vectors[demand])
        return vectors

    def _leaving(self, summed: Summed, readers: Integers) -> tuple[Flags, Integers]:
        """Return whether a summand must leave each chip for other chips, and its way to its farthest reader."""
        chips = self.instance.network.chips
        others = (readers != np.arange(chips)[:, None]).any(axis=1)
        by_host = self.joined[:chips, readers[readers >= chips]].any(axis=1)
        leaves = (summed.produced < NEVER) & others & ~by_host
        return leaves, self.ways[:chips, readers].max(axis=1)

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

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.bounds.columns import BoundColumns, earliest, lanes_at, latest, none, of_rows
from lpxsched.schedule.bounds.stages import by_stages
from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.schedule.problem.wires import all_ways
from lpxsched.schedule.result import LowerBound
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers

# Arguments that may enter a bound; it knows those that did as a set of bits.
ARGUMENTS = ("cut", "stream", "summands")
CUT, STREAM, SUMMANDS = 1, 2, 4


class Reach(NamedTuple):
    """Bounds of demands at nodes: of the first vector and of all, and of the first that must enter the node."""

    first: BoundColumns
    last: BoundColumns
    enters: BoundColumns


class Summed(NamedTuple):
    """Sums of the same leaves, wherever they are made, at each node.

    Of chips: bounds of their summands, `NEVER` where they have none, and the earliest departure of a complete vector.
    Of nodes: bounds of a sum that the node makes itself, of one made elsewhere, of the first summand from elsewhere.
    """

    produced: BoundColumns
    departs: Integers
    own: BoundColumns
    complete: BoundColumns
    enters: BoundColumns


def walk_bound(instance: Instance) -> LowerBound:
    """Return the best bound of an instance, whose demands can be reached from their leaves."""
    walk, (operator_rank, demand_rank) = _walked(instance)
    starts = walk.starts.at(np.argsort(operator_rank, kind="stable"))
    best = of_rows(starts.joined(walk.summands_leave()), np.array([0, instance.operators + instance.network.chips]))
    names = [name for bit, name in enumerate(ARGUMENTS) if int(best.arguments[0]) >> bit & 1]
    by_walk = LowerBound(int(best.cycles[0]), " + ".join(("critical path", *names)))
    further = by_stages(instance, walk.starts.cycles, walk.ways, (operator_rank, demand_rank))
    return max(by_walk, *further, key=lambda bound: bound.cycles) if further else by_walk


def earliest_starts(instance: Instance) -> Integers:
    """Return a cycle for each operator before which none can start, whatever else is done."""
    return _walked(instance)[0].starts.cycles


def _walked(instance: Instance) -> tuple[_Walk, tuple[Integers, Integers]]:
    """Return an instance walked to its end, and the ranks of its operators and demands."""
    walk, (operator_rank, demand_rank) = _Walk(instance), ranks(instance)
    for rank in range(int(max(operator_rank.max(initial=0), demand_rank.max(initial=0))) + 1):
        walk.start(np.flatnonzero(operator_rank == rank))
        for demand in np.flatnonzero((demand_rank == rank) & walk.is_sum).tolist():
            walk.sum(demand)
    return walk, (operator_rank, demand_rank)


class _Walk:
    """Bounds found so far while an instance is walked in the order of precedence."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.starts = none(instance.operators)
        # Sums of the same leaves are alike: each is known by the number of the first of them.
        self.sums: dict[int, Summed] = {}
        self.first_of: dict[bytes, int] = {}
        self.alike = np.full(instance.demands, NONE, dtype=np.int64)
        self.is_sum = instance.demand_leaves.counts > 1
        self.shortest_sum = instance.add_cost.cycles(2, 1)
        self.ways = all_ways(instance.network).astype(np.int64)
        source, destination, chips = instance.network.source, instance.network.destination, instance.network.chips
        everywhere = np.ones(instance.network.bundles, dtype=np.bool_)
        self.lanes_out = lanes_at(instance.network, source, everywhere)
        self.lanes_in = lanes_at(instance.network, destination, everywhere)
        self.lanes_to_chips = lanes_at(instance.network, source, destination < chips)
        self.lanes_from_chips = lanes_at(instance.network, destination, source < chips)
        self.joined = np.zeros((instance.network.nodes, instance.network.nodes), dtype=np.bool_)
        self.joined[source, destination] = True

    def ends(self, operators: Integers) -> BoundColumns:
        """Earliest ends of some operators."""
        return self.starts.at(operators).later(self.instance.operator_cycles[operators])

    def start(self, operators: Integers) -> None:
        """Find the earliest starts of some operators, by their operands one by one and by the cut round their nodes."""
        instance, node = self.instance, self.instance.operator_node[operators]
        start = BoundColumns(np.full(len(operators), instance.release_cycles), np.zeros(len(operators), dtype=np.int64))
        after, read = instance.operator_after.taken(operators), instance.operator_demands.taken(operators)
        reader = node[read.row]
        reach, root = self.reach(read.values, reader), self._root(read.values)
        start = latest(start, of_rows(self.ends(after.values), after.offsets), of_rows(reach.last, read.offsets))
        outside = self.is_sum[read.values] | (root != reader)
        relayed = outside & ~self._comes_from_own_host(root, reader)
        for counted, lanes in ((outside, self.lanes_in), (relayed, self.lanes_from_chips)):
            total = np.append(0, np.cumsum(np.where(counted, instance.demand_vectors[read.values], 0)))
            vectors = total[read.offsets[1:]] - total[read.offsets[:-1]]
            entering = reach.enters.where(counted, none(len(counted), NEVER))
            first = of_rows(entering, read.offsets, least=True)
            cut = first.later(lanes.spread(node, vectors), CUT)
            start = latest(start, cut.where(vectors > 0, start))
        self.starts.cycles[operators], self.starts.arguments[operators] = start

    def _root(self, demands: Integers) -> Integers:
        """Return the one node that holds what is copied, the first leaf of a sum."""
        return self.instance.demand_leaves.first(demands)

    def _comes_from_own_host(self, root: Integers, node: Integers) -> Flags:
        """Whether something enters a node from a host: only from one that holds it, since hosts never relay."""
        return (root >= self.instance.network.chips) & self.joined[root, node]

    def reach(self, demands: Integers, nodes: Integers) -> Reach:
        """Bounds of demands at nodes that read them."""
        reach = Reach(*(none(len(demands)) for _ in Reach._fields))
        alike = self.alike[demands]
        for number in (NONE, *self.sums):
            here = np.flatnonzero(alike == number)
            if number == NONE:
                found = self._copies_at(demands[here], nodes[here])
            else:
                found = self._sums_at(self.sums[number], demands[here], nodes[here])
            for column, values in zip(reach, found, strict=True):
                column.cycles[here], column.arguments[here] = values
        return reach

    def _copies_at(self, demands: Integers, nodes: Integers) -> Reach:
        """Bounds of copies at nodes, each from the one node that holds it."""
        instance, root = self.instance, self._root(demands)
        made = self.ends(instance.demand_leaf_operators.first(demands))
        first, vectors = made.later(self.ways[root, nodes]), instance.demand_vectors[demands]
        is_host = nodes >= instance.network.chips
        out = np.where(is_host, self.lanes_out.spread(root, vectors), self.lanes_to_chips.spread(root, vectors))
        from_host = self.lanes_in.spread(nodes, vectors)
        into = np.where(self._comes_from_own_host(root, nodes), from_host, self.lanes_from_chips.spread(nodes, vectors))
        spread = np.where(root == nodes, 0, np.maximum(out, into))
        return Reach(first, first.later(spread, np.where(spread, STREAM, 0)), first)

    def _sums_at(self, summed: Summed, demands: Integers, nodes: Integers) -> Reach:
        """Bounds of sums of the same leaves at nodes, made there or elsewhere."""
        own, complete, enters = (column.at(nodes) for column in (summed.own, summed.complete, summed.enters))
        spread = self.lanes_from_chips.spread(nodes, self.instance.demand_vectors[demands])
        read = enters.later(spread, np.where(spread, CUT, 0))
        streamed = complete.later(spread, np.where(spread, STREAM, 0))
        at_host = Reach(complete, latest(complete, read, streamed), complete)
        first, added = earliest(own, complete), earliest(read.later(self.shortest_sum), complete)
        at_chip = Reach(first, latest(first, read, added), enters)
        is_host = nodes >= self.instance.network.chips
        return Reach(*(host.where(is_host, chip) for host, chip in zip(at_host, at_chip, strict=True)))

    def sum(self, demand: int) -> None:
        """Find when a sum can be at each node."""
        operators = self.instance.demand_leaf_operators[demand]
        self.alike[demand] = number = self.first_of.setdefault(operators.tobytes(), demand)
        if number == demand:
            self.sums[demand] = self._summed(self.instance.demand_leaves[demand], self.ends(operators))

    def _summed(self, leaves: Integers, ends: BoundColumns) -> Summed:
        instance, chips, nodes = self.instance, self.instance.network.chips, np.arange(self.instance.network.nodes)
        there = ends.cycles[:, None] + self.ways[leaves]
        at_chips = there[:, :chips] + instance.network.turnaround_cycles
        at_chips[np.arange(len(leaves)), leaves] = ends.cycles
        departs = BoundColumns(at_chips.max(axis=0), ends.arguments[at_chips.argmax(axis=0)]).later(self.shortest_sum)
        elsewhere = departs.cycles[:, None] + self.ways[:chips]
        elsewhere[nodes[:chips], nodes[:chips]] = NEVER
        made = elsewhere.argmin(axis=0)
        last, produced = there.argmax(axis=0), none(chips, NEVER)
        produced.cycles[leaves], produced.arguments[leaves] = ends
        own = BoundColumns(there[last, nodes] + self.shortest_sum, ends.arguments[last])
        there[np.arange(len(leaves)), leaves] = NONE
        far = there.argmax(axis=0)
        return Summed(
            produced,
            departs.cycles,
            own,
            BoundColumns(elsewhere[made, nodes], departs.arguments[made]),
            BoundColumns(there[far, nodes], ends.arguments[far]),
        )

    def summands_leave(self) -> BoundColumns:
        """Bounds of the makespan by the lanes out of each chip that holds summands of what others read."""
        chips, vectors = self.instance.network.chips, np.zeros(self.instance.network.chips, dtype=np.int64)
        nothing, bound = none(chips, 0), np.full(chips, NEVER)
        produced, leaving = none(chips, NEVER), []
        for (number, readers), total in self._read_sums().items():
            summed = self.sums[number]
            leaves, far = self._leaving(summed, np.frombuffer(readers, dtype=np.int64))
            vectors += leaves * total
            produced = earliest(produced, summed.produced.where(leaves, none(chips, NEVER)))
            leaving.append((summed, leaves, far))
        last = produced.cycles + self.lanes_to_chips.spread(np.arange(chips), vectors)
        for summed, leaves, far in leaving:
            ends = np.maximum(last, np.minimum(last + self.shortest_sum, summed.departs)) + far
            bound = np.where(leaves, np.minimum(bound, ends), bound)
        return BoundColumns(bound, produced.arguments | SUMMANDS).where(vectors > 0, nothing)

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
        leaves = (summed.produced.cycles < NEVER) & others & ~by_host
        return leaves, self.ways[:chips, readers].max(axis=1)

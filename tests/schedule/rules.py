"""The rules R1 to R5 of a schedule, written from ``docs/build-folder.md``; nothing here is shared with a solver.

Every time is an exact rational, every vector is followed by itself. Slow and plain: the judge in tests of solvers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule

    TimeOf = Callable[[int], Fraction]

SUMMING, SPREADING = 0, 1
MATRIX, VECTOR = 0, 1


class Slot(NamedTuple):
    """A block on one link: `leaves(k)` and `read(k)` are the times of its vector k."""

    block: int
    phase: int
    bundle: int
    source: int
    destination: int
    depart: int
    hop: int
    vector_time: Fraction
    vectors: int

    def leaves(self, k: int) -> Fraction:
        """Return when vector k begins to leave."""
        return self.depart + k * self.vector_time

    def read(self, k: int) -> Fraction:
        """Return when vector k is read at the far end."""
        return self.depart + self.hop + k * self.vector_time

    @property
    def last_read(self) -> Fraction:
        """Return when the last vector is read."""
        return self.read(self.vectors - 1)


class Sum(NamedTuple):
    """A sum of a block at a node."""

    operands: int
    start: int
    end: int


def violations(instance: Instance, schedule: Schedule) -> list[str]:
    """Return what is wrong with a schedule, each with the number of its rule; empty when all rules are kept."""
    return list(_Judge(instance, schedule).all())


class _Judge:
    """The schedule as dictionaries, and one generator a rule."""

    def __init__(self, instance: Instance, schedule: Schedule) -> None:
        self.instance = instance
        self.starts: list[int] = schedule.operator_start.tolist()
        self.cycles: list[int] = instance.operator_cycles.tolist()
        self.nodes = instance.operator_node.tolist()
        columns = (schedule.blocks.demand, schedule.blocks.first_vector, schedule.blocks.vectors)
        self.blocks = list(zip(*(column.tolist() for column in columns), strict=True))
        slots = (schedule.slot_block, schedule.slot_phase, schedule.slot_bundle, schedule.slot_depart)
        self.slots = [self._slot(*row) for row in zip(*(column.tolist() for column in slots), strict=True)]
        sums = (schedule.sum_block, schedule.sum_node, schedule.sum_operands, schedule.sum_start)
        self.sum_rows = list(zip(*(column.tolist() for column in sums), strict=True))
        self.sums = {
            (block, node): Sum(operands, start, start + self._sum_cycles(operands, self.blocks[block][2]))
            for block, node, operands, start in self.sum_rows
        }
        self.into: dict[tuple[int, int, int], list[Slot]] = defaultdict(list)
        self.out_of: dict[tuple[int, int, int], list[Slot]] = defaultdict(list)
        for slot in self.slots:
            self.into[slot.block, slot.phase, slot.destination].append(slot)
            self.out_of[slot.block, slot.phase, slot.source].append(slot)

    def all(self) -> Iterator[str]:
        """Yield everything that is wrong."""
        yield from self.blocks_cover_demands()
        yield from self.r1_links()
        yield from self.r2_causality()
        yield from self.r3_delivery()
        yield from self.r3_operands()
        yield from self.r4_units()
        yield from self.r5_reduction()
        yield from self.r9_release()

    def _slot(self, block: int, phase: int, bundle: int, depart: int) -> Slot:
        instance = self.instance
        v = Fraction(int(instance.network.pitch_numerator[bundle]), int(instance.network.pitch_denominator[bundle]))
        # read >= ceil(depart + v + latency + guard)
        hop = ceil(v + int(instance.network.latency_cycles[bundle]) + int(instance.network.guard_cycles[bundle]))
        ends = int(instance.network.source[bundle]), int(instance.network.destination[bundle])
        return Slot(block, phase, bundle, *ends, depart, hop, v, self.blocks[block][2])

    def _sum_cycles(self, operands: int, vectors: int) -> int:
        cost = self.instance.add_cost
        if not cost.operations_per_cycle:
            return 0
        sram = Fraction((operands + 1) * vectors * cost.vector_bytes, cost.sram_bytes_per_cycle)
        arithmetic = Fraction((operands - 1) * vectors * cost.elements_per_vector, cost.operations_per_cycle)
        return max(0, max(ceil(sram), ceil(arithmetic)) + cost.fixed_cycles - cost.cycles_in_hop)

    def _leaves(self, block: int) -> dict[int, int]:
        """Return the operator that produces each leaf of a block, by node."""
        demand = self.blocks[block][0]
        nodes, operators = self.instance.demand_leaves[demand], self.instance.demand_leaf_operators[demand]
        return dict(zip(nodes.tolist(), operators.tolist(), strict=True))

    def _root(self, block: int) -> int:
        return int(self.instance.demand_root[self.blocks[block][0]])

    def _end(self, operator: int) -> int:
        return self.starts[operator] + self.cycles[operator]

    def blocks_cover_demands(self) -> Iterator[str]:
        """R3: blocks are the vectors of every demand, each once."""
        seen = Counter((demand, vector) for demand, first, n in self.blocks for vector in range(first, first + n))
        wanted = Counter((demand, k) for demand, n in enumerate(self.instance.demand_vectors) for k in range(n))
        if seen != wanted:
            yield f"R3: blocks do not cover the demands: {seen - wanted} too many, {wanted - seen} missing"

    def r1_links(self) -> Iterator[str]:
        """R1: at no time do more slots hold a bundle than it has links; [depart, depart + ceil(n v))."""
        changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for slot in self.slots:
            end = slot.depart + ceil(slot.vectors * slot.vector_time)
            # Ends sort before departures of the same cycle.
            changes[slot.bundle] += [(slot.depart, 1), (end, -1)]
        for bundle, events in changes.items():
            held = 0
            for cycle, change in sorted(events):
                held += change
                if held > self.instance.network.lanes[bundle]:
                    yield f"R1: {held} slots on bundle {bundle} at {cycle}"

    def there(self, block: int, phase: int, node: int, *, leaving: bool) -> TimeOf | None:
        """Return when vector k of a block is at a node, to be read there or to leave it; None if it never is."""
        turnaround = self.instance.network.turnaround_cycles if leaving else 0
        leaves, root = self._leaves(block), self._root(block)
        if phase == SPREADING and node != root:
            arrived = self.into[block, SPREADING, node]
            if not arrived or (leaving and node >= self.instance.network.chips):
                return None
            return lambda k: arrived[0].read(k) + turnaround
        if (block, node) in self.sums:
            there = self._sum_is_there(block, node, leaving=leaving)
            return lambda _: there
        if node in leaves and (len(leaves) == 1 or phase == SUMMING):
            return lambda _: Fraction(self._end(leaves[node]))
        summand = self.into[block, SUMMING, node]
        if not summand or node >= self.instance.network.chips:
            return None
        return lambda k: summand[0].read(k) + turnaround

    def _sum_is_there(self, block: int, node: int, *, leaving: bool) -> Fraction:
        """Return when a sum can be read on its node, or leave it: then it pays a turnaround as a relay does."""
        total = self.sums[block, node]
        if not leaving:
            return Fraction(total.end)
        relayed = self.instance.network.turnaround_cycles + total.end - total.start
        return max([Fraction(total.end), *(slot.last_read + relayed for slot in self.into[block, SUMMING, node])])

    def r2_causality(self) -> Iterator[str]:
        """R2: each vector leaves after it was produced there, or read there plus turnaround; hosts never relay."""
        for slot in self.slots:
            there = self.there(slot.block, slot.phase, slot.source, leaving=True)
            if there is None:
                yield f"R2: {slot} is never at its source"
                continue
            for k in range(slot.vectors):
                if slot.leaves(k) < there(k):
                    yield f"R2: vector {k} of {slot} is there at {there(k)} only"

    def r3_delivery(self) -> Iterator[str]:
        """R3: consumers receive a block once, others only what they send on, and nobody receives it twice."""
        for block, (demand, _, _) in enumerate(self.blocks):
            root = self._root(block)
            consumers = set(self.instance.demand_consumers[demand].tolist()) - {root}
            for node in range(self.instance.network.nodes):
                arrived = len(self.into[block, SPREADING, node])
                used = node in consumers or self.out_of[block, SPREADING, node]
                if node in consumers and arrived != 1:
                    yield f"R3: node {node} receives block {block} {arrived} times"
                elif arrived and (arrived > 1 or not used or node == root):
                    yield f"R3: node {node} receives block {block} {arrived} times and does not use it"

    def r3_operands(self) -> Iterator[str]:
        """R3: an operator starts after its predecessors and after the reads of all that it needs."""
        for operator, start in enumerate(self.starts):
            for other in self.instance.operator_after[operator].tolist():
                if start < self._end(other):
                    yield f"R3: operator {operator} starts before operator {other} has ended"
            needed = set(self.instance.operator_demands[operator].tolist())
            for block, (demand, _, vectors) in enumerate(self.blocks):
                if demand not in needed:
                    continue
                there = self.there(block, SPREADING, self.nodes[operator], leaving=False)
                if there is None or start < there(vectors - 1):
                    yield f"R3: operator {operator} starts at {start} without block {block}"

    def r4_units(self) -> Iterator[str]:
        """R4: matrix and vector unit of a chip do one thing at a time; what takes no time is in nobody's way."""
        busy: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for operator, start in enumerate(self.starts):
            unit = int(self.instance.operator_unit[operator])
            if unit in (MATRIX, VECTOR) and self.cycles[operator]:
                busy[self.nodes[operator], unit].append((start, self._end(operator)))
        for (_, node), total in self.sums.items():
            if total.end > total.start:
                busy[node, VECTOR].append((total.start, total.end))
        for where, intervals in busy.items():
            for (_, end), (start, _) in pairwise(sorted(intervals)):
                if start < end:
                    yield f"R4: unit {where} is busy until {end} and starts again at {start}"

    def r5_reduction(self) -> Iterator[str]:
        """R5: each leaf enters the value at the root once; a sum starts after the reads of what it adds."""
        if len(self.sums) != len(self.sum_rows):
            yield "R5: a node sums a block twice"
        for block in range(len(self.blocks)):
            leaves, root = self._leaves(block), self._root(block)
            if len(leaves) == 1:
                continue
            if self.expanded(block, root) != Counter(list(leaves)):
                yield f"R5: the root of block {block} has {self.expanded(block, root)}, leaves are {sorted(leaves)}"
            for node in range(self.instance.network.nodes):
                yield from self._sum_at(block, node)
        for block, phase, node in list(self.into):
            if phase == SUMMING and len(self._leaves(block)) == 1:
                yield f"R5: block {block} is no sum but a summand of it arrives at node {node}"

    def expanded(self, block: int, node: int, above: tuple[int, ...] = ()) -> Counter[int]:
        """Return how often each leaf enters what a node has of a block."""
        leaves: Counter[int] = Counter({node: 1} if node in self._leaves(block) else {})
        for slot in self.into[block, SUMMING, node]:
            if slot.source in above:
                return Counter({-1: 1})
            leaves += self.expanded(block, slot.source, (*above, node))
        return leaves

    def _sum_at(self, block: int, node: int) -> Iterator[str]:
        arrived, leaves = self.into[block, SUMMING, node], self._leaves(block)
        operands = len(arrived) + (node in leaves)
        total = self.sums.get((block, node))
        if (total.operands if total else min(operands, 1)) != operands:
            yield f"R5: node {node} has {operands} operands of block {block} and sums {total}"
        sent = len(self.out_of[block, SUMMING, node])
        if sent != (node != self._root(block) and operands > 0):
            yield f"R5: node {node} sends its summand of block {block} {sent} times"
        if total is None:
            return
        if node >= self.instance.network.chips:
            yield f"R4: node {node} is a host and has no vector unit"
        ready = [slot.last_read for slot in arrived] + [self._end(leaves[leaf]) for leaf in leaves if leaf == node]
        if total.start < max(ready, default=0):
            yield f"R3: the sum of block {block} on node {node} starts at {total.start}, before {max(ready)}"

    def r9_release(self) -> Iterator[str]:
        """R9: nothing starts during the opening deskew."""
        times = [*self.starts, *(slot.depart for slot in self.slots), *(row[3] for row in self.sum_rows)]
        if min(times, default=self.instance.release_cycles) < self.instance.release_cycles:
            yield f"R9: something starts at {min(times)}, before {self.instance.release_cycles}"

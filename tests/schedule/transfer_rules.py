"""The rules R1 to R5 and R7 of a schedule of a collective; nothing here is shared with a solver.

Every time is an exact rational, every vector is followed by itself. Slow and plain: the judge in tests of solvers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

from tests.schedule.rows import Value, cells, deliveries_of, initial_values, slots_of, sums_of, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.transfer_result import TransferSchedule
    from tests.schedule.rows import Slot, Sum

# Vector `k` of a value, as one node has it.
Have = tuple[int, int, int]


def broken_rules(problem: Instance, schedule: TransferSchedule) -> list[str]:
    """Return what is wrong with a schedule, each with the number of its rule; empty when all rules are kept."""
    judge = _Judge(problem, schedule)
    # Rows that point at nothing would stop the rules that follow them.
    return list(judge.rows_exist()) or list(judge.all())


class _Judge:
    """The schedule as dictionaries, and one generator a rule."""

    def __init__(self, problem: Instance, schedule: TransferSchedule) -> None:
        self.problem = problem
        self.schedule = schedule
        self.period = schedule.period_cycles
        self.initial = list(initial_values(problem))
        self.sums = list(sums_of(schedule, len(self.initial)))
        self.values = self.initial + [
            Value(0, total.offset, total.vectors, total.node, total.start + total.cycles) for total in self.sums
        ]
        self.deliveries = list(deliveries_of(schedule))
        self.departures: dict[int, Fraction] = {}

    def all(self) -> Iterator[str]:
        """Yield everything that is wrong."""
        yield from self.r1_links()
        yield from self.r2_departures()
        yield from self.r2_sums()
        yield from self.r3_received()
        yield from self.r3_delivered()
        yield from self.r4_operators()
        yield from self.r5_sums()
        yield from self.r7_ports()
        yield from self.makespan()

    @cached_property
    def slots(self) -> list[Slot]:
        """All slots with the ends and the times of their bundles."""
        return list(slots_of(self.problem, self.schedule))

    @cached_property
    def reads(self) -> dict[Have, list[Fraction]]:
        """When each vector of each value is read from a link at each node."""
        reads: dict[Have, list[Fraction]] = defaultdict(list)
        for slot in self.slots:
            for k in range(slot.vectors):
                reads[slot.destination, slot.value, slot.first + k].append(slot.read(k))
        return reads

    @cached_property
    def ends_here(self) -> set[Have]:
        """Vectors that are delivered or summed at a node."""
        found = {(d.node, d.value, d.first + k) for d in self.deliveries for k in range(d.vectors)}
        for total in self.sums:
            for value, first in total.operands:
                found |= {(total.node, value, first + k) for k in range(total.vectors)}
        return found

    @cached_property
    def sent_on(self) -> set[Have]:
        """Vectors that leave a node."""
        return {(slot.source, slot.value, slot.first + k) for slot in self.slots for k in range(slot.vectors)}

    def _there(self, node: int, value: int, k: int, *, turnaround: int) -> Fraction | None:
        """Return from when on a vector can be used at a node, `turnaround` after a read; None if it never is there."""
        if self.values[value].node == node:
            return self._departs(value) if turnaround else Fraction(self.values[value].ready)
        read = self.reads.get((node, value, k))
        return min(read) + turnaround if read else None

    def _departs(self, value: int) -> Fraction:
        """Return from when on what was made at a node may leave it: a sum no sooner than a relay that takes its time.

        A sum that enters itself breaks R5; what it waits for then is left out.
        """
        if value not in self.departures:
            self.departures[value] = Fraction(self.values[value].ready)
            if value >= len(self.initial):
                self.departures[value] = self._sum_departs(self.sums[value - len(self.initial)])
        return self.departures[value]

    def _sum_departs(self, total: Sum) -> Fraction:
        departs = Fraction(total.start + total.cycles)
        for value, first in total.operands:
            for k in range(first, first + total.vectors):
                there = self._there(total.node, value, k, turnaround=self.problem.network.turnaround_cycles)
                departs = max(departs, (there or Fraction(0)) + total.cycles)
        return departs

    def rows_exist(self) -> Iterator[str]:
        """R1, R3, R5: bundles, lanes, nodes and runs of values that rows name exist; nothing starts before 0."""
        lanes = self.problem.network.lanes.tolist()
        what = self.schedule.slot_value, self.schedule.slot_first, self.schedule.slot_vectors
        where = self.schedule.slot_bundle, self.schedule.slot_lane, self.schedule.slot_depart
        for value, first, vectors, bundle, lane, depart in cells(*what, *where):
            if not (0 <= bundle < len(lanes) and 0 <= lane < lanes[bundle]):
                yield f"R1: there is no lane {lane} on bundle {bundle}"
            if depart < 0:
                yield f"R2: a slot on bundle {bundle} departs at {depart}"
            yield from self._run_exists("R1: a slot", value, first, vectors)
        for delivery in self.deliveries:
            if not 0 <= delivery.node < self.problem.network.width:
                yield f"R3: {delivery} is not at a chip that takes part"
            yield from self._run_exists("R3: a delivery", delivery.value, delivery.first, delivery.vectors)
        for total in self.sums:
            if not 0 <= total.node < self.problem.network.nodes or total.start < 0 or total.vectors < 1:
                yield f"R5: {total} has no node, starts before 0 or adds nothing"
            for value, first in total.operands:
                yield from self._run_exists("R5: an operand", value, first, total.vectors)
        if self.sums and not self.problem.stage.is_sum:
            yield f"R5: {self.problem.stage.kind} has nothing to sum"
        if int((self.schedule.sums.operand_sum >= len(self.sums)).sum()):
            yield "R5: an operand belongs to no sum"

    def _run_exists(self, what: str, value: int, first: int, vectors: int) -> Iterator[str]:
        if not 0 <= value < len(self.values):
            yield f"{what} names value {value}, there are {len(self.values)}"
        elif vectors < 1 or first < 0 or first + vectors > self.values[value].vectors:
            yield f"{what} names {vectors} vectors from {first} on of value {value}: {self.values[value]}"

    def r1_links(self) -> Iterator[str]:
        """R1: slots on one lane do not overlap; a slot holds [depart, depart + ceil(n pitch))."""
        held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for slot in self.slots:
            held[slot.bundle, slot.lane].append((slot.depart, slot.hold))
        for lane, intervals in held.items():
            for cycle in self._overlaps(intervals):
                yield f"R1: two slots on (bundle, lane) {lane} at {cycle}"

    def r2_departures(self) -> Iterator[str]:
        """R2: each vector leaves where it was produced, or after it was read there plus turnaround, sums as relays."""
        for slot in self.slots:
            for k in range(slot.vectors):
                there = self._there(
                    slot.source, slot.value, slot.first + k, turnaround=self.problem.network.turnaround_cycles
                )
                if there is None or slot.leaves(k) < there:
                    yield f"R2: vector {k} of {slot} leaves at {slot.leaves(k)}, it is there at {there}"

    def r2_sums(self) -> Iterator[str]:
        """R2: a sum starts after its operands were produced or read on its node."""
        for total in self.sums:
            for value, first in total.operands:
                for k in range(first, first + total.vectors):
                    there = self._there(total.node, value, k, turnaround=0)
                    if there is None or total.start < there:
                        yield f"R2: {total} starts without vector {k} of value {value}, which is there at {there}"

    def r3_received(self) -> Iterator[str]:
        """R3: a node reads a vector once, not where it was made, and only to deliver, sum or send it on."""
        for (node, value, k), reads in self.reads.items():
            what = f"vector {k} of value {value} on node {node}"
            if len(reads) > 1:
                yield f"R3: {what} is received {len(reads)} times"
            if self.values[value].node == node:
                yield f"R3: {what} is received where it was made"
            if (node, value, k) not in self.ends_here and (node, value, k) not in self.sent_on:
                yield f"R3: {what} is received and not used"

    def r3_delivered(self) -> Iterator[str]:
        """R3: what is delivered is there, complete, and exactly what the collective demands."""
        delivered: Counter[tuple[int, int, int]] = Counter()
        for node, value, first, vectors in self.deliveries:
            source = self.values[value]
            for k in range(first, first + vectors):
                delivered[node, source.tensor, source.offset + k] += 1
                if self._there(node, value, k, turnaround=0) is None:
                    yield f"R3: vector {k} of value {value} is delivered on node {node} and never there"
                if self.problem.stage.is_sum and not self._is_complete(value, k):
                    yield f"R5: vector {k} of value {value}, delivered on node {node}, is {self._leaves(value, k)}"
        demanded = Counter(wanted(self.problem))
        for node, tensor, vector in demanded - delivered:
            yield f"R3: vector {vector} of tensor {tensor} is not delivered on node {node}"
        for node, tensor, vector in delivered - demanded:
            yield f"R3: vector {vector} of tensor {tensor} is delivered on node {node} in vain"

    def r4_operators(self) -> Iterator[str]:
        """R4: a node sums one thing at a time, as long as the chip takes for it."""
        busy: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for total in self.sums:
            cycles = self._sum_cycles(len(total.operands), total.vectors)
            if total.cycles != cycles:
                yield f"R4: {total} takes {cycles} cycles"
            busy[total.node].append((total.start, total.cycles))
        for node, intervals in busy.items():
            for cycle in self._overlaps(intervals):
                yield f"R4: node {node} has two sums at {cycle}"

    def _sum_cycles(self, operands: int, vectors: int) -> int:
        cost = self.problem.add_cost
        if not cost.operations_per_cycle:
            return 0
        sram = Fraction((operands + 1) * vectors * cost.vector_bytes, cost.sram_bytes_per_cycle)
        arithmetic = Fraction((operands - 1) * vectors * cost.elements_per_vector, cost.operations_per_cycle)
        return max(0, max(ceil(sram), ceil(arithmetic)) + cost.fixed_cycles - cost.cycles_in_hop)

    def r5_sums(self) -> Iterator[str]:
        """R5: sums add equal runs; `complete` says of each whether all shards are in it once; each is used."""
        used = self.ends_here | self.sent_on
        for total in self.sums:
            if len(total.operands) < 2:
                yield f"R5: {total} adds fewer than two operands"
            for value, first in total.operands:
                if self.values[value].offset + first != total.offset:
                    yield f"R5: {total} adds another run, from {first} on of {self.values[value]}"
            for k in range(total.vectors):
                if max(self._leaves(total.value, k).values(), default=0) > 1:
                    yield f"R5: vector {k} of {total} has a summand twice: {self._leaves(total.value, k)}"
                if self._is_complete(total.value, k) != total.complete:
                    yield f"R5: vector {k} of {total} is {self._leaves(total.value, k)}"
                if (total.node, total.value, k) not in used:
                    yield f"R5: vector {k} of {total} is not used"

    def _is_complete(self, value: int, k: int) -> bool:
        return self._leaves(value, k) == Counter(range(self.problem.network.width))

    def _leaves(self, value: int, k: int, above: tuple[int, ...] = ()) -> Counter[int]:
        """Return how often each shard enters vector k of a value; a sum that enters itself counts as shard -1."""
        if value < len(self.initial):
            return Counter([self.initial[value].node])
        if value in above:
            return Counter([-1, -1])
        leaves: Counter[int] = Counter()
        for operand, first in self.sums[value - len(self.initial)].operands:
            leaves += self._leaves(operand, first + k, (*above, value))
        return leaves

    def r7_ports(self) -> Iterator[str]:
        """R7: so many vectors begin, and so many end, at a node in a cycle."""
        begin: Counter[tuple[int, int]] = Counter()
        end: Counter[tuple[int, int]] = Counter()
        for slot in self.slots:
            for k in range(slot.vectors):
                if self.values[slot.value].node == slot.source:
                    begin[slot.source, self._cycle(slot.leaves(k))] += 1
                if (slot.destination, slot.value, slot.first + k) in self.ends_here:
                    end[slot.destination, self._cycle(slot.read(k))] += 1
        limits = (
            ("begin", begin, self.problem.network.inject_per_cycle),
            ("end", end, self.problem.network.eject_per_cycle),
        )
        for what, counts, limit in limits:
            for (node, cycle), count in counts.items():
                if limit and count > limit:
                    yield f"R7: {count} vectors {what} at node {node} in cycle {cycle}"

    def makespan(self) -> Iterator[str]:
        """Compare the makespan with the last read of a delivery, or end of a sum that is delivered where it is made."""
        last = Fraction(0)
        for node, value, first, vectors in self.deliveries:
            for k in range(first, first + vectors):
                last = max(last, self._there(node, value, k, turnaround=0) or Fraction(0))
        if self.schedule.makespan_cycles != ceil(last):
            yield f"R3: the makespan is {self.schedule.makespan_cycles}, the last delivery is at {last}"

    def _cycle(self, time: Fraction) -> int:
        return floor(time) % self.period if self.period else floor(time)

    def _overlaps(self, intervals: Iterable[tuple[int, int]]) -> Iterator[int]:
        """Yield where (start, length) intervals overlap, in a repeating timetable with any of their repetitions."""
        for (_, end), (start, _) in pairwise(sorted(self._wrapped(intervals))):
            if start < end:
                yield start

    def _wrapped(self, intervals: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield (start, end), cut at multiples of the period and moved into the first one."""
        for start, length in intervals:
            end = start + length
            while self.period and start < end:
                until = min(end, start - start % self.period + self.period)
                yield start % self.period, start % self.period + until - start
                start = until
            if start < end:
                yield start, end

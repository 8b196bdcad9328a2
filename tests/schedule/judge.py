"""The rules R1 to R5 and R7 of a schedule, of a layer or of a collective; nothing here is shared with a solver.

Every time is an exact rational, every vector is followed by itself. Slow and plain: the judge in tests of solvers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

from tests.schedule.rows import Value, cells, reads_of, slots_of, sums_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.schedule.problem.instance import AddCost
    from lpxsched.schedule.result import Schedule
    from tests.schedule.rows import Read, Slot, Sum, Wire

VECTOR = 1
# Vector `k` of a value, as one node has it.
Have = tuple[int, int, int]
# What is read: the operator, the vector of all that is made, and whose summands are in it.
Wanted = tuple[int, int, tuple[int, ...]]


class Judge:
    """A schedule as dictionaries, and one generator a rule; what it must do is told by those that derive from it.

    Attributes
    ----------
    chips : int
        Nodes below it may pass vectors on and sum.
    operator_node, operator_cycles : list of int
    """

    def __init__(
        self,
        schedule: Schedule,
        wires: list[Wire],
        *,
        chips: int,
        turnaround: int,
        add_cost: AddCost,
        operator_node: list[int],
        operator_cycles: list[int],
    ) -> None:
        self.schedule, self.wires = schedule, wires
        self.chips, self.turnaround, self.add_cost = chips, turnaround, add_cost
        self.operator_node, self.operator_cycles = operator_node, operator_cycles
        self.starts: list[int] = schedule.operator_start.tolist()
        self.period = schedule.period_cycles
        self.sums, self.reads = list(sums_of(schedule)), list(reads_of(schedule))
        self.values = [*self.results(), *(self._sum_value(total) for total in self.sums)]
        self.departures: dict[int, Fraction] = {}

    def results(self) -> list[Value]:
        """Return what operators leave."""
        raise NotImplementedError

    def demanded(self) -> Iterator[Wanted]:
        """Yield all that operators must read."""
        raise NotImplementedError

    def summands(self, piece: int) -> list[int]:
        """Return the operators whose results a complete sum of a piece has."""
        raise NotImplementedError

    def offset(self, total: Sum) -> int:
        """Return which vector of all that is made is the first of a sum."""
        raise NotImplementedError

    def limits(self) -> tuple[int, int]:
        """Return how many vectors may begin and end at a node in a cycle, 0 for any number."""
        return 0, 0

    def _sum_value(self, total: Sum) -> Value:
        return Value(self.offset(total), total.vectors, total.node, total.start + total.cycles)

    def all(self) -> Iterator[str]:
        """Yield everything that is wrong."""
        wrong = list(self.rows_exist())
        if wrong:
            # Rows that point at nothing would stop the rules that follow them.
            yield from wrong
            return
        yield from self.r1_links()
        yield from self.r2_departures()
        yield from self.r2_sums()
        yield from self.r3_received()
        yield from self.r3_delivered()
        yield from self.r3_operands()
        yield from self.r4_operators()
        yield from self.r5_sums()
        yield from self.r7_ports()
        if self.schedule.makespan_cycles != max(self.starts, default=0):
            yield f"R3: the makespan is {self.schedule.makespan_cycles}, the last operator starts at {max(self.starts)}"

    @cached_property
    def slots(self) -> list[Slot]:
        """All slots with the ends and the times of their bundles."""
        return list(slots_of(self.wires, self.schedule))

    @cached_property
    def received(self) -> dict[Have, list[Fraction]]:
        """When each vector of each value is read from a link at each node."""
        reads: dict[Have, list[Fraction]] = defaultdict(list)
        for slot in self.slots:
            for k in range(slot.vectors):
                reads[slot.destination, slot.value, slot.first + k].append(slot.read(k))
        return reads

    @cached_property
    def ends_here(self) -> set[Have]:
        """Vectors that are read by an operator or summed at a node."""
        found = {(self.operator_node[r.operator], r.value, r.first + k) for r in self.reads for k in range(r.vectors)}
        for total in self.sums:
            for value, first in total.operands:
                found |= {(total.node, value, first + k) for k in range(total.vectors)}
        return found

    @cached_property
    def sent_on(self) -> set[Have]:
        """Vectors that leave a node."""
        return {(slot.source, slot.value, slot.first + k) for slot in self.slots for k in range(slot.vectors)}

    def there(self, node: int, value: int, k: int, *, turnaround: int) -> Fraction | None:
        """Return from when on a vector can be used at a node, `turnaround` after a read; None if it never is there."""
        if self.values[value].node == node:
            return self._departs(value) if turnaround else Fraction(self.values[value].ready)
        read = self.received.get((node, value, k))
        return min(read) + turnaround if read else None

    def _departs(self, value: int) -> Fraction:
        """Return from when on what was made at a node may leave it: a sum no sooner than a relay that takes its time.

        A sum that enters itself breaks R5; what it waits for then is left out.
        """
        if value not in self.departures:
            self.departures[value] = Fraction(self.values[value].ready)
            if value >= len(self.starts):
                self.departures[value] = self._sum_departs(self.sums[value - len(self.starts)])
        return self.departures[value]

    def _sum_departs(self, total: Sum) -> Fraction:
        departs = Fraction(total.start + total.cycles)
        for value, first in total.operands:
            for k in range(first, first + total.vectors):
                if self.values[value].node != total.node or value >= len(self.starts):
                    there = self.there(total.node, value, k, turnaround=self.turnaround)
                    departs = max(departs, (there or Fraction(0)) + total.cycles)
        return departs

    def rows_exist(self) -> Iterator[str]:
        """R1, R3, R5: bundles, lanes, nodes and runs of values that rows name exist; nothing starts before 0."""
        what = self.schedule.slot_value, self.schedule.slot_first, self.schedule.slot_vectors
        where = self.schedule.slot_bundle, self.schedule.slot_lane, self.schedule.slot_depart
        for value, first, vectors, bundle, lane, depart in cells(*what, *where):
            if not (0 <= bundle < len(self.wires) and 0 <= lane < self.wires[bundle].lanes):
                yield f"R1: there is no lane {lane} on bundle {bundle}"
            if depart < 0:
                yield f"R2: a slot on bundle {bundle} departs at {depart}"
            yield from self._run_exists("R1: a slot", value, first, vectors)
        for read in self.reads:
            if not 0 <= read.operator < len(self.starts):
                yield f"R3: {read} is of no operator"
            yield from self._run_exists("R3: a read", read.value, read.first, read.vectors)
        for total in self.sums:
            if not 0 <= total.node < self.chips or total.start < 0 or total.vectors < 1:
                yield f"R5: {total} has no chip, starts before 0 or adds nothing"
            for value, first in total.operands:
                yield from self._run_exists("R5: an operand", value, first, total.vectors)
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
            for cycle in self.overlaps(intervals):
                yield f"R1: two slots on (bundle, lane) {lane} at {cycle}"

    def r2_departures(self) -> Iterator[str]:
        """R2: each vector leaves where it was produced, or after it was read there plus turnaround, sums as relays."""
        for slot in self.slots:
            if slot.source >= self.chips and self.values[slot.value].node != slot.source:
                yield f"R2: {slot} is passed on by a host"
            for k in range(slot.vectors):
                there = self.there(slot.source, slot.value, slot.first + k, turnaround=self.turnaround)
                if there is None or slot.leaves(k) < there:
                    yield f"R2: vector {k} of {slot} leaves at {slot.leaves(k)}, it is there at {there}"

    def r2_sums(self) -> Iterator[str]:
        """R2: a sum starts after its operands were produced or read on its node."""
        for total in self.sums:
            for value, first in total.operands:
                for k in range(first, first + total.vectors):
                    there = self.there(total.node, value, k, turnaround=0)
                    if there is None or total.start < there:
                        yield f"R2: {total} starts without vector {k} of value {value}, which is there at {there}"

    def r3_received(self) -> Iterator[str]:
        """R3: a node reads a vector once, not where it was made, and only to use, sum or send it on."""
        for (node, value, k), reads in self.received.items():
            what = f"vector {k} of value {value} on node {node}"
            if len(reads) > 1:
                yield f"R3: {what} is received {len(reads)} times"
            if self.values[value].node == node:
                yield f"R3: {what} is received where it was made"
            if (node, value, k) not in self.ends_here and (node, value, k) not in self.sent_on:
                yield f"R3: {what} is received and not used"

    def r3_delivered(self) -> Iterator[str]:
        """R3, R5: what operators read is exactly what they must, each summand once."""
        delivered = Counter(
            (read.operator, self.values[read.value].offset + k, tuple(sorted(self.leaves(read.value, k).elements())))
            for read in self.reads
            for k in range(read.first, read.first + read.vectors)
        )
        demanded = Counter(self.demanded())
        for operator, vector, leaves in demanded - delivered:
            yield f"R3: operator {operator} does not read vector {vector} of {leaves}"
        for operator, vector, leaves in delivered - demanded:
            yield f"R3: operator {operator} reads vector {vector} of {leaves} in vain"

    def last_read(self, operator: int) -> Fraction | None:
        """Return when an operator has all that it reads; None if something never comes."""
        node, last = self.operator_node[operator], Fraction(0)
        for read in self.reads_of_operator[operator]:
            for k in range(read.first, read.first + read.vectors):
                there = self.there(node, read.value, k, turnaround=0)
                if there is None:
                    return None
                last = max(last, there)
        return last

    @cached_property
    def reads_of_operator(self) -> dict[int, list[Read]]:
        """What each operator reads."""
        found: dict[int, list[Read]] = defaultdict(list)
        for read in self.reads:
            found[read.operator].append(read)
        return found

    def r3_operands(self) -> Iterator[str]:
        """R3: an operator starts after all that it reads was read or made on its node."""
        for operator, start in enumerate(self.starts):
            last = self.last_read(operator)
            if last is None or start < last:
                yield f"R3: operator {operator} starts at {start}, it has all that it reads at {last}"

    def units(self) -> Iterator[tuple[tuple[int, int], int, int]]:
        """Yield node and unit, start and cycles of what operators hold."""
        return iter(())

    def r4_operators(self) -> Iterator[str]:
        """R4: a unit does one thing at a time, and a sum takes as long as the chip takes for it."""
        busy: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for unit, start, cycles in self.units():
            busy[unit].append((start, cycles))
        for total in self.sums:
            cycles = self._sum_cycles(len(total.operands), total.vectors)
            if total.cycles != cycles:
                yield f"R4: {total} takes {cycles} cycles"
            busy[total.node, VECTOR].append((total.start, total.cycles))
        for unit, intervals in busy.items():
            for cycle in self.overlaps(intervals):
                yield f"R4: (node, unit) {unit} does two things at {cycle}"

    def _sum_cycles(self, operands: int, vectors: int) -> int:
        cost = self.add_cost
        if not cost.operations_per_cycle:
            return 0
        sram = Fraction((operands + 1) * vectors * cost.vector_bytes, cost.sram_bytes_per_cycle)
        arithmetic = Fraction((operands - 1) * vectors * cost.elements_per_vector, cost.operations_per_cycle)
        return max(0, max(ceil(sram), ceil(arithmetic)) + cost.fixed_cycles - cost.cycles_in_hop)

    def r5_sums(self) -> Iterator[str]:
        """R5: sums add equal runs; `complete` says of each whether all summands are in it once; each is used."""
        used = self.ends_here | self.sent_on
        for total in self.sums:
            if len(total.operands) < 2:
                yield f"R5: {total} adds fewer than two operands"
            for value, first in total.operands:
                if self.values[value].offset + first != self.offset(total):
                    yield f"R5: {total} adds another run, from {first} on of {self.values[value]}"
            complete = Counter(self.summands(total.piece))
            for k in range(total.vectors):
                leaves = self.leaves(total.value, k)
                if max(leaves.values(), default=0) > 1:
                    yield f"R5: vector {k} of {total} has a summand twice: {leaves}"
                if (leaves == complete) != total.complete:
                    yield f"R5: vector {k} of {total} is {leaves}"
                if (total.node, total.value, k) not in used:
                    yield f"R5: vector {k} of {total} is not used"

    def leaves(self, value: int, k: int, above: tuple[int, ...] = ()) -> Counter[int]:
        """Return how often each operator's result enters vector k of a value; a sum that enters itself counts as -1."""
        if value < len(self.starts):
            return Counter([value])
        if value in above:
            return Counter([-1, -1])
        leaves: Counter[int] = Counter()
        for operand, first in self.sums[value - len(self.starts)].operands:
            leaves += self.leaves(operand, first + k, (*above, value))
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
        inject, eject = self.limits()
        for what, counts, limit in (("begin", begin, inject), ("end", end, eject)):
            for (node, cycle), count in counts.items():
                if limit and count > limit:
                    yield f"R7: {count} vectors {what} at node {node} in cycle {cycle}"

    def _cycle(self, time: Fraction) -> int:
        return floor(time) % self.period if self.period else floor(time)

    def overlaps(self, intervals: Iterable[tuple[int, int]]) -> Iterator[int]:
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

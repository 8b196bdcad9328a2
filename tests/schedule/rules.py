"""What the plain judge asks of a schedule of a layer."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from tests.schedule.judge import VECTOR, Judge
from tests.schedule.rows import Value, Wire, cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from tests.schedule.judge import Wanted
    from tests.schedule.rows import Sum

MATRIX = 0


def violations(instance: Instance, schedule: Schedule) -> list[str]:
    """Return what is wrong with a schedule, each with the number of its rule; empty when all rules are kept."""
    return list(_Judge(instance, schedule).all())


def wires_of(instance: Instance) -> Iterator[Wire]:
    """Yield the bundles of an instance: read >= ceil(depart + v + latency + guard)."""
    times = instance.network.pitch_numerator, instance.network.pitch_denominator
    ends = instance.network.source, instance.network.destination, instance.network.lanes
    for *row, numerator, denominator, latency, guard in cells(
        *ends, *times, instance.network.latency_cycles, instance.network.guard_cycles
    ):
        v = Fraction(numerator, denominator)
        yield Wire(*row, ceil(v + latency + guard), v)


class _Judge(Judge):
    """Operators of the layer; demands lie in the results of their makers behind what was demanded of these before."""

    def __init__(self, instance: Instance, schedule: Schedule) -> None:
        self.instance = instance
        made: dict[int, int] = {}
        self.first: list[int] = []
        for demand, vectors in enumerate(instance.demand_vectors.tolist()):
            makers = instance.demand_leaf_operators[demand].tolist()
            self.first.append(max(made.get(maker, 0) for maker in makers))
            made |= dict.fromkeys(makers, self.first[-1] + vectors)
        self.made = made
        super().__init__(
            schedule,
            list(wires_of(instance)),
            chips=instance.network.chips,
            turnaround=instance.network.turnaround_cycles,
            add_cost=instance.add_cost,
            operator_node=instance.operator_node.tolist(),
            operator_cycles=instance.operator_cycles.tolist(),
        )

    def results(self) -> list[Value]:
        """Return what operators leave, one each."""
        rows = zip(self.operator_node, self.starts, self.operator_cycles, strict=True)
        return [Value(0, self.made.get(number, 0), node, s + c) for number, (node, s, c) in enumerate(rows)]

    def offset(self, total: Sum) -> int:
        """Return where in the results of its makers a sum begins."""
        return self.first[total.piece] + total.first

    def summands(self, piece: int) -> list[int]:
        """Return the makers of a demand."""
        return [int(maker) for maker in self.instance.demand_leaf_operators[piece]]

    def demanded(self) -> Iterator[Wanted]:
        """Yield each vector of each demand of each operator."""
        for operator in range(self.instance.operators):
            for demand in self.instance.operator_demands[operator].tolist():
                for vector in range(int(self.instance.demand_vectors[demand])):
                    yield operator, self.first[demand] + vector, tuple(sorted(self.summands(demand)))

    def r3_operands(self) -> Iterator[str]:
        """R3: an operator starts after its predecessors, too. R9: nothing starts during the opening deskew."""
        yield from super().r3_operands()
        for operator, start in enumerate(self.starts):
            for other in self.instance.operator_after[operator].tolist():
                if start < self.values[other].ready:
                    yield f"R3: operator {operator} starts before operator {other} has ended"
        times = [*self.starts, *(slot.depart for slot in self.slots), *(total.start for total in self.sums)]
        if min(times, default=self.instance.release_cycles) < self.instance.release_cycles:
            yield f"R9: something starts at {min(times)}, before {self.instance.release_cycles}"
        for begin, stall in self.instance.deskews:
            yield from self.r9_within(begin, begin + stall)

    def r9_within(self, begin: int, end: int) -> Iterator[str]:
        """R9: nothing departs, is read at a chip or runs in a deskew."""
        for slot in self.slots:
            for k in range(slot.vectors):
                times = [slot.leaves(k), *([slot.read(k)] if slot.destination < self.instance.network.chips else [])]
                if any(begin <= time < end for time in times):
                    yield f"R9: vector {k} of {slot} departs or is read within [{begin}, {end})"
                if len(times) == 2 and times[0] < begin <= times[1]:
                    yield f"R8: vector {k} of {slot} flies across [{begin}, {end}) with the guard of one alignment"
        runs = [
            *zip(self.starts, self.operator_cycles, strict=True),
            *((total.start, total.cycles) for total in self.sums),
        ]
        for start, cycles in runs:
            if cycles and start < end and begin < start + cycles:
                yield f"R9: something runs during [{start}, {start + cycles}), within [{begin}, {end})"

    def units(self) -> Iterator[tuple[tuple[int, int], int, int]]:
        """Yield what operators hold; what takes no time is in nobody's way."""
        for operator, unit in enumerate(self.instance.operator_unit.tolist()):
            if unit in (MATRIX, VECTOR):
                yield (self.operator_node[operator], unit), self.starts[operator], self.operator_cycles[operator]

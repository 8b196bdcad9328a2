"""What the plain judge asks of a schedule of a collective."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from tests.schedule.judge import Judge
from tests.schedule.rows import Value, Wire, cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from tests.schedule.judge import Wanted
    from tests.schedule.rows import Sum

EVERY = -2


def broken_rules(problem: Instance, schedule: Schedule) -> list[str]:
    """Return what is wrong with a schedule, each with the number of its rule; empty when all rules are kept."""
    return list(_Judge(problem, schedule).all())


def wires_of(problem: Instance) -> Iterator[Wire]:
    """Yield the bundles of a collective."""
    ends = problem.network.source, problem.network.destination, problem.network.lanes, problem.network.hop_cycles
    for *row, numerator, denominator in cells(
        *ends, problem.network.pitch_numerator, problem.network.pitch_denominator
    ):
        yield Wire(*row, Fraction(numerator, denominator))


class _Judge(Judge):
    """Operators are a source and then a reader on each chip that takes part."""

    def __init__(self, problem: Instance, schedule: Schedule) -> None:
        self.problem, self.collective = problem, problem.stage
        super().__init__(
            schedule,
            list(wires_of(problem)),
            chips=problem.network.nodes,
            turnaround=problem.network.turnaround_cycles,
            add_cost=problem.add_cost,
            operator_node=[*range(problem.network.width), *range(problem.network.width)],
            operator_cycles=[0] * (2 * problem.network.width),
        )

    def limits(self) -> tuple[int, int]:
        """Return the limits of ports."""
        return self.problem.network.inject_per_cycle, self.problem.network.eject_per_cycle

    def results(self) -> list[Value]:
        """Return what chips hold at first, by chip, then nothing."""
        width = self.collective.width
        held = {}
        for tensor in self.collective.tensors:
            share = tensor.vectors // width if tensor.layout == "sharded" else tensor.vectors
            for shard in range(width) if tensor.layout != "single" else [tensor.shard]:
                held[shard] = (shard * share if tensor.layout == "sharded" else 0), share
        values = [Value(*held.get(shard, (0, 0)), shard, self.starts[shard]) for shard in range(width)]
        return values + [Value(0, 0, shard, 0) for shard in range(width)]

    def offset(self, total: Sum) -> int:
        """Return the first vector of the tensor that is summed."""
        return total.first

    def summands(self, piece: int) -> list[int]:
        """Return all chips."""
        return list(range(self.collective.width)) if self.collective.is_sum else []

    def demanded(self) -> Iterator[Wanted]:
        """Yield all that is read in the end, what stays where it is included."""
        pieces, everyone = self.collective.pieces(), range(self.collective.width)
        rows = cells(pieces.source, pieces.target, pieces.first_vector, pieces.vectors)
        for source, target, first, vectors in rows:
            for node in everyone if target == EVERY else (target,):
                for vector in range(first, first + vectors):
                    yield self.collective.width + node, vector, tuple(everyone) if source == EVERY else (source,)

    def r3_operands(self) -> Iterator[str]:
        """R3: a reader starts when it has all that it reads, no sooner and no later."""
        yield from super().r3_operands()
        width = self.collective.width
        for operator in range(width, 2 * width):
            last = self.last_read(operator)
            if last is not None and self.starts[operator] > max(ceil(last), self.starts[operator - width]):
                yield f"R3: operator {operator} starts at {self.starts[operator]}, it has all that it reads at {last}"

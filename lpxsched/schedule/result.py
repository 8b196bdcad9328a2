"""What solvers return: a schedule in columns, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.times.placement import Placement

Status = Literal["optimal", "feasible"]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums in columns; a sum adds runs of equal length of several values.

    Attributes
    ----------
    node, start, cycles : shape (sums,)
        Where, from which cycle on and for how many the vector unit is held.
    piece, first, vectors : shape (sums,)
        The run, counted within a demand of a layer, a tensor of a collective; `complete` where all summands are in.
    operand_sum, operand_value, operand_first : shape (operands,)
        Sorted by sum: the value, and where in it the run begins.
    """

    node: Integers
    start: Integers
    cycles: Integers
    piece: Integers
    first: Integers
    vectors: Integers
    complete: Flags
    operand_sum: Integers
    operand_value: Integers
    operand_first: Integers

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True, slots=True, eq=False)
class HostFlags:
    """Flags of hosts on their way to all chips that poll, one vector a slot, which is read as early as its wire allows.

    Columns are of shape (slots,), hosts numbered in the order of the network's. At `branch_cycles` chips have read all
    flags, and decide; from `void_cycles` on nothing happens of a pass without all of them.
    """

    host: Integers
    bundle: Integers
    lane: Integers
    depart: Integers
    branch_cycles: int
    void_cycles: int

    def later(self, cycles: int) -> HostFlags:
        """Return the same flags some cycles later."""
        return replace(
            self,
            depart=self.depart + cycles,
            branch_cycles=self.branch_cycles + cycles,
            void_cycles=self.void_cycles + cycles,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """A schedule of a layer or of a collective.

    The operators of a collective are a source at each chip that takes part, which leaves what the chip holds at first,
    then a reader at each, which starts when the chip has all that it reads. Values are numbered: first the results of
    operators, one each, then those of sums, in their order. Times are cycles from the segment's zero.

    Attributes
    ----------
    makespan_cycles, period_cycles : int
        Start of the last operator; 0 for what runs once, else every row repeats with this period.
    operator_start : shape (operators,)
    slot_value, slot_first, slot_vectors, slot_bundle, slot_lane, slot_depart : shape (slots,)
        A run, counted within its value, over a lane of a bundle; it is read as early as its wire allows.
    read_operator, read_value, read_first, read_vectors : shape (reads,)
        What operators read of what moves or is summed, sorted.
    flags : HostFlags or None
        Of hosts whose chips poll.
    """

    makespan_cycles: int
    period_cycles: int
    operator_start: Integers
    slot_value: Integers
    slot_first: Integers
    slot_vectors: Integers
    slot_bundle: Integers
    slot_lane: Integers
    slot_depart: Integers
    sums: Sums
    read_operator: Integers
    read_value: Integers
    read_first: Integers
    read_vectors: Integers
    flags: HostFlags | None = None

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.slot_value)

    @property
    def operators(self) -> int:
        """Number of operators; what a sum leaves is numbered from here on."""
        return len(self.operator_start)

    def later(self, cycles: int) -> Schedule:
        """Return the same schedule some cycles later, the makespan included."""
        if not cycles:
            return self
        return replace(
            self,
            makespan_cycles=self.makespan_cycles + cycles,
            operator_start=self.operator_start + cycles,
            slot_depart=self.slot_depart + cycles,
            sums=replace(self.sums, start=self.sums.start + cycles),
            flags=self.flags and self.flags.later(cycles),
        )


@dataclass(frozen=True, slots=True)
class LowerBound:
    """No schedule is shorter; the name is of the bound that binds."""

    cycles: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A schedule, the solver that found it, and a bound: of the makespan, of the period for a repeating timetable."""

    schedule: Schedule
    bound: LowerBound
    solver: str

    def later(self, cycles: int) -> Result:
        """Return a result in which everything happens some cycles later, makespan and bound included."""
        bound = replace(self.bound, cycles=self.bound.cycles + cycles)
        return replace(self, schedule=self.schedule.later(cycles), bound=bound)

    @property
    def makespan_cycles(self) -> int:
        """Length of the schedule."""
        return self.schedule.makespan_cycles

    @property
    def objective_cycles(self) -> int:
        """What was made short: the period of a repeating timetable, else the makespan."""
        return self.schedule.period_cycles or self.schedule.makespan_cycles

    @property
    def gap(self) -> Fraction:
        """Objective over lower bound, at least 1."""
        return Fraction(max(1, self.objective_cycles), max(1, self.bound.cycles))

    @property
    def status(self) -> Status:
        """``optimal`` only when a bound of the full problem is met."""
        return "optimal" if self.objective_cycles == self.bound.cycles else "feasible"


Problem = TypeVar("Problem", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Found(Generic[Problem]):
    """A plan of representatives and its times, and whether CP-SAT chose its ways."""

    problem: Problem
    plan: Plan
    placement: Placement
    is_modelled: bool = False

    @property
    def quality(self) -> tuple[int, int, int]:
        """Objective, then makespan, then number of slots: less is better."""
        return self.objective_cycles, self.placement.makespan_cycles, self.plan.slots

    @property
    def objective_cycles(self) -> int:
        """The period of what repeats, else the makespan."""
        return self.placement.period_cycles or self.placement.makespan_cycles

"""What the solvers of collectives return: every slot on its lane, every sum, and who reads what in the end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lpxsched.schedule.result import LowerBound

Status = Literal["optimal", "feasible"]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums in columns; a sum adds runs of equal length of several values.

    Attributes
    ----------
    node, start, cycles : ndarray of int64, shape (sums,)
        Where, when, how long the vector unit is held.
    offset, vectors : ndarray of int64, shape (sums,)
        The run of the tensor of the collective that is summed.
    complete : ndarray of bool, shape (sums,)
        Whether all summands are in.
    operand_sum, operand_value, operand_first : ndarray of int64, shape (operands,)
        Operands, sorted by sum: the value, and where in that value the run begins.
    """

    node: NDArray[np.int64]
    start: NDArray[np.int64]
    cycles: NDArray[np.int64]
    offset: NDArray[np.int64]
    vectors: NDArray[np.int64]
    complete: NDArray[np.bool_]
    operand_sum: NDArray[np.int64]
    operand_value: NDArray[np.int64]
    operand_first: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True, slots=True, eq=False)
class TransferSchedule:
    """A schedule of a collective.

    Values are numbered: first what chips hold at first, one value for each tensor and each shard that holds vectors of
    it, by tensor and then shard (`source_values`); then the results of sums, in their order.

    Attributes
    ----------
    makespan_cycles : int
        The last read of anyone, or the end of the last sum.
    period_cycles : int
        0 for a timetable that runs once; else every row repeats with this period.
    slot_value, slot_first, slot_vectors : ndarray of int64, shape (slots,)
        The run that travels, counted within its value.
    slot_bundle, slot_lane, slot_depart : ndarray of int64, shape (slots,)
        Where and when. A slot is read as early as its wire allows.
    sums : Sums
    delivery_node, delivery_value, delivery_first, delivery_vectors : ndarray of int64, shape (deliveries,)
        What each chip reads in the end.
    """

    makespan_cycles: int
    period_cycles: int
    slot_value: NDArray[np.int64]
    slot_first: NDArray[np.int64]
    slot_vectors: NDArray[np.int64]
    slot_bundle: NDArray[np.int64]
    slot_lane: NDArray[np.int64]
    slot_depart: NDArray[np.int64]
    sums: Sums
    delivery_node: NDArray[np.int64]
    delivery_value: NDArray[np.int64]
    delivery_first: NDArray[np.int64]
    delivery_vectors: NDArray[np.int64]

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.slot_value)

    @property
    def vector_hops(self) -> int:
        """Vectors summed over the slots that carry them."""
        return int(self.slot_vectors.sum())


@dataclass(frozen=True, slots=True, eq=False)
class TransferResult:
    """A schedule and what is proven of it.

    Attributes
    ----------
    schedule : TransferSchedule
    bound : LowerBound
        Of the makespan; of the period for a repeating timetable.
    solver : str
        The solver that found the schedule.
    """

    schedule: TransferSchedule
    bound: LowerBound
    solver: str

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

"""What a solver returns: a schedule in columns, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lpxsched.schedule.routes.blocks import Blocks

Status = Literal["optimal", "feasible"]

SUMMING, SPREADING = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """When every block leaves on which bundle, when sums are made, when operators start.

    Attributes
    ----------
    blocks : Blocks
    slot_block, slot_phase, slot_bundle, slot_depart : ndarray of int64, shape (slots,)
        A block on its way to the root as a summand (phase `SUMMING`) or from the root to consumers (`SPREADING`).
        A slot is read as early as its wire allows.
    sum_block, sum_node, sum_operands, sum_start : ndarray of int64, shape (sums,)
        Sums of a block at a node: of the node's own summand, if it has one, and of those that arrive there.
    operator_start : ndarray of int64, shape (operators,)
    """

    blocks: Blocks
    slot_block: NDArray[np.int64]
    slot_phase: NDArray[np.int64]
    slot_bundle: NDArray[np.int64]
    slot_depart: NDArray[np.int64]
    sum_block: NDArray[np.int64]
    sum_node: NDArray[np.int64]
    sum_operands: NDArray[np.int64]
    sum_start: NDArray[np.int64]
    operator_start: NDArray[np.int64]

    @staticmethod
    def of_rows(
        blocks: Blocks, slots: NDArray[np.int64], sums: NDArray[np.int64], operator_start: NDArray[np.int64]
    ) -> Schedule:
        """Return a schedule from rows: (block, phase, bundle, depart) and (block, node, operands, start)."""
        slot_block, slot_phase, slot_bundle, slot_depart = slots.reshape(-1, 4).T.copy()
        sum_block, sum_node, sum_operands, sum_start = sums.reshape(-1, 4).T.copy()
        return Schedule(
            blocks,
            slot_block,
            slot_phase,
            slot_bundle,
            slot_depart,
            sum_block,
            sum_node,
            sum_operands,
            sum_start,
            operator_start,
        )

    @property
    def makespan_cycles(self) -> int:
        """Start of the last operator."""
        return int(self.operator_start.max(initial=0))

    @property
    def vector_hops(self) -> int:
        """Vectors summed over the slots that carry them."""
        return int(self.blocks.vectors[self.slot_block].sum())


@dataclass(frozen=True, slots=True)
class LowerBound:
    """No schedule is shorter.

    Attributes
    ----------
    cycles : int
    name : str
        The bound that binds.
    """

    cycles: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class SolveResult:
    """A schedule and what is proven of it.

    Attributes
    ----------
    schedule : Schedule
    bound : LowerBound
    solver : str
        The solver that found the schedule.
    """

    schedule: Schedule
    bound: LowerBound
    solver: str

    @property
    def makespan_cycles(self) -> int:
        """Length of the schedule."""
        return self.schedule.makespan_cycles

    @property
    def gap(self) -> Fraction:
        """Makespan over lower bound, at least 1."""
        return Fraction(max(1, self.makespan_cycles), max(1, self.bound.cycles))

    @property
    def status(self) -> Status:
        """``optimal`` only when the makespan meets a bound of the full problem."""
        return "optimal" if self.makespan_cycles == self.bound.cycles else "feasible"

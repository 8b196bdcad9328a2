"""What stages do in turn, cut at all vectors at which anything begins or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.traffic.collectives import source_offsets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.traffic.collectives import Collective


class CellSlots(NamedTuple):
    """Slots in cells; `start` is when each begins, `end` when its first vector is read."""

    value: Integers
    cell: Integers
    bundle: Integers
    start: Integers
    end: Integers


class CellSums(NamedTuple):
    """Sums in cells."""

    value: Integers
    cell: Integers
    node: Integers
    start: Integers


class CellOperands(NamedTuple):
    """Operands in cells, by the value of their sum."""

    reader: Integers
    cell: Integers
    value: Integers


class Cells(NamedTuple):
    """What stages do, cut at all vectors at which anything begins or ends; between two of them lies a cell.

    Values are numbered: what nodes hold at first by node, then sums. `held` is what each node has in the end of each
    cell, shape (nodes, cells).
    """

    slots: CellSlots
    sums: CellSums
    operands: CellOperands
    held: Integers


def cells_between(cuts: Integers, low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Return the row and the cell of each part of some runs that begin and end at cuts."""
    first, last = np.searchsorted(cuts, [low, high])
    row, place = row_and_place(last - first)
    return row, first[row] + place


class _Stage(NamedTuple):
    """A stage to be cut: where in the tensor values begin, what nodes hold before it, its first sum, when it begins."""

    schedule: Schedule
    first: Integers
    held: Integers
    sums: int
    begin: int

    def cut(self, cuts: Integers, value: Integers, within: Integers, vectors: Integers) -> tuple[Integers, ...]:
        """Return the row, cell and value of each part of some runs of values."""
        first = self.first[value] + within
        row, cell = cells_between(cuts, *np.minimum([first, first + vectors], cuts[-1]))
        value, operators = value[row], self.schedule.operators
        held = self.held[np.where(value < operators, value, 0), cell]
        return row, cell, np.where(value < operators, held, value - operators + self.sums)

    def in_cells(self, network: Network, cuts: Integers) -> Cells:
        """Return all that the stage does, and what nodes hold after it."""
        schedule, sums = self.schedule, self.schedule.sums
        row, cell, value = self.cut(cuts, schedule.slot_value, schedule.slot_first, schedule.slot_vectors)
        bundle, start = schedule.slot_bundle[row], schedule.slot_depart[row] + self.begin
        slots = CellSlots(value, cell, bundle, start, start + network.hop_cycles[bundle])
        number = schedule.operators + np.arange(len(sums))
        row, cell, value = self.cut(cuts, number, 0 * number, sums.vectors)
        added = CellSums(value, cell, sums.node[row], sums.start[row] + self.begin)
        row, cell, value = self.cut(cuts, sums.operand_value, sums.operand_first, sums.vectors[sums.operand_sum])
        operands = CellOperands(sums.operand_sum[row] + self.sums, cell, value)
        row, cell, value = self.cut(cuts, schedule.read_value, schedule.read_first, schedule.read_vectors)
        held = self.held.copy()
        held[schedule.read_operator[row] - network.width, cell] = value
        return Cells(slots, added, operands, held)


def cuts_of(problem: Quotient, stages: Sequence[tuple[Collective, Schedule]]) -> Integers:
    """Return the vectors at which anything begins or ends; between two of them lies a cell."""
    pieces = problem.instance.stage.pieces()
    last, ends = int((pieces.first_vector + pieces.vectors).max()), [problem.flow.first_vector]
    for stage, schedule in stages:
        first = first_of(stage, schedule)
        for value, within, vectors in (
            (schedule.slot_value, schedule.slot_first, schedule.slot_vectors),
            (schedule.read_value, schedule.read_first, schedule.read_vectors),
        ):
            ends += [first[value] + within, first[value] + within + vectors]
    return np.unique(np.minimum(np.concatenate(ends), last))


def first_of(stage: Collective, schedule: Schedule) -> Integers:
    """Return where in the tensor each value of a schedule begins."""
    return np.append(source_offsets(stage, schedule.operators), schedule.sums.first)


def in_cells_in_turn(network: Network, stages: Sequence[tuple[Collective, Schedule]], cuts: Integers) -> Cells:
    """Return all that stages do; what a chip holds before one of them is what it has read in the one before."""
    every, begin = list[Cells](), 0
    held, sums = np.repeat(np.arange(network.nodes)[:, None], len(cuts) - 1, axis=1), network.nodes
    for stage, schedule in stages:
        every.append(_Stage(schedule, first_of(stage, schedule), held, sums, begin).in_cells(network, cuts))
        held, sums, begin = every[-1].held, sums + len(schedule.sums), begin + schedule.makespan_cycles
    slots, added, operands = (
        [np.concatenate(rows) for rows in zip(*parts, strict=True)] for parts in list(zip(*every, strict=True))[:3]
    )
    return Cells(CellSlots(*slots), CellSums(*added), CellOperands(*operands), held)


def copied(cells: Cells, holder: Integers) -> Cells:
    """Return copies alone, given who holds each cell: a sum is what its one operand is that is held at all."""
    every = np.arange(len(holder))
    brings = np.zeros((max(len(cells.held), int(cells.sums.value.max(initial=0)) + 1), len(holder)), dtype=np.bool_)
    brings[holder, every] = True
    reader, cell, value = cells.operands
    while (more := brings[value, cell] & ~brings[reader, cell]).any():
        brings[reader[more], cell[more]] = True
    rows = brings[cells.slots.value, cells.slots.cell]
    slots = CellSlots(*(column[rows] for column in cells.slots))
    none = np.zeros(0, dtype=np.int64)
    return Cells(
        slots._replace(value=holder[slots.cell]),
        CellSums(none, none, none, none),
        CellOperands(none, none, none),
        np.broadcast_to(holder, cells.held.shape),
    )

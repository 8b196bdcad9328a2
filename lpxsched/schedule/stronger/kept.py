"""A collective made of stronger ones in turn, without what it does not need, and placed anew.

What stages do in turn is cut at all vectors at which anything begins or ends; a cell lies between two of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.parts import followed, pruned
from lpxsched.schedule.plan import Plan, deliveries, no_operands
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.list_plan import carried, known_by, needed
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import Blocks, flow_of, quotient
from lpxsched.schedule.times.modulo import settled
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import EVERY, Collective, source_offsets
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.quotient import Quotient


def kept(
    problem: Instance, stages: Sequence[tuple[Collective, Schedule]], *, enough: int, cyclic: bool
) -> Found[Quotient]:
    """Return a collective made of stronger ones in turn: as they are, without what it does not need, and placed anew.

    It is no longer than they are and a turnaround between them, which what was read or added pays before it leaves,
    unless sums or slots are cut: two sums take more than one of as many vectors, and two slots of a fractional pitch
    may take a cycle more.

    Stages are on the same network, from `stronger`; it repeats where they do (`cyclic`). Nothing is looked for below
    `enough`.
    """
    halves = len(stages) > 1 and problem.stage.is_sum and _sums_at_readers(stages[0][1])
    # In halves one share a chip, as stages have them: the last may be of nothing.
    whole = quotient(problem, flow_of(problem.stage, padded=halves), trivial(problem.network))
    plan, start = _in_halves(whole, stages) if halves else _planned(whole, stages, _cuts_of(whole, stages))
    in_time = np.argsort(start, kind="stable")
    placement = settled(plan_tasks(whole, plan), in_time, enough=enough, cyclic=cyclic)
    # None comes only of what is not below a period.
    assert placement is not None
    return Found(whole, plan, placement)


def _sums_at_readers(schedule: Schedule) -> bool:
    """Return whether every reader itself makes the sums that it reads."""
    total = schedule.read_value - schedule.operators
    at = np.append(schedule.sums.node, NONE)[np.maximum(total, NONE)]
    return bool((at == schedule.read_operator - schedule.operators // 2).all())


def _in_halves(problem: Quotient, stages: Sequence[tuple[Collective, Schedule]]) -> tuple[Plan, Integers]:
    """Return the plan of sums and then copies of them, which may go in more parts than what was summed."""
    rows, cuts = [], np.zeros(0, dtype=np.int64)
    for stage, schedule in stages:
        of_stage = stage_instance(problem.network, stage, problem.add_cost)
        half = quotient(of_stage, flow_of(stage, padded=False), problem.symmetry)
        cuts = np.union1d(cuts, _cuts_of(half, [(stage, schedule)]))
        plan, start = _planned(half, [(stage, schedule)], cuts)
        begin = half.flow.first_vector[plan.blocks.piece] + plan.blocks.first_vector
        rows.append((plan, start, begin, plan.blocks.vectors))
    (sums, first, *runs), (copies, later, *more) = rows
    blocks = _blocks(problem, *(np.append(*columns) for columns in zip(runs, more, strict=True)))
    later = later + stages[0][1].makespan_cycles
    return followed(sums, copies, blocks), np.concatenate([first[: sums.slots], later, first[sums.slots :]])


def _blocks(problem: Quotient, begin: Integers, vectors: Integers) -> Blocks:
    """Return runs of the tensor as blocks."""
    flow, pieces = problem.flow, problem.instance.stage.pieces()
    of_flow, of_piece = (
        np.searchsorted(first, begin, side="right") - 1 for first in (flow.first_vector, pieces.first_vector)
    )
    target = pieces.target[of_piece]
    return Blocks(of_flow, begin - flow.first_vector[of_flow], vectors, flow.source[of_flow], target)


def _planned(problem: Quotient, stages: Sequence[tuple[Collective, Schedule]], cuts: Integers) -> tuple[Plan, Integers]:
    """Return the plan of what is needed, and when in the stages its slots and sums begin."""
    cells, pieces = _in_cells_in_turn(problem.network, stages, cuts), problem.instance.stage.pieces()
    if not problem.instance.stage.is_sum:
        holder = pieces.source[np.searchsorted(pieces.first_vector, cuts[:-1], side="right") - 1]
        cells = _copied(cells, holder)
    plan, start = _connected(problem.network, cells, _blocks(problem, cuts[:-1], np.diff(cuts)))
    plan, rows = pruned(plan, deliveries(problem.wires, plan))
    return plan, start[rows]


def _cuts_of(problem: Quotient, stages: Sequence[tuple[Collective, Schedule]]) -> Integers:
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


class _CellSlots(NamedTuple):
    """Slots in cells; `start` is when each begins, `end` when its first vector is read."""

    value: Integers
    cell: Integers
    bundle: Integers
    start: Integers
    end: Integers


class _CellSums(NamedTuple):
    """Sums in cells."""

    value: Integers
    cell: Integers
    node: Integers
    start: Integers


class _CellOperands(NamedTuple):
    """Operands in cells, by the value of their sum."""

    reader: Integers
    cell: Integers
    value: Integers


class _Cells(NamedTuple):
    """What stages do, cut at all vectors at which anything begins or ends; between two of them lies a cell.

    Values are numbered: what nodes hold at first by node, then sums. `held` is what each node has in the end of each
    cell, shape (nodes, cells).
    """

    slots: _CellSlots
    sums: _CellSums
    operands: _CellOperands
    held: Integers


def _in_cells_in_turn(network: Network, stages: Sequence[tuple[Collective, Schedule]], cuts: Integers) -> _Cells:
    """Return all that stages do; what a chip holds before one of them is what it has read in the one before."""
    every, begin = list[_Cells](), 0
    held, sums = np.repeat(np.arange(network.nodes)[:, None], len(cuts) - 1, axis=1), network.nodes
    for stage, schedule in stages:
        every.append(_InTurn(schedule, first_of(stage, schedule), held, sums, begin).in_cells(network, cuts))
        held, sums, begin = every[-1].held, sums + len(schedule.sums), begin + schedule.makespan_cycles
    slots, added, operands = (
        [np.concatenate(rows) for rows in zip(*parts, strict=True)] for parts in list(zip(*every, strict=True))[:3]
    )
    return _Cells(_CellSlots(*slots), _CellSums(*added), _CellOperands(*operands), held)


class _InTurn(NamedTuple):
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

    def in_cells(self, network: Network, cuts: Integers) -> _Cells:
        """Return all that the stage does, and what nodes hold after it."""
        schedule, sums = self.schedule, self.schedule.sums
        row, cell, value = self.cut(cuts, schedule.slot_value, schedule.slot_first, schedule.slot_vectors)
        bundle, start = schedule.slot_bundle[row], schedule.slot_depart[row] + self.begin
        slots = _CellSlots(value, cell, bundle, start, start + network.hop_cycles[bundle])
        number = schedule.operators + np.arange(len(sums))
        row, cell, value = self.cut(cuts, number, 0 * number, sums.vectors)
        added = _CellSums(value, cell, sums.node[row], sums.start[row] + self.begin)
        row, cell, value = self.cut(cuts, sums.operand_value, sums.operand_first, sums.vectors[sums.operand_sum])
        operands = _CellOperands(sums.operand_sum[row] + self.sums, cell, value)
        row, cell, value = self.cut(cuts, schedule.read_value, schedule.read_first, schedule.read_vectors)
        held = self.held.copy()
        held[schedule.read_operator[row] - network.width, cell] = value
        return _Cells(slots, added, operands, held)


def cells_between(cuts: Integers, low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Return the row and the cell of each part of some runs that begin and end at cuts."""
    first, last = np.searchsorted(cuts, [low, high])
    row, place = row_and_place(last - first)
    return row, first[row] + place


def _copied(cells: _Cells, holder: Integers) -> _Cells:
    """Return copies alone, given who holds each cell: a sum is what its one operand is that is held at all."""
    every = np.arange(len(holder))
    brings = np.zeros((max(len(cells.held), int(cells.sums.value.max(initial=0)) + 1), len(holder)), dtype=np.bool_)
    brings[holder, every] = True
    reader, cell, value = cells.operands
    while (more := brings[value, cell] & ~brings[reader, cell]).any():
        brings[reader[more], cell[more]] = True
    rows = brings[cells.slots.value, cells.slots.cell]
    slots = _CellSlots(*(column[rows] for column in cells.slots))
    none = np.zeros(0, dtype=np.int64)
    return _Cells(
        slots._replace(value=holder[slots.cell]),
        _CellSums(none, none, none, none),
        _CellOperands(none, none, none),
        np.broadcast_to(holder, cells.held.shape),
    )


def _connected(network: Network, cells: _Cells, blocks: Blocks) -> tuple[Plan, Integers]:
    """Return the plan of all cells, a block each; of what a node makes or reads twice the first stays."""
    count, width = len(blocks), network.width
    slots, sums = cells.slots, cells.sums

    def key(value: Integers, cell: Integers, node: Integers) -> Integers:
        return np.asarray((value * count + cell) * network.nodes + node)

    first_read = np.argsort(slots.end, kind="stable")
    arrived = key(slots.value, slots.cell, network.destination[slots.bundle])
    rows = np.sort(first_read[np.unique(arrived[first_read], return_index=True)[1]])
    made = (slots.value == network.destination[slots.bundle]) | np.isin(arrived, key(*sums[:3]))
    rows = rows[~made[rows]]
    slots, arrived = _CellSlots(*(column[rows] for column in slots)), arrived[rows]
    node, cell = np.repeat(np.arange(width), count), np.tile(np.arange(count), width)
    index = known_by(arrived, key(*sums[:3]), key(node, cell, node), node)
    source = network.source[slots.bundle]
    loads = carried(index, key(slots.value, slots.cell, source), source)
    of_sum = sums.value * count + sums.cell
    reader = np.searchsorted(of_sum, cells.operands.reader * count + cells.operands.cell)
    order = np.argsort(reader, kind="stable")
    reader, cell, at = reader[order], cells.operands.cell[order], sums.node[reader[order]]
    added = key(cells.operands.value[order], cell, at)
    everyone = (blocks.target == EVERY) | (blocks.target == np.arange(width)[:, None])
    wanted = (cells.held[:width] * count + np.arange(count))[everyone]
    operands = needed(index, added, reader=reader, node=at, block=cell, slot_origin=loads[3])
    of_slots, of_sums = (slots.cell, slots.bundle, *loads), (sums.cell, sums.node, np.isin(of_sum, wanted))
    plan = Plan(blocks, *of_slots, *of_sums, operands=operands, reads=no_operands())
    return plan, np.append(slots.start, sums.start)

"""A collective made of stronger ones in turn, without what it does not need, and placed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.parts import followed, pruned
from lpxsched.schedule.plan import Plan, deliveries, no_operands
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.list_plan import carried, known_by, needed
from lpxsched.schedule.stronger.cells import Cells, CellSlots, copied, cuts_of, in_cells_in_turn
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import Blocks, flow_of, quotient
from lpxsched.schedule.times.modulo import settled
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import EVERY, Collective
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
    plan, start = _in_halves(whole, stages) if halves else _planned(whole, stages, cuts_of(whole, stages))
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
        cuts = np.union1d(cuts, cuts_of(half, [(stage, schedule)]))
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
    cells, pieces = in_cells_in_turn(problem.network, stages, cuts), problem.instance.stage.pieces()
    if not problem.instance.stage.is_sum:
        holder = pieces.source[np.searchsorted(pieces.first_vector, cuts[:-1], side="right") - 1]
        cells = copied(cells, holder)
    plan, start = _connected(problem.network, cells, _blocks(problem, cuts[:-1], np.diff(cuts)))
    plan, rows = pruned(plan, deliveries(problem.wires, plan))
    return plan, start[rows]


def _connected(network: Network, cells: Cells, blocks: Blocks) -> tuple[Plan, Integers]:
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
    slots, arrived = CellSlots(*(column[rows] for column in slots)), arrived[rows]
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
    plan = Plan(
        blocks,
        slots.cell,
        slots.bundle,
        *loads,
        sums.cell,
        sums.node,
        np.isin(of_sum, wanted),
        operands=needed(index, added, reader=reader, node=at, block=cell, slot_origin=loads[3]),
        reads=no_operands(),
    )
    return plan, np.append(slots.start, sums.start)

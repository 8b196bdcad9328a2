"""From the plan of representatives, with its times, to the schedule of the whole collective.

Every slot and every sum is moved by every element of the group. An element takes the slot's bundle, the piece that the
block is cut from, and the nodes at which values are made; the lane and the times stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.schedule.problem.instance import sum_cycles
from lpxsched.schedule.transfer_result import Sums, TransferSchedule
from lpxsched.traffic.collectives import EVERY, source_values
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.schedule.times.placement import Placement
    from lpxsched.traffic.collectives import SourceValues


Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

LARGEST_KEY = 2**62
# Keys for each row up to which rows are put in their places rather than sorted.
SPARSEST = 4
# Slots that are looked at together, so that what is found on the way stays in the cache.
SLOTS_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """All images of a plan, element by element.

    `tensor`, `first`, `vectors` of shape (order, blocks) tell the run of each image of a block, cut at the end of its
    tensor. `value_of` of shape (tensors, nodes) numbers what chips hold at first. `sum_number` of shape (order, sums)
    numbers the images of sums that add anything.
    """

    problem: Quotient
    plan: Plan
    tensor: NDArray[np.int64]
    first: NDArray[np.int64]
    vectors: NDArray[np.int64]
    values: SourceValues
    value_of: NDArray[np.int64]
    sum_number: NDArray[np.int64]

    def node(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the images of nodes, shape (order, ..)."""
        return self.problem.symmetry.node_map[:, nodes]

    def carried(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the value that images of slots carry, and where in it they begin; shape (order, slots)."""
        plan = self.plan
        if plan.sums:
            return self.value(plan.slot_block, plan.slot_sum, plan.slot_origin)
        # Without sums that is what the source of a block holds at first.
        held, first = self.held(np.arange(len(plan.blocks)), plan.blocks.source)
        return held[:, plan.slot_block], first[:, plan.slot_block]

    def held(self, block: NDArray[np.int64], node: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what a node holds at first of a block, and where in it the block begins."""
        at = np.minimum(self.node(node), self.value_of.shape[1] - 1)
        held = self.value_of[self.tensor[:, block], at]
        return held, self.first[:, block] - self.values.offset[np.maximum(held, 0)]

    def value(
        self, block: NDArray[np.int64], total: NDArray[np.int64], node: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what a sum leaves, or, where the sum is `NONE`, what a node holds at first of a block."""
        held, first = self.held(block, node)
        summed = self._sum_at(np.maximum(total, 0), self.node(node))
        return np.where(total >= 0, summed, held), np.where(total >= 0, 0, first)

    def _sum_at(self, total: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the image of each sum that is at a node: the group acts freely, so there is one."""
        node_map = self.problem.symmetry.node_map
        element = np.zeros((node_map.shape[1], node_map.shape[1]), dtype=np.int64)
        for node in np.unique(self.plan.sum_node).tolist():
            element[node, node_map[:, node]] = np.arange(len(node_map))
        return self.sum_number[element[self.plan.sum_node[total], at], total]


def lift(problem: Quotient, plan: Plan, placement: Placement) -> TransferSchedule:
    """Return the schedule of the whole collective.

    Parameters
    ----------
    problem : Quotient
    plan : Plan
    placement : Placement
        Of the tasks of the plan.
    """
    images, network = _images(problem, plan), problem.instance.network
    value, first = images.carried()
    vectors, order = images.vectors[:, plan.slot_block], problem.symmetry.order
    bundle = plan.slot_bundle[None] if order == 1 else problem.symmetry.bundle_map[:, plan.slot_bundle]
    kept = None if vectors.all() else vectors > 0
    lane, depart = placement.lane[: plan.slots], placement.start[: plan.slots]
    reading = _reading_slots(images)
    arrived = network.destination[bundle[:, reading]], value[:, reading], first[:, reading], vectors[:, reading]
    node, delivered, begin, length = sorted_rows(arrived, _others(images))
    return TransferSchedule(
        makespan_cycles=_makespan(problem, images, placement, reading),
        period_cycles=placement.period_cycles,
        slot_value=_rows(kept, value),
        slot_first=_rows(kept, first),
        slot_vectors=_rows(kept, vectors),
        slot_bundle=_rows(kept, bundle),
        slot_lane=_rows(kept, np.broadcast_to(lane, (order, plan.slots))),
        slot_depart=_rows(kept, np.broadcast_to(depart, (order, plan.slots))),
        sums=_sums(images, placement),
        delivery_node=node,
        delivery_value=delivered,
        delivery_first=begin,
        delivery_vectors=length,
    )


def _rows(kept: NDArray[np.bool_] | None, table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what is kept of a table, row by row; all of it without a mask, which takes long."""
    return table.ravel() if kept is None else table[kept]


def _images(problem: Quotient, plan: Plan) -> _Images:
    collective, blocks, flow = problem.instance.stage, plan.blocks, problem.flow
    lengths = np.array([tensor.vectors for tensor in collective.tensors], dtype=np.int64)
    values = source_values(collective)
    value_of = np.full((len(lengths), collective.width), NONE, dtype=np.int64)
    value_of[values.tensor, values.shard] = np.arange(len(values.tensor))
    piece = problem.pieces[:, blocks.piece]
    tensor, first = flow.tensor[piece], flow.first_vector[piece] + blocks.first_vector
    vectors = np.clip(lengths[tensor] - first, 0, blocks.vectors)
    there = vectors[:, plan.sum_block] > 0
    sum_number = np.where(there, len(values.tensor) + np.cumsum(there).reshape(there.shape) - 1, NONE)
    return _Images(problem, plan, tensor, first, vectors, values, value_of, sum_number)


def _sums(images: _Images, placement: Placement) -> Sums:
    plan, order = images.plan, images.problem.symmetry.order
    vectors = images.vectors[:, plan.sum_block]
    kept = vectors > 0
    operands = np.bincount(plan.operand_sum, minlength=plan.sums)
    value, first = _operands(images)
    adds = images.vectors[:, plan.sum_block[plan.operand_sum]] > 0
    number = images.sum_number[:, plan.operand_sum] - len(images.values.tensor)
    counted = np.tile(operands, (order, 1))[kept]
    start = np.tile(placement.start[plan.slots :], (order, 1))
    return Sums(
        node=images.node(plan.sum_node)[kept],
        start=start[kept],
        cycles=sum_cycles(images.problem.instance.add_cost, counted, vectors[kept]),
        offset=images.first[:, plan.sum_block][kept],
        vectors=vectors[kept],
        complete=np.tile(plan.sum_complete, (order, 1))[kept],
        operand_sum=number[adds],
        operand_value=value[adds],
        operand_first=first[adds],
    )


def _operands(images: _Images) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the value of each operand, and where in it the operand begins."""
    plan, slot = images.plan, images.plan.operand_slot
    chained = np.where(slot < NONE, NONE - 1 - slot, NONE)
    total = np.where(slot >= 0, np.append(plan.slot_sum, NONE)[slot], chained)
    return images.value(plan.sum_block[plan.operand_sum], total, plan.operand_origin)


def _reading_slots(images: _Images) -> NDArray[np.int64] | slice:
    """Return the slots that end at a chip which reads in the end what they carry."""
    plan, network = images.plan, images.problem.instance.network
    destination, target = network.destination[plan.slot_bundle], plan.blocks.target[plan.slot_block]
    reads = (target == destination) | ((target == EVERY) & (destination < network.width))
    if images.problem.instance.stage.is_sum:
        complete = np.append(plan.sum_complete, False)
        reads &= complete[plan.slot_sum]
    return slice(None) if reads.all() else np.flatnonzero(reads)


def _others(images: _Images) -> Columns:
    """Return node, value, first vector and vectors of what is read in the end without a slot: sums, and what stays."""
    plan, network, flow = images.plan, images.problem.instance.network, images.problem.flow
    if images.problem.instance.stage.is_sum and network.width > 1:
        target = plan.blocks.target[plan.sum_block]
        reads = np.where(target == EVERY, plan.sum_node < network.width, target == plan.sum_node)
        total = np.flatnonzero(plan.sum_complete & reads)
        node, number = images.node(plan.sum_node[total]), images.sum_number[:, total]
        return node, number, 0 * number, images.vectors[:, plan.sum_block[total]]
    own = np.flatnonzero((flow.target == EVERY) | (flow.target == flow.source))
    own = own[flow.source[own] < network.width]
    held = images.value_of[flow.tensor[own], flow.source[own]]
    return flow.source[own], held, flow.first_vector[own] - images.values.offset[held], flow.vectors[own]


def sorted_rows(*tables: Columns) -> Columns:
    """Return the rows of tables that have any vectors, all of them different, sorted by node, value and first vector.

    One key sorts much faster, where it fits 64 bits; where most keys occur, vectors go straight to their places. The
    columns of nodes are used up: to ask for memory takes most of the time here.
    """
    kept = [None if table[3].all() else table[3] > 0 for table in tables]
    columns = [[_rows(mask, column) for column in table] for mask, table in zip(kept, tables, strict=True)]
    ranges = tuple(max(int(column.max(initial=0)) for column in parts) + 1 for parts in zip(*columns, strict=True))[:3]
    rows, keys = sum(len(table[0]) for table in columns), prod(ranges)
    if keys >= LARGEST_KEY:
        node, value, first, vectors = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        order = np.lexsort((first, value, node))
        return node[order], value[order], first[order], vectors[order]
    for node, value, first, _ in columns:
        for column, count in ((value, ranges[1]), (first, ranges[2])):
            node *= count
            node += column
    if keys <= SPARSEST * rows:
        vectors_of = np.zeros(keys, dtype=np.int64)
        for key, _, _, vectors in columns:
            vectors_of[key] = vectors
        node = np.flatnonzero(vectors_of)
        vectors = vectors_of[node]
        del vectors_of
    else:
        node, vectors = (np.concatenate([table[column] for table in columns]) for column in (0, 3))
        order = np.argsort(node)
        node, vectors = node[order], vectors[order]
    first = node % ranges[2]
    node //= ranges[2]
    value = node % ranges[1]
    node //= ranges[1]
    return node, value, first, vectors


def _makespan(problem: Quotient, images: _Images, placement: Placement, reading: NDArray[np.int64] | slice) -> int:
    """Return the last read of anyone, the end of the last sum; runs of no vectors count for nothing."""
    plan, wires = images.plan, problem.wires
    vectors = images.vectors.max(axis=0, initial=0)
    slot_bundle, slot_block = plan.slot_bundle[reading], plan.slot_block[reading]
    depart, last = placement.start[: plan.slots][reading], 0
    for begin in range(0, len(depart), SLOTS_AT_ONCE):
        some = slice(begin, begin + SLOTS_AT_ONCE)
        bundle, carried = slot_bundle[some], vectors[slot_block[some]]
        in_slot = -(-(carried - 1) * wires.numerator[bundle] // wires.denominator[bundle])
        reads = depart[some] + wires.hop[bundle] + in_slot
        last = max(last, int(reads.max(initial=0, where=carried > 0)))
    totals = np.flatnonzero(plan.sum_complete)
    totals = totals[vectors[plan.sum_block[totals]] > 0]
    operands = np.bincount(plan.operand_sum, minlength=plan.sums)[totals]
    cycles = sum_cycles(problem.instance.add_cost, operands, vectors[plan.sum_block[totals]])
    ends = placement.start[plan.slots + totals] + cycles
    return max(last, int(ends.max(initial=0)))

"""From the plan of representatives, with its times, to the schedule of the whole collective.

Every slot and every sum is moved by every element of the group. An element takes the slot's bundle, the piece that the
block is cut from, and the nodes at which values are made; the lane and the times stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.transfers.plan import NOTHING
from lpxsched.schedule.transfers.result import Sums, TransferSchedule
from lpxsched.traffic.collectives import EVERY, source_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.transfers.placing import Placement
    from lpxsched.schedule.transfers.plan import Plan
    from lpxsched.schedule.transfers.reduced import Reduced
    from lpxsched.traffic.collectives import SourceValues


LARGEST_KEY = 2.0**62


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """All images of a plan, element by element.

    `tensor`, `first`, `vectors` of shape (order, blocks) tell the run of each image of a block, cut at the end of its
    tensor. `value_of` of shape (tensors, nodes) numbers what chips hold at first. `sum_number` of shape (order, sums)
    numbers the images of sums that add anything.
    """

    problem: Reduced
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

    def carried(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the value that images of slots carry, and where in it they begin."""
        plan = self.plan
        return self.value(plan.slot_block[slots], plan.slot_sum[slots], plan.slot_origin[slots])

    def value(
        self, block: NDArray[np.int64], total: NDArray[np.int64], node: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what a sum leaves, or, where the sum is `NOTHING`, what a node holds at first of a block."""
        at = self.node(node)
        held = self.value_of[self.tensor[:, block], np.minimum(at, self.value_of.shape[1] - 1)]
        first = self.first[:, block] - self.values.offset[np.maximum(held, 0)]
        if not self.plan.sums:
            return held, first
        summed = self._sum_at(np.maximum(total, 0), at)
        return np.where(total >= 0, summed, held), np.where(total >= 0, 0, first)

    def _sum_at(self, total: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the image of each sum that is at a node: the group acts freely, so there is one."""
        node_map = self.problem.symmetry.node_map
        element = np.zeros((node_map.shape[1], node_map.shape[1]), dtype=np.int64)
        for node in np.unique(self.plan.sum_node).tolist():
            element[node, node_map[:, node]] = np.arange(len(node_map))
        return self.sum_number[element[self.plan.sum_node[total], at], total]


def lift(problem: Reduced, plan: Plan, placement: Placement, pieces: NDArray[np.int64]) -> TransferSchedule:
    """Return the schedule of the whole collective.

    Parameters
    ----------
    problem : Reduced
    plan : Plan
    placement : Placement
        Of the tasks of the plan.
    pieces : ndarray of int64, shape (order, pieces)
        Where each element of the group takes each piece.
    """
    images = _images(problem, plan, pieces)
    every = np.arange(plan.slots)
    value, first = images.carried(every)
    vectors = images.vectors[:, plan.slot_block]
    bundle = problem.symmetry.bundle_map[:, plan.slot_bundle]
    kept = vectors > 0
    order = problem.symmetry.order
    lane, depart = placement.lane[: plan.slots], placement.start[: plan.slots]
    node, delivered, begin, length = _deliveries(images)
    return TransferSchedule(
        makespan_cycles=_makespan(problem, images, placement),
        period_cycles=placement.period_cycles,
        slot_value=value[kept],
        slot_first=first[kept],
        slot_vectors=vectors[kept],
        slot_bundle=bundle[kept],
        slot_lane=np.tile(lane, (order, 1))[kept],
        slot_depart=np.tile(depart, (order, 1))[kept],
        sums=_sums(images, placement),
        delivery_node=node,
        delivery_value=delivered,
        delivery_first=begin,
        delivery_vectors=length,
    )


def _images(problem: Reduced, plan: Plan, pieces: NDArray[np.int64]) -> _Images:
    collective, blocks, flow = problem.problem.collective, plan.blocks, problem.flow
    lengths = np.array([tensor.vectors for tensor in collective.tensors], dtype=np.int64)
    values = source_values(collective)
    value_of = np.full((len(lengths), collective.width), NOTHING, dtype=np.int64)
    value_of[values.tensor, values.shard] = np.arange(len(values.tensor))
    piece = pieces[:, blocks.piece]
    tensor, first = flow.tensor[piece], flow.first_vector[piece] + blocks.first_vector
    vectors = np.clip(lengths[tensor] - first, 0, blocks.vectors)
    there = vectors[:, plan.sum_block] > 0
    sum_number = np.where(there, len(values.tensor) + np.cumsum(there).reshape(there.shape) - 1, NOTHING)
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
        cycles=_cycles(images.problem, counted, vectors[kept]),
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
    chained = np.where(slot < NOTHING, NOTHING - 1 - slot, NOTHING)
    total = np.where(slot >= 0, np.append(plan.slot_sum, NOTHING)[slot], chained)
    return images.value(plan.sum_block[plan.operand_sum], total, plan.operand_origin)


def _cycles(problem: Reduced, operands: NDArray[np.int64], vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(operands):
        return operands
    pairs, index = np.unique(np.column_stack([operands, vectors]), axis=0, return_inverse=True)
    cycles = [problem.problem.add_cost.cycles(m, n) for m, n in pairs.tolist()]
    return np.array(cycles, dtype=np.int64)[index.ravel()]


def _reading_slots(images: _Images) -> NDArray[np.int64]:
    """Return the slots that end at a chip which reads in the end what they carry."""
    plan, fabric = images.plan, images.problem.problem
    destination, target = fabric.bundle_destination[plan.slot_bundle], plan.blocks.target[plan.slot_block]
    reads = (target == destination) | ((target == EVERY) & (destination < fabric.width))
    if fabric.collective.is_sum:
        complete = np.append(plan.sum_complete, False)
        reads &= complete[plan.slot_sum]
    return np.flatnonzero(reads)


def _deliveries(images: _Images) -> list[NDArray[np.int64]]:
    """Return node, value, first vector and vectors of everything that is read in the end, sorted."""
    plan, fabric, flow = images.plan, images.problem.problem, images.problem.flow
    slots = _reading_slots(images)
    value, first = images.carried(slots)
    destination = images.node(fabric.bundle_destination[plan.slot_bundle[slots]])
    rows = [np.stack([destination, value, first, images.vectors[:, plan.slot_block[slots]]]).reshape(4, -1)]
    if fabric.collective.is_sum and fabric.width > 1:
        total = np.flatnonzero(plan.sum_complete)
        node, number = images.node(plan.sum_node[total]), images.sum_number[:, total]
        rows.append(np.stack([node, number, 0 * number, images.vectors[:, plan.sum_block[total]]]).reshape(4, -1))
    else:
        own = np.flatnonzero((flow.target == EVERY) | (flow.target == flow.source))
        own = own[flow.source[own] < fabric.width]
        held = images.value_of[flow.tensor[own], flow.source[own]]
        first = flow.first_vector[own] - images.values.offset[held]
        rows.append(np.stack([flow.source[own], held, first, flow.vectors[own]]))
    table = np.concatenate(rows, axis=1)
    table = table[:, table[3] > 0]
    return list(table[:, _row_order(table[:3])])


def _row_order(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of rows by their columns; through one key, which sorts much faster, where that fits 64 bits."""
    ranges = columns.max(axis=1, initial=0) + 1
    if np.prod(ranges, dtype=np.float64) >= LARGEST_KEY:
        return np.lexsort(columns[::-1])
    return np.argsort(np.ravel_multi_index(tuple(columns), tuple(ranges.tolist())))


def _makespan(problem: Reduced, images: _Images, placement: Placement) -> int:
    """Return the last read of anyone, the end of the last sum; runs of no vectors count for nothing."""
    plan, wires = images.plan, problem.wires
    vectors = images.vectors.max(axis=0, initial=0)
    slots = _reading_slots(images)
    slots = slots[vectors[plan.slot_block[slots]] > 0]
    bundle, after_first = plan.slot_bundle[slots], vectors[plan.slot_block[slots]] - 1
    in_slot = -(-after_first * wires.numerator[bundle] // wires.denominator[bundle])
    reads = placement.start[slots] + wires.hop[bundle] + in_slot
    totals = np.flatnonzero(plan.sum_complete)
    totals = totals[vectors[plan.sum_block[totals]] > 0]
    operands = np.bincount(plan.operand_sum, minlength=plan.sums)[totals]
    cycles = _cycles(problem, operands, vectors[plan.sum_block[totals]])
    ends = placement.start[plan.slots + totals] + cycles
    return int(max(reads.max(initial=0), ends.max(initial=0)))

"""From the plan of representatives, with its times, to the schedule of all.

Every slot and every sum is moved by every element of the group. An element takes the slot's bundle, the piece that the
block is cut from, and the nodes at which values are made; the lane and the times stay. Runs are cut at the true lengths
of their shares, and what is left of none is left out.
"""

from __future__ import annotations

from itertools import chain
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.plan import SLOT, Operands, Plan, slot_deliveries, sum_deliveries
from lpxsched.schedule.policy import ROWS_LIFTED_AT_ONCE, SPARSEST
from lpxsched.schedule.problem.instance import sum_cycles
from lpxsched.schedule.result import Found, Schedule, Sums
from lpxsched.schedule.symmetry.images import collective_images, layer_images, moved
from lpxsched.traffic.collectives import EVERY, source_offsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.symmetry.images import Columns, Images, Ranges
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.schedule.times.placement import Placement

LARGEST_KEY = 2**62


def lifted_layer(found: Found[Padded]) -> Schedule:
    """Return the schedule of the layer itself from that of its padded representatives."""
    problem, plan, placement = found.problem, found.plan, found.placement
    images = layer_images(problem, plan)
    starts = placement.start[plan.slots + plan.sums :]
    operator_start = starts[problem.operators.task[problem.operator_of]]
    rows = images.read(plan.reads)
    return _lifted(images, placement, operator_start, sorted_rows([rows], images.ranges(), rows[0].size))


def lifted_collective(found: Found[Quotient]) -> Schedule:
    """Return the schedule of the whole collective from that of its representatives."""
    problem, plan, placement = found.problem, found.plan, found.placement
    images = collective_images(problem, plan)
    operator_start = np.zeros(2 * problem.network.width, dtype=np.int64)

    def read() -> Iterator[Columns]:
        for needed in _deliveries(problem, plan):
            rows = images.read(needed)
            ends = _ends(problem, images, placement, needed)
            np.maximum.at(operator_start, rows[0].ravel(), np.where(rows[3] > 0, ends, 0).ravel())
            yield rows

    kept = _kept(problem)
    most_rows = problem.symmetry.order * (plan.slots + plan.sums) + len(kept[0])
    reads = sorted_rows(chain(read(), [kept]), images.ranges(kept[2]), most_rows)
    return _lifted(images, placement, operator_start, reads)


def _deliveries(problem: Quotient, plan: Plan) -> Iterator[Operands]:
    """Yield what is delivered, part by part: what all of it takes, and memory that nobody has had before, is slow."""
    step = max(1, ROWS_LIFTED_AT_ONCE // problem.symmetry.order)
    for first in range(0, plan.slots, step):
        yield slot_deliveries(problem.wires, plan, slice(first, first + step))
    if plan.sums:
        yield sum_deliveries(problem.wires, plan)


def _lifted(images: Images, placement: Placement, operator_start: Integers, reads: Columns) -> Schedule:
    plan, (value, first) = images.plan, images.carried()
    vectors = images.vectors[:, plan.slot_block]
    kept = None if vectors.all() else vectors > 0
    lane, depart = (
        np.broadcast_to(column[: plan.slots], vectors.shape) for column in (placement.lane, placement.start)
    )
    reader, read_value, read_first, read_vectors = reads
    return Schedule(
        makespan_cycles=int(operator_start.max(initial=0)),
        period_cycles=placement.period_cycles,
        operator_start=operator_start,
        slot_value=_rows(kept, value),
        slot_first=_rows(kept, first),
        slot_vectors=_rows(kept, vectors),
        slot_bundle=_rows(kept, moved(images.symmetry.bundle_map, plan.slot_bundle)),
        slot_lane=_rows(kept, lane),
        slot_depart=_rows(kept, depart),
        sums=_sums(images, placement),
        read_operator=reader,
        read_value=read_value,
        read_first=read_first,
        read_vectors=read_vectors,
    )


def _rows(kept: Flags | None, table: Integers) -> Integers:
    """Return what is kept of a table, row by row; all of it without a mask, which takes long."""
    return table.ravel() if kept is None else table[kept]


def _sums(images: Images, placement: Placement) -> Sums:
    plan, vectors = images.plan, images.vectors[:, images.plan.sum_block]
    kept = vectors > 0
    first_operand, adds = images.operands(plan.operands), images.vectors[:, plan.operands.block] > 0
    shape = images.symmetry.order, plan.sums
    counts = np.broadcast_to(plan.operand_counts(), shape)[kept]
    return Sums(
        node=images.symmetry.node_map[:, plan.sum_node][kept],
        start=np.broadcast_to(placement.start[plan.slots : plan.slots + plan.sums], shape)[kept],
        cycles=sum_cycles(images.add_cost, counts, vectors[kept]),
        piece=images.piece[:, plan.sum_block][kept],
        first=images.first[:, plan.sum_block][kept],
        vectors=vectors[kept],
        complete=np.broadcast_to(plan.sum_complete, shape)[kept],
        operand_sum=images.total[:, plan.operands.reader][adds] - images.operators,
        operand_value=first_operand[0][adds],
        operand_first=first_operand[1][adds],
    )


def _ends(problem: Quotient, images: Images, placement: Placement, needed: Operands) -> Integers:
    """Return when images of what is delivered have been read, the last of their vectors, or summed."""
    plan, wires, vectors = images.plan, problem.wires, images.vectors[:, needed.block]
    slots = int((needed.kind == SLOT).sum())
    slot, total = needed.number[:slots], needed.number[slots:]
    bundle = plan.slot_bundle[slot]
    stream = -(-(vectors[:, :slots] - 1) * wires.numerator[bundle] // wires.denominator[bundle])
    cycles = sum_cycles(problem.add_cost, plan.operand_counts()[total], vectors[:, slots:])
    begin = placement.start[np.concatenate([slot, plan.slots + total])]
    return np.asarray(np.hstack([wires.hop[bundle] + stream, cycles]) + begin)


def _kept(problem: Quotient) -> Columns:
    """Return reader, value, first vector and vectors of what stays where it is and is read there."""
    stage, width, flow = problem.instance.stage, problem.network.width, problem.flow
    own = np.flatnonzero((flow.target == EVERY) | (flow.target == flow.source))
    own = own[flow.source[own] < width]
    if stage.is_sum and width > 1:
        own = own[:0]
    node = flow.source[own]
    return width + node, node, flow.first_vector[own] - source_offsets(stage, width)[node], flow.vectors[own]


def sorted_rows(tables: Iterable[Columns], ranges: Ranges, most_rows: int) -> Columns:
    """Return the rows of tables that have any vectors, all of them different, sorted by reader, value and first vector.

    These three lie in ranges. One key sorts much faster, where it fits 64 bits; where most keys occur, vectors go
    straight to their places.
    """
    counts = [len(every) for every in ranges]
    keys, kept = prod(counts), (_with_vectors(table) for table in tables)
    if keys >= LARGEST_KEY:
        reader, value, first, vectors = (np.concatenate(column) for column in zip(*kept, strict=True))
        order = np.lexsort((first, value, reader))
        return reader[order], value[order], first[order], vectors[order]
    keyed = (
        (((reader - ranges[0].start) * counts[1] + value) * counts[2] + first, vectors)
        for reader, value, first, vectors in kept
    )
    if keys <= SPARSEST * most_rows:
        vectors_of = np.zeros(keys, dtype=np.int64)
        for key, vectors in keyed:
            vectors_of[key] = vectors
        key = np.flatnonzero(vectors_of)
        vectors = vectors_of if len(key) == keys else vectors_of[key]
    else:
        key, vectors = (np.concatenate(column) for column in zip(*keyed, strict=True))
        order = np.argsort(key)
        key, vectors = key[order], vectors[order]
    first = key % counts[2] if counts[2] > 1 else np.zeros(len(key), dtype=np.int64)
    key //= counts[2]
    value = key % counts[1]
    key //= counts[1]
    key += ranges[0].start
    return key, value, first, vectors


def _with_vectors(table: Columns) -> Columns:
    """Return the rows that have any."""
    kept = None if table[3].all() else table[3] > 0
    reader, value, first, vectors = (_rows(kept, column) for column in table)
    return reader, value, first, vectors

"""From a scheduled collective to the tables of a build over the whole fabric.

Operators are numbered: a ``source`` on each chip that takes part, which leaves what the chip holds at first; a
``deliver`` on each, which starts when the chip has all that it reads; then the sums. Tensors are the values of the
schedule in its own order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.assemble import Program
from lpxsched.assembly.collective_times import delivered_cycles
from lpxsched.schedule.problem.collective import SUM_DATATYPE
from lpxsched.timetable.columns import COPY, REDUCE, Operands, Operators, Slots, Tensors
from lpxsched.traffic.collectives import source_values

if TYPE_CHECKING:
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.problem.instance import AddCost, Instance
    from lpxsched.schedule.transfer_result import Sums, TransferSchedule
    from lpxsched.timetable.columns import Integers

SOURCE, DELIVER, ADD = "source", "deliver", "add"
NO_UNIT, VECTOR_UNIT = "none", "vector"
COMPLETE, PARTIAL = "sharded", "partial"


def assemble_collective(scheduled: ScheduledCollective) -> Program:
    """Return the tables of a collective."""
    problem, schedule = scheduled.problem, scheduled.result.schedule
    return Program(
        slots=_slots(problem, schedule),
        operators=_operators(problem, schedule, release_cycles=scheduled.stall_cycles),
        operands=_operands(problem, schedule),
        tensors=_tensors(problem, schedule.sums),
    )


def _slots(problem: Instance, schedule: TransferSchedule) -> Slots:
    lanes = problem.network.lanes
    link = problem.network.links.values[(np.cumsum(lanes) - lanes)[schedule.slot_bundle] + schedule.slot_lane]
    order = np.lexsort((schedule.slot_depart, link))
    depart = schedule.slot_depart[order]
    return Slots(
        tensor=schedule.slot_value[order],
        first_vector=schedule.slot_first[order],
        vectors=schedule.slot_vectors[order],
        link=link[order],
        depart=depart,
        read=depart + problem.network.hop_cycles[schedule.slot_bundle[order]],
    )


def _operators(problem: Instance, schedule: TransferSchedule, *, release_cycles: int) -> Operators:
    width, sums = problem.network.width, schedule.sums
    chips = np.arange(width, dtype=np.int64)
    node = np.concatenate([chips, chips, sums.node])
    release = np.full(width, release_cycles, dtype=np.int64)
    work = _sum_work(problem.add_cost, sums)
    ends = np.zeros(2 * width, dtype=np.int64)
    zeros = np.zeros(len(node), dtype=np.int64)
    return Operators(
        operator=np.arange(len(node), dtype=np.int64),
        segment=zeros,
        chip=problem.network.fabric_node[node],
        shard=node,
        unit=np.repeat([NO_UNIT, VECTOR_UNIT], [2 * width, len(sums)]),
        kind=np.repeat([SOURCE, DELIVER, ADD], [width, width, len(sums)]),
        layer=zeros,
        start=np.concatenate([release, np.maximum(release, delivered_cycles(problem, schedule)), sums.start]),
        cycles=np.concatenate([ends, sums.cycles]),
        dtype=np.full(len(node), SUM_DATATYPE),
        sram_bytes=np.concatenate([ends, work[:, 0]]),
        macs=np.concatenate([ends, work[:, 1]]),
        fixed_cycles=np.concatenate([ends, np.full(len(sums), problem.add_cost.fixed_cycles, dtype=np.int64)]),
    )


def _sum_work(cost: AddCost, sums: Sums) -> Integers:
    """Return bytes and element operations of each sum, shape (sums, 2)."""
    operands = np.bincount(sums.operand_sum, minlength=len(sums))
    # Few sums differ in shape.
    shapes, shape = np.unique(np.column_stack([operands, sums.vectors]), axis=0, return_inverse=True)
    work = [(cost.sram_bytes(*row), cost.operations(*row)) for row in shapes.tolist()]
    return np.array(work, dtype=np.int64).reshape(-1, 2)[shape.reshape(-1)]


def _operands(problem: Instance, schedule: TransferSchedule) -> Operands:
    width, sums = problem.network.width, schedule.sums
    operator = np.concatenate([width + schedule.delivery_node, 2 * width + sums.operand_sum])
    tensor = np.concatenate([schedule.delivery_value, sums.operand_value])
    first = np.concatenate([schedule.delivery_first, sums.operand_first])
    vectors = np.concatenate([schedule.delivery_vectors, sums.vectors[sums.operand_sum]])
    role = np.repeat([COPY, REDUCE], [len(schedule.delivery_node), len(sums.operand_sum)])
    order = np.lexsort((first, tensor, operator))
    return Operands(operator[order], tensor[order], first[order], vectors[order], role[order])


def _tensors(problem: Instance, sums: Sums) -> Tensors:
    told, held = problem.stage.tensors, source_values(problem.stage)
    names, layouts = np.array([tensor.name for tensor in told]), np.array([tensor.layout for tensor in told])
    # Chips hold summands of one tensor only.
    of_sums = np.zeros(len(sums), dtype=np.int64)
    node = np.concatenate([held.shard, sums.node])
    vectors = np.concatenate([held.vectors, sums.vectors])
    count = len(vectors)
    return Tensors(
        tensor=np.arange(count, dtype=np.int64),
        name=names[np.concatenate([held.tensor, of_sums])],
        offset=np.concatenate([held.offset, sums.offset]),
        vectors=vectors,
        dtype=np.full(count, SUM_DATATYPE),
        layout=np.concatenate([layouts[held.tensor], np.where(sums.complete, COMPLETE, PARTIAL)]),
        chip=problem.network.fabric_node[node],
        producer=np.concatenate([held.shard, 2 * problem.network.width + np.arange(len(sums), dtype=np.int64)]),
        bytes=vectors * problem.add_cost.vector_bytes,
    )

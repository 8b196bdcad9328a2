"""Tiny problems and schedules of collectives, written by hand."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.instance import AddCost, Instance
from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.schedule.transfer_result import Sums, TransferSchedule
from lpxsched.traffic.collectives import Collective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.traffic.collectives import Kind

# A sum of m operands of n vectors takes max((m + 1) n * 4 / 4, (m - 1) n * 2 / 2) + 1 = (m + 1) n + 1 cycles.
ADD_COST = AddCost(
    vector_bytes=4, elements_per_vector=2, sram_bytes_per_cycle=4, operations_per_cycle=2, fixed_cycles=1
)

SlotRow = tuple[int, int, int, int, int, int]
SumRow = tuple[int, int, int, int, int, bool, list[tuple[int, int]]]
DeliveryRow = tuple[int, int, int, int]


def column(values: Sequence[int]) -> NDArray[np.int64]:
    """Return a column of whole numbers."""
    return np.array(values, dtype=np.int64)


def line(
    kind: Kind,
    width: int,
    vectors: int = 1,
    *,
    relays: int = 0,
    pitch: tuple[int, int] = (1, 1),
    turnaround: int = 0,
    inject: int = 0,
    eject: int = 0,
    add_cost: AddCost = ADD_COST,
) -> Instance:
    """Return nodes in a line with one lane each way, 3 cycles a hop; relays follow the chips that take part.

    Bundles are numbered 0 -> 1, 1 -> 0, 1 -> 2, 2 -> 1, 2 -> 3, ..
    """
    nodes = width + relays
    ends = sorted((a, b) for a, b in product(range(nodes), repeat=2) if abs(a - b) == 1)
    bundles = len(ends)
    hold = -(-pitch[0] // pitch[1])
    network = Network(
        width=width,
        chips=nodes,
        fabric_node=np.arange(nodes, dtype=np.int64),
        class_names=("link",),
        source=column([a for a, _ in ends]),
        destination=column([b for _, b in ends]),
        lanes=np.ones(bundles, dtype=np.int64),
        link_class=np.zeros(bundles, dtype=np.int64),
        latency_cycles=np.full(bundles, 3 - hold, dtype=np.int64),
        guard_cycles=np.zeros(bundles, dtype=np.int64),
        pitch_numerator=np.full(bundles, pitch[0], dtype=np.int64),
        pitch_denominator=np.full(bundles, pitch[1], dtype=np.int64),
        links=Ragged.of([bundle] for bundle in range(bundles)),
        turnaround_cycles=turnaround,
        inject_per_cycle=inject,
        eject_per_cycle=eject,
        wire="pipelined",
    )
    return stage_instance(network, Collective(kind, width, vectors), add_cost)


def schedule_of(
    makespan_cycles: int,
    *,
    slots: Sequence[SlotRow] = (),
    sums: Sequence[SumRow] = (),
    deliveries: Sequence[DeliveryRow] = (),
    period_cycles: int = 0,
) -> TransferSchedule:
    """Return a schedule from rows.

    A slot is (value, first, vectors, bundle, lane, depart), a sum (node, start, cycles, offset, vectors, complete,
    operands as (value, first)), a delivery (node, value, first, vectors).
    """
    operands = [(number, *operand) for number, row in enumerate(sums) for operand in row[6]]
    total = Sums(
        node=column([row[0] for row in sums]),
        start=column([row[1] for row in sums]),
        cycles=column([row[2] for row in sums]),
        offset=column([row[3] for row in sums]),
        vectors=column([row[4] for row in sums]),
        complete=np.array([row[5] for row in sums], dtype=np.bool_),
        operand_sum=column([row[0] for row in operands]),
        operand_value=column([row[1] for row in operands]),
        operand_first=column([row[2] for row in operands]),
    )
    slot_columns = [column([row[i] for row in slots]) for i in range(6)]
    delivery_columns = [column([row[i] for row in deliveries]) for i in range(4)]
    return TransferSchedule(makespan_cycles, period_cycles, *slot_columns, total, *delivery_columns)

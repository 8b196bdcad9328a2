"""Tiny problems and schedules of collectives, written by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.instance import AddCost, Instance
from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.schedule.result import Schedule, Sums
from lpxsched.traffic.collectives import Collective, source_values

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
    problem: Instance,
    makespan_cycles: int,
    *,
    slots: Sequence[SlotRow] = (),
    sums: Sequence[SumRow] = (),
    deliveries: Sequence[DeliveryRow] = (),
    period_cycles: int = 0,
) -> Schedule:
    """Return a schedule from rows.

    A slot is (value, first, vectors, bundle, lane, depart), a sum (node, start, cycles, first, vectors, complete,
    operands as (value, first)), a delivery (node, value, first, vectors). Values are what chips hold at first, by chip,
    then sums. Readers start when the last slot that brings any of what they read has been read.
    """
    width, holders = problem.network.width, source_values(problem.stage).shard.tolist()

    def value(number: int) -> int:
        return holders[number] if number < len(holders) else 2 * width + number - len(holders)

    operands = [(number, value(v), first) for number, row in enumerate(sums) for v, first in row[6]]
    total = Sums(
        *(column([row[i] for row in sums]) for i in range(3)),
        piece=column([0] * len(sums)),
        first=column([row[3] for row in sums]),
        vectors=column([row[4] for row in sums]),
        complete=np.array([row[5] for row in sums], dtype=np.bool_),
        operand_sum=column([row[0] for row in operands]),
        operand_value=column([row[1] for row in operands]),
        operand_first=column([row[2] for row in operands]),
    )
    ends = [0] * width + [_delivered(problem, node, slots, sums, deliveries) for node in range(width)]
    travels = [(value(row[0]), *row[1:]) for row in slots]
    reads = [(width + node, value(number), *run) for node, number, *run in deliveries]
    return Schedule(
        makespan_cycles,
        period_cycles,
        column(ends),
        *(column([row[i] for row in travels]) for i in range(6)),
        total,
        *(column([row[i] for row in reads]) for i in range(4)),
    )


def _delivered(
    problem: Instance,
    node: int,
    slots: Sequence[SlotRow],
    sums: Sequence[SumRow],
    deliveries: Sequence[DeliveryRow],
) -> int:
    initial, last = len(source_values(problem.stage)), Fraction(0)
    for _, value, first, vectors in (row for row in deliveries if row[0] == node):
        if value >= initial and sums[value - initial][0] == node:
            last = max(last, Fraction(sum(sums[value - initial][1:3])))
        for number, begin, count, bundle, _, depart in slots:
            common = min(begin + count, first + vectors) - max(begin, first)
            if (
                number != value
                or common <= 0
                or bundle >= problem.network.bundles
                or problem.network.destination[bundle] != node
            ):
                continue
            pitch = Fraction(
                int(problem.network.pitch_numerator[bundle]), int(problem.network.pitch_denominator[bundle])
            )
            k = min(begin + count, first + vectors) - 1 - begin
            last = max(last, depart + int(problem.network.hop_cycles[bundle]) + k * pitch)
    return ceil(last)

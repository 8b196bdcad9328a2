"""From scheduled layers over local numbers to the tables of a build over the whole fabric.

A layer is expanded into local rows (tensors and operators numbered from 0); layers are then laid one after the other
with running offsets. Layer i is segment i.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lpxsched.assembly.values import LayerValues, Part, layer_values
from lpxsched.schedule.times.lanes import assign_lanes
from lpxsched.timetable.columns import (
    COPY,
    REDUCE,
    WEIGHT,
    Operands,
    Operators,
    Slots,
    Table,
    Tensors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.schedule.layers import ScheduledLayer

AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The four tables that say what moves and what runs."""

    slots: Slots
    operators: Operators
    operands: Operands
    tensors: Tensors


def assemble_program(layers: Sequence[ScheduledLayer]) -> Program:
    """Return the tables of all layers."""
    parts: list[Program] = []
    tensors = operators = 0
    for segment, layer in enumerate(layers):
        part = expand_layer(layer, segment)
        parts.append(_shift(part, tensors, operators))
        tensors += len(part.tensors)
        operators += len(part.operators)
    slots = _concatenate([part.slots for part in parts])
    return Program(
        slots=_take(slots, np.lexsort((slots.depart, slots.link))),
        operators=_concatenate([part.operators for part in parts]),
        operands=_concatenate([part.operands for part in parts]),
        tensors=_concatenate([part.tensors for part in parts]),
    )


def expand_layer(layer: ScheduledLayer, segment: int) -> Program:
    """Return the tables of one layer, tensors and operators numbered from 0."""
    values = layer_values(layer.problem, layer.distinct.result.schedule)
    return Program(_slots(values), _operators(values, segment), _operands(values), _tensors(values))


def _concatenate(tables: Sequence[AnyTable]) -> AnyTable:
    kind = type(tables[0])
    return kind(*(np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(kind)))


def _take(table: AnyTable, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> AnyTable:
    return type(table)(*(getattr(table, field.name)[rows] for field in fields(table)))


def _shift(part: Program, tensors: int, operators: int) -> Program:
    """Renumber a layer's tensors and operators from given numbers on."""
    made = part.tensors.producer
    return Program(
        replace(part.slots, tensor=part.slots.tensor + tensors),
        replace(part.operators, operator=part.operators.operator + operators),
        replace(
            part.operands,
            operator=part.operands.operator + operators,
            tensor=part.operands.tensor + tensors,
        ),
        replace(
            part.tensors,
            tensor=part.tensors.tensor + tensors,
            producer=np.where(made < 0, made, made + operators),
        ),
    )


def _slots(values: LayerValues) -> Slots:
    schedule, instance = values.schedule, values.problem.instance
    rows = zip(
        schedule.slot_block.tolist(),
        schedule.slot_phase.tolist(),
        schedule.slot_bundle.tolist(),
        assign_lanes(instance, schedule).tolist(),
        strict=True,
    )
    parts: list[Part] = []
    links: list[int] = []
    for block, phase, bundle, lane in rows:
        parts.append(values.carried(block, phase, int(instance.network.source[bundle])))
        links.append(int(instance.network.links[bundle][lane]))
    return Slots(
        tensor=np.array([part.tensor for part in parts], dtype=np.int64),
        first_vector=np.array([part.first_vector for part in parts], dtype=np.int64),
        vectors=np.array([part.vectors for part in parts], dtype=np.int64),
        link=np.array(links, dtype=np.int64),
        depart=schedule.slot_depart,
        read=schedule.slot_depart + instance.network.hop_cycles[schedule.slot_bundle],
    )


def _operators(values: LayerValues, segment: int) -> Operators:
    """Operators of the graph, then sums."""
    problem, schedule, instance = values.problem, values.schedule, values.problem.instance
    add_cost = instance.add_cost
    lengths = schedule.blocks.vectors[schedule.sum_block]
    sums = list(zip(schedule.sum_operands.tolist(), lengths.tolist(), strict=True))
    sum_types = [values.tensors[tensor].dtype for tensor in values.sums.values()]
    nodes = np.concatenate([instance.operator_node, schedule.sum_node])
    placed = problem.operators

    def column(of_graph: list[int], of_sums: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(of_graph + of_sums, dtype=np.int64)

    return Operators(
        operator=np.arange(len(nodes), dtype=np.int64),
        segment=np.full(len(nodes), segment, dtype=np.int64),
        chip=np.array([problem.node(node) for node in nodes.tolist()], dtype=np.int64),
        shard=nodes % instance.network.chips,
        unit=np.array([p.operator.unit for p in placed] + ["vector" for _ in sums]),
        kind=np.array([p.operator.kind for p in placed] + ["add" for _ in sums]),
        layer=np.full(len(nodes), problem.group.layer, dtype=np.int64),
        start=np.concatenate([schedule.operator_start, schedule.sum_start]),
        cycles=column(instance.operator_cycles.tolist(), [add_cost.cycles(*row) for row in sums]),
        dtype=np.array([p.cost.dtype for p in placed] + sum_types),
        sram_bytes=column([p.cost.sram_bytes for p in placed], [add_cost.sram_bytes(*row) for row in sums]),
        macs=column([p.cost.macs for p in placed], [add_cost.operations(*row) for row in sums]),
        fixed_cycles=column([p.cost.fixed_cycles for p in placed], [add_cost.fixed_cycles for _ in sums]),
    )


def _operands(values: LayerValues) -> Operands:
    rows: list[tuple[int, int, int, int, str]] = []
    for number, placed in enumerate(values.problem.operators):
        rows += [(number, *part, COPY) for part in values.operands(placed)]
        weights = values.weights.get((placed.operator.name, placed.shard))
        if weights is not None:
            rows.append((number, weights, 0, values.tensors[weights].vectors, WEIGHT))
    for number, (block, node) in enumerate(values.sums, start=len(values.problem.operators)):
        rows += [(number, *part, REDUCE) for part in values.summed(block, node)]
    rows.sort()
    operator, tensor, first_vector, vectors = np.array([row[:4] for row in rows], dtype=np.int64).T.copy()
    return Operands(operator, tensor, first_vector, vectors, np.array([row[4] for row in rows]))


def _tensors(values: LayerValues) -> Tensors:
    rows = values.tensors
    return Tensors(
        tensor=np.arange(len(rows), dtype=np.int64),
        name=np.array([row.name for row in rows]),
        offset=np.array([row.offset for row in rows], dtype=np.int64),
        vectors=np.array([row.vectors for row in rows], dtype=np.int64),
        dtype=np.array([row.dtype for row in rows]),
        layout=np.array([row.layout for row in rows]),
        chip=np.array([row.node for row in rows], dtype=np.int64),
        producer=np.array([row.producer for row in rows], dtype=np.int64),
        bytes=np.array([row.bytes for row in rows], dtype=np.int64),
    )

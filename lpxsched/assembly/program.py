"""From scheduled segments over local numbers to the tables of a build over the whole fabric.

A part of a segment is expanded into local rows, its tensors and operators numbered from 0: operators of the graph, then
sums; what operators leave, then what sums leave, then weights. Parts are then laid one after the other with running
numbers, and what one leaves for the next becomes one tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.segment import Segment, SegmentPart, padded_off
from lpxsched.timetable.columns import (
    COPY,
    REDUCE,
    WEIGHT,
    AnyTable,
    Flags,
    Integers,
    Operands,
    Operators,
    Slots,
    Tensors,
)
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

ADD, VECTOR_UNIT = "add", "vector"
COMPLETE, PARTIAL = "sharded", "partial"


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The four tables that say what moves and what runs."""

    slots: Slots
    operators: Operators
    operands: Operands
    tensors: Tensors


def assemble(segments: Sequence[Segment]) -> Program:
    """Return the tables of all parts of all segments, one after the other."""
    parts: list[Program] = []
    tensors = operators = 0
    for number, segment in enumerate(segments):
        left, kept = dict[tuple[str, int], int](), dict[tuple[str, int], int]()
        for part in segment.parts:
            placed, left = _placed(part, _expanded(part, number), left, kept, (tensors, operators))
            parts.append(placed)
            tensors += len(placed.tensors)
            operators += len(placed.operators)
    return joined_programs(parts)


def joined_programs(parts: Sequence[Program]) -> Program:
    """Return the rows of all parts: slots in their order, operators and tensors one after the other."""
    return Program(
        slots=concatenated([part.slots for part in parts], "link", "depart"),
        operators=concatenated([part.operators for part in parts]),
        operands=concatenated([part.operands for part in parts], "operator", "tensor", "first_vector"),
        tensors=concatenated([part.tensors for part in parts]),
    )


def _expanded(part: SegmentPart, number: int) -> Program:
    """Return the tables of one part of a segment, tensors and operators numbered from 0."""
    schedule = part.schedule
    tensor_of = np.full(schedule.operators + len(schedule.sums), NONE, dtype=np.int64)
    made = np.concatenate([part.results.operator, schedule.operators + np.arange(len(schedule.sums), dtype=np.int64)])
    tensor_of[made] = np.arange(len(made))
    tensors = _tensors(part, made)
    return Program(
        _slots(part, tensor_of), _operators(part, number), _operands(part, tensor_of, tensors.vectors), tensors
    )


def concatenated(tables: Sequence[AnyTable], *by: str) -> AnyTable:
    """Return the rows of tables one after the other, or in the order of some columns.

    Beside the tables and what is returned no more than a column is held, for there may be many rows.
    """

    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(table, name) for table in tables])

    kind, order = type(tables[0]), np.lexsort([column(name) for name in reversed(by)]) if by else slice(None)
    return kind(*(column(field.name)[order] for field in fields(kind)))


def taken(table: AnyTable, rows: np.ndarray[tuple[int], np.dtype[np.intp | np.bool_]]) -> AnyTable:
    """Return some rows of a table."""
    return type(table)(*(getattr(table, field.name)[rows] for field in fields(table)))


def renumbered(tables: Program, operators: tuple[Flags, Integers], tensors: tuple[Flags, Integers]) -> Program:
    """Return the rows of some operators, and some of all tensors, each told by whether it stays and its new number."""
    (told, operator), (own, tensor) = operators, tensors
    operands, made = taken(tables.operands, told[tables.operands.operator]), tables.tensors.producer
    producer = np.where(made == NONE, NONE, operator[made])
    return Program(
        replace(tables.slots, tensor=tensor[tables.slots.tensor]),
        replace(taken(tables.operators, told), operator=operator[told]),
        replace(operands, operator=operator[operands.operator], tensor=tensor[operands.tensor]),
        replace(taken(tables.tensors, own), tensor=tensor[own], producer=producer[own]),
    )


def _placed(
    part: SegmentPart,
    tables: Program,
    left: dict[tuple[str, int], int],
    kept: dict[tuple[str, int], int],
    first: tuple[int, int],
) -> tuple[Program, dict[tuple[str, int], int]]:
    """Renumber a part's tensors and operators from given numbers on, without operators that are no rows.

    What these leave is what the part before left under that name on that chip, and what is kept there is what any part
    before kept; what this part keeps is added to that. Also returned is what this part leaves.
    """
    told = np.append(part.is_told, np.ones(len(tables.operators) - len(part.is_told), dtype=np.bool_))
    tensors = tables.tensors
    names = list(zip(tensors.name.tolist(), tensors.chip.tolist(), strict=True))
    made = tensors.producer >= 0
    own = np.where(made, told[tensors.producer], [name not in kept for name in names])
    tensor, operator = (start + np.cumsum(mine) - 1 for start, mine in zip(first, (own, told), strict=True))
    before = [(left if made[row] else kept)[names[row]] for row in np.flatnonzero(~own).tolist()]
    tensor[~own] = before
    kept |= {names[row]: int(tensor[row]) for row in np.flatnonzero(own & ~made).tolist()}
    placed = renumbered(tables, (told, operator), (own, tensor))
    results = range(len(part.results.operator))
    return placed, {names[result]: int(tensor[result]) for result in results}


def _slots(part: SegmentPart, tensor_of: Integers) -> Slots:
    schedule = part.schedule
    network = part.network
    links, first = network.links.values, network.links.offsets
    return Slots(
        tensor=tensor_of[schedule.slot_value],
        first_vector=schedule.slot_first,
        vectors=schedule.slot_vectors,
        link=links[first[schedule.slot_bundle] + schedule.slot_lane],
        depart=schedule.slot_depart,
        read=schedule.slot_depart + network.hop_cycles[schedule.slot_bundle],
    )


def _operators(part: SegmentPart, number: int) -> Operators:
    """Operators of the graph, then sums."""
    graph, schedule, cost = part.operators, part.schedule, part.add_cost
    sums = schedule.sums
    node, operands = np.concatenate([graph.node, sums.node]), np.bincount(sums.operand_sum, minlength=len(sums))
    return Operators(
        operator=np.arange(len(node), dtype=np.int64),
        segment=np.full(len(node), number, dtype=np.int64),
        chip=part.network.fabric_node[node],
        shard=part.node_shard[node],
        unit=np.concatenate([graph.unit, np.full(len(sums), VECTOR_UNIT)]),
        kind=np.concatenate([graph.kind, np.full(len(sums), ADD)]),
        layer=part.node_layer[node],
        start=np.concatenate([schedule.operator_start, sums.start]),
        cycles=np.concatenate([graph.cycles, sums.cycles]),
        dtype=np.concatenate([graph.dtype, part.pieces.dtype[sums.piece]]),
        sram_bytes=np.concatenate([graph.sram_bytes, cost.sram_bytes(operands, sums.vectors)]),
        macs=np.concatenate([graph.macs, cost.operations(operands, sums.vectors)]),
        fixed_cycles=np.concatenate([graph.fixed_cycles, np.full(len(sums), cost.fixed_cycles, dtype=np.int64)]),
    )


def _operands(part: SegmentPart, tensor_of: Integers, size: Integers) -> Operands:
    """Return what is read of moving runs and of results at the same node, what is added, and weights."""
    schedule, weights, local = part.schedule, part.weights, part.after_operator
    sums, whole = schedule.sums, tensor_of[part.after_result]
    weight = len(size) - len(weights.operator) + np.arange(len(weights.operator), dtype=np.int64)
    rows = [
        (schedule.read_operator, tensor_of[schedule.read_value], schedule.read_first, schedule.read_vectors),
        (local, whole, np.zeros_like(local), size[whole]),
        (
            schedule.operators + sums.operand_sum,
            tensor_of[sums.operand_value],
            sums.operand_first,
            sums.vectors[sums.operand_sum],
        ),
        (weights.operator, weight, np.zeros_like(weight), size[weight]),
    ]
    operator, tensor, first, vectors = (np.concatenate(column) for column in zip(*rows, strict=True))
    role = np.repeat([COPY, COPY, REDUCE, WEIGHT], [len(row[0]) for row in rows])
    # A chip without rows of its own leaves a run of no vectors.
    some = vectors > 0
    return Operands(operator[some], tensor[some], first[some], vectors[some], role[some])


def _tensors(part: SegmentPart, producer: Integers) -> Tensors:
    """Return results of operators, then of sums, made by the given ones, then weights, which nobody makes."""
    results, weights, pieces = part.results, part.weights, part.pieces
    sums = part.schedule.sums
    first, width = pieces.first[sums.piece] + sums.first, part.add_cost.vector_bytes
    rows = pieces.row_bytes[sums.piece], pieces.vectors_per_row[sums.piece]
    size = padded_off(first + sums.vectors, *rows, width) - padded_off(first, *rows, width)
    made_at, held_at = part.operators.node[results.operator], part.operators.node[weights.operator]
    count = len(producer) + len(weights.operator)
    return Tensors(
        tensor=np.arange(count, dtype=np.int64),
        name=np.concatenate([results.name, pieces.name[sums.piece], weights.name]),
        offset=np.concatenate([results.offset, first, weights.offset]),
        vectors=np.concatenate([results.vectors, sums.vectors, weights.vectors]),
        dtype=np.concatenate([results.dtype, pieces.dtype[sums.piece], weights.dtype]),
        layout=np.concatenate([results.layout, np.where(sums.complete, COMPLETE, PARTIAL), weights.layout]),
        chip=part.network.fabric_node[np.concatenate([made_at, sums.node, held_at])],
        producer=np.concatenate([producer, np.full(len(weights.operator), NONE, dtype=np.int64)]),
        bytes=np.concatenate([results.bytes, size, weights.bytes]),
    )

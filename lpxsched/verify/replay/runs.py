"""What each run of an operator of the graph gathers and stores, by the rows of operands and tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.replay.placement import nodes_of, resident, seen
from lpxsched.verify.replay.wires import points_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphOperator, GraphTensor
    from lpxsched.verify.replay.movement import Movement
    from lpxsched.verify.replay.placement import Placement, View


class Read(NamedTuple):
    """What a run gathers of one input: for each vector of its view, the row of the movement; `NONE` for no operand."""

    tensor: str
    layout: str
    view: View
    moved: Integers


class Write(NamedTuple):
    """Where a run stores an output: `stored` vectors of the output's part from `cut` on, from a point on."""

    tensor: str
    cut: int
    stored: int
    point: int


@dataclass(frozen=True, slots=True)
class Run:
    """One operator of the graph on one shard.

    Attributes
    ----------
    row, number, shard : int
        Row of ``operators.parquet``; number of the operator in the graph.
    reads : tuple of Read
    writes : tuple of Write
    ready : bool
        False where it lacks what should be resident.
    faults : tuple of str
        Operands that lie beyond what it has use for, and what is not resident.
    """

    row: int
    number: int
    shard: int
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    ready: bool
    faults: tuple[str, ...]


class _Gathered(NamedTuple):
    """Vectors that one operator reads of one tensor of the graph: which ones, and their rows of the movement."""

    vector: Integers
    moved: Integers


def runs_of(build: Build, moved: Movement, placement: Placement) -> Iterator[Run]:
    """Yield every run of the graph that has a row."""
    graph = {tensor.name: tensor for tensor in build.graph.tensors}
    gathered, stored, lacking = _gathered(build, moved), _stored(build), _Residents(build)
    for (number, shard), row in sorted(placement.rows.items(), key=lambda item: item[1]):
        operator = build.graph.operators[number]
        width = len(nodes_of(build, operator))
        mine = gathered.get(row, {})
        reads = tuple(_read(operator, place, graph, mine, width, shard) for place in range(len(operator.inputs)))
        lacks = lacking.of(row, operator, shard)
        faults = [*_strange(operator, reads, mine), *(f"does not read its {name}" for name in lacks)]
        writes = tuple(
            Write(name, offset - seen(graph[name], graph[name].vectors, width, shard).first, vectors, point)
            for name, offset, vectors, point in stored.get(row, [])
            if name in operator.outputs
        )
        told = tuple(f"operator {row} ({operator.name}, shard {shard}) {fault}" for fault in faults)
        yield Run(row, number, shard, reads, writes, not lacks, told)


def _read(
    operator: GraphOperator,
    place: int,
    graph: dict[str, GraphTensor],
    gathered: dict[str, _Gathered],
    width: int,
    shard: int,
) -> Read:
    """Return what a run gathers of its input at a place."""
    read = operator.inputs[place]
    view = seen(read, graph[read.tensor].vectors, width, shard)
    rows = np.full(view.vectors, NONE, dtype=np.int64)
    if read.tensor in gathered:
        vector, moved = gathered[read.tensor]
        inside = (vector >= view.first) & (vector < view.end)
        rows[vector[inside] - view.first] = moved[inside]
    return Read(read.tensor, read.layout, view, rows)


def _strange(operator: GraphOperator, reads: tuple[Read, ...], gathered: dict[str, _Gathered]) -> Iterator[str]:
    """Yield what a run reads twice, beyond its part, or for nothing."""
    for name in gathered.keys() - {read.tensor for read in reads}:
        yield f"reads {name}, which it has no use for"
    for read in reads:
        if read.tensor in gathered and len(gathered[read.tensor].vector) > np.count_nonzero(read.moved != NONE):
            yield f"reads vectors of {read.tensor} twice, or beyond those that it needs"


def _gathered(build: Build, moved: Movement) -> dict[int, dict[str, _Gathered]]:
    """Return what each operator reads, by row of ``operators.parquet`` and name of the tensor of the graph."""
    names, name = np.unique(build.tensors.name, return_inverse=True)
    operands = build.operands
    tensor = operands.tensor[moved.operand]
    vector = build.tensors.offset[tensor] + operands.first_vector[moved.operand] + moved.k
    key = operands.operator[moved.operand] * len(names) + name[tensor]
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    found: dict[int, dict[str, _Gathered]] = {}
    for one, rows in zip(keys.tolist(), np.split(order, first[1:]), strict=bool(len(keys))):
        row, number = divmod(one, len(names))
        found.setdefault(row, {})[str(names[number])] = _Gathered(vector[rows], rows)
    return found


def _stored(build: Build) -> dict[int, list[tuple[str, int, int, int]]]:
    """Return name, offset, vectors and first point of the tensors of each operator."""
    tensors = build.tensors
    found: dict[int, list[tuple[str, int, int, int]]] = {}
    made = np.flatnonzero(tensors.producer != NONE)
    point = points_of(build, made, np.zeros_like(made))
    columns = (tensors.producer[made], tensors.name[made], tensors.offset[made], tensors.vectors[made], point)
    for row, *part in zip(*(column.tolist() for column in columns), strict=True):
        found.setdefault(row, []).append(tuple(part))
    return found


class _Residents:
    """What is held on chips from the beginning, and which operators read all of it."""

    def __init__(self, build: Build) -> None:
        tensors, operands = build.tensors, build.operands
        self.chip = build.operators.chip
        held = np.flatnonzero(tensors.producer == NONE)
        self.held = set(zip(tensors.name[held].tolist(), tensors.chip[held].tolist(), strict=True))
        whole = (operands.first_vector == 0) & (operands.vectors == tensors.vectors[operands.tensor])
        there = tensors.chip[operands.tensor] == build.operators.chip[operands.operator]
        rows = np.flatnonzero((operands.role == WEIGHT) & whole & there)
        names = tensors.name[operands.tensor[rows]]
        self.read = set(zip(operands.operator[rows].tolist(), names.tolist(), strict=True))

    def of(self, row: int, operator: GraphOperator, shard: int) -> list[str]:
        """Return what an operator should keep on its chip but does not read there; later shards may hold nothing."""
        return [
            name
            for name, layout in resident(operator)
            if (row, name) not in self.read
            and (layout != "sharded" or shard == 0 or (name, int(self.chip[row])) in self.held)
        ]

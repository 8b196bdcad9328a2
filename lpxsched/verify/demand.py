"""What ``graph.json`` asks for: which operators run where, and what each of them reads and writes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Flags, Integers, Text
    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphSegment, GraphTensor
    from lpxsched.timetable.reader import Build

# segment, layer, kind, shard
Key = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class DemandedOperator:
    """One run of an operator of the graph on one node; `number` counts the operators of the graph."""

    key: Key
    number: int
    node: int
    unit: str


class Access(NamedTuple):
    """A tensor of the graph, by its number, as an operator reads or writes it; see `GraphTensor` and `GraphInput`."""

    tensor: int
    vectors: int
    layout: str
    shard: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What operators of ``operators.parquet`` read or write of tensors of the graph; sorted by operator and tensor.

    Attributes
    ----------
    operator : ndarray of int64, shape (views,)
    tensor : ndarray of int64, shape (views,)
        Number of the tensor in the graph.
    layout : ndarray of str, shape (views,)
        Layout in which the operator sees the tensor.
    first, vectors : ndarray of int64, shape (views,)
        Its part of the tensor.
    """

    operator: Integers
    tensor: Integers
    layout: Text
    first: Integers
    vectors: Integers

    def __len__(self) -> int:
        return len(self.operator)

    def find(self, operator: Integers, tensor: Integers) -> Integers:
        """Return the view of each pair of an operator and a tensor of the graph; -1 where there is none."""
        if not len(self):
            return np.full(len(operator), -1, dtype=np.int64)
        width = 1 + max(int(self.tensor.max()), int(tensor.max(initial=0)))
        keys, wanted = self.operator * width + self.tensor, operator * width + tensor
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((tensor >= 0) & (keys[place] == wanted), place, -1)


def share(vectors: int, width: int, shard: Integers) -> tuple[Integers, Integers]:
    """Return first vector and length of some of `width` contiguous shares; the first ones may be longer."""
    size, longer = divmod(vectors, width)
    return shard * size + np.minimum(shard, longer), size + (shard < longer)


def demanded_operators(graph: GraphFile) -> dict[Key, DemandedOperator]:
    """Return every run that the graph and its partition ask for."""
    numbers = _numbers(graph)
    segment_of = {layer: segment for segment in graph.segments for layer in segment.layers}
    runs = (
        run
        for number, operator in enumerate(graph.operators)
        for run in _runs(graph, numbers, number, operator, segment_of[operator.layer])
    )
    return {run.key: run for run in runs}


def operator_keys(build: Build) -> list[Key]:
    """Return segment, layer, kind and shard of each row of ``operators.parquet``."""
    table = build.operators
    columns = (table.segment.tolist(), table.layer.tolist(), table.kind.tolist(), table.shard.tolist())
    return list(zip(*columns, strict=True))


def of_the_graph(build: Build) -> Flags:
    """Return whether the graph asks for each row of ``operators.parquet``; it does not for sums."""
    demanded = demanded_operators(build.graph)
    return np.array([key in demanded for key in operator_keys(build)], dtype=np.bool_)


def graph_tensors(build: Build) -> Integers:
    """Return the number in the graph of each row of ``tensors.parquet``, -1 for names that are not there."""
    numbers = _numbers(build.graph)
    return np.array([numbers.get(name, -1) for name in build.tensors.name.tolist()], dtype=np.int64)


def input_views(build: Build) -> Views:
    """Return what every operator of the graph that runs must read."""
    return _views(build, reads=True)


def output_views(build: Build) -> Views:
    """Return what every operator of the graph that runs must write."""
    return _views(build, reads=False)


def _numbers(graph: GraphFile) -> dict[str, int]:
    return {tensor.name: number for number, tensor in enumerate(graph.tensors)}


def _nodes(operator: GraphOperator, segment: GraphSegment) -> list[int]:
    return segment.chips if operator.place == "chips" else segment.hosts


def _runs(
    graph: GraphFile, numbers: dict[str, int], number: int, operator: GraphOperator, segment: GraphSegment
) -> Iterator[DemandedOperator]:
    nodes = _nodes(operator, segment)
    runs = np.ones(len(nodes), dtype=np.bool_)
    if operator.place == "hosts":
        # A host that has no vector of any tensor to handle runs nothing.
        shards = np.arange(len(nodes), dtype=np.int64)
        accesses = [*_reads(graph, numbers, operator), *_writes(graph, numbers, operator)]
        runs = np.any([_part(access, len(nodes), shards)[1] > 0 for access in accesses], axis=0) & runs
    for shard in np.flatnonzero(runs).tolist():
        key = (segment.segment, operator.layer, operator.kind, shard)
        yield DemandedOperator(key, number, nodes[shard], operator.unit)


def _reads(graph: GraphFile, numbers: dict[str, int], operator: GraphOperator) -> Iterator[Access]:
    for read in operator.inputs:
        number = numbers[read.tensor]
        yield Access(number, graph.tensors[number].vectors, read.layout, read.shard)


def _writes(graph: GraphFile, numbers: dict[str, int], operator: GraphOperator) -> Iterator[Access]:
    for name in operator.outputs:
        tensor: GraphTensor = graph.tensors[numbers[name]]
        yield Access(numbers[name], tensor.vectors, tensor.layout, tensor.shard)


def _part(access: Access, width: int, shard: Integers) -> tuple[Integers, Integers]:
    """Return first vector and length of what some shards see of a tensor."""
    if access.layout == "sharded":
        return share(access.vectors, width, shard)
    everything = np.full(len(shard), access.vectors, dtype=np.int64)
    sees = shard == access.shard if access.layout == "single" else np.ones(len(shard), dtype=np.bool_)
    return np.zeros_like(shard), np.where(sees, everything, 0)


def _views(build: Build, *, reads: bool) -> Views:
    graph, numbers = build.graph, _numbers(build.graph)
    segment_of = {layer: segment for segment in graph.segments for layer in segment.layers}
    columns: list[list[np.ndarray]] = [[np.zeros(0, dtype=kind)] for kind in ("i8", "i8", "U1", "i8", "i8")]
    for number, rows in _running(build).items():
        operator = graph.operators[number]
        width, shard = len(_nodes(operator, segment_of[operator.layer])), build.operators.shard[rows]
        for access in (_reads if reads else _writes)(graph, numbers, operator):
            tensor = np.full(len(rows), access.tensor, dtype=np.int64)
            view = (rows, tensor, np.full(len(rows), access.layout), *_part(access, width, shard))
            for column, part in zip(columns, view, strict=True):
                column.append(part)
    whole = [np.concatenate(column) for column in columns]
    order = np.lexsort((whole[1], whole[0]))
    return Views(*(column[order] for column in whole))


def _running(build: Build) -> dict[int, Integers]:
    """Return the rows of ``operators.parquet`` that are runs of each operator of the graph."""
    demanded = demanded_operators(build.graph)
    rows: dict[int, list[int]] = defaultdict(list)
    for row, key in enumerate(operator_keys(build)):
        if key in demanded:
            rows[demanded[key].number].append(row)
    return {number: np.array(found, dtype=np.int64) for number, found in rows.items()}

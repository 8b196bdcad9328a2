"""What ``graph.json`` asks for: which operators run where, and what each of them reads and writes.

Builds do not change. Several rules ask the same of one build, so that what was derived last is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers, Text
    from lpxsched.timetable.documents import GraphFile, GraphGroup, GraphOperator, GraphTensor, ShardRuns

# Where chips poll: what says that the rows of a host are there, and what reads it on each chip, relays included.
FLAGS, BRANCH = "flags", "branch"
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
    runs: ShardRuns | None


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
        """Return the view of each pair of an operator and a tensor of the graph; `NONE` where there is none."""
        if not len(self):
            return np.full(len(operator), NONE, dtype=np.int64)
        width = 1 + max(int(self.tensor.max()), int(tensor.max(initial=0)))
        keys, wanted = self.operator * width + self.tensor, operator * width + tensor
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((tensor >= 0) & (keys[place] == wanted), place, NONE)


def share(vectors: int, width: int, shard: Integers) -> tuple[Integers, Integers]:
    """Return first vector and length of some of `width` contiguous shares; the first ones may be longer."""
    size, longer = divmod(vectors, width)
    return shard * size + np.minimum(shard, longer), size + (shard < longer)


@lru_cache(maxsize=1)
def demanded_operators(build: Build) -> dict[Key, DemandedOperator]:
    """Return every run that the graph and its partition ask for."""
    graph = build.graph
    numbers, groups = _numbers(graph), _groups_of_layers(build)
    segment_of = {layer: segment.segment for segment in graph.segments for layer in segment.layers}
    runs = (
        DemandedOperator(
            (segment_of[operator.layer], operator.layer, operator.kind, shard), number, node, operator.unit
        )
        for number, operator in enumerate(graph.operators)
        for shard, node in _runs(graph, numbers, operator, groups[operator.layer])
    )
    return {run.key: run for run in runs}


@lru_cache(maxsize=1)
def operator_keys(build: Build) -> list[Key]:
    """Return segment, layer, kind and shard of each row of ``operators.parquet``."""
    table = build.operators
    columns = (table.segment.tolist(), table.layer.tolist(), table.kind.tolist(), table.shard.tolist())
    return list(zip(*columns, strict=True))


@lru_cache(maxsize=1)
def graph_operators(build: Build) -> Integers:
    """Return the number in the graph of each row of ``operators.parquet``; `NONE` for sums and what it does not ask."""
    demanded = demanded_operators(build)
    found = map(demanded.get, operator_keys(build))
    return np.array([NONE if run is None else run.number for run in found], dtype=np.int64)


def of_the_graph(build: Build) -> Flags:
    """Return whether the graph asks for each row of ``operators.parquet``; it does not for sums."""
    return np.asarray(graph_operators(build) != NONE)


@lru_cache(maxsize=1)
def running(build: Build) -> dict[int, Integers]:
    """Return the rows of ``operators.parquet`` that are runs of each operator of the graph."""
    number = graph_operators(build)
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], np.arange(len(build.graph.operators) + 1))
    rows = np.split(order, first)[1:-1]
    return {number: mine for number, mine in enumerate(rows) if len(mine)}


def width_of(build: Build, operator: GraphOperator) -> int:
    """Return over how many chips or hosts the runs of an operator are spread."""
    return len(_nodes(operator, _groups_of_layers(build)[operator.layer]))


@lru_cache(maxsize=1)
def graph_tensors(build: Build) -> Integers:
    """Return the number in the graph of each row of ``tensors.parquet``, `NONE` for names that are not there."""
    numbers = _numbers(build.graph)
    return np.array([numbers.get(name, NONE) for name in build.tensors.name.tolist()], dtype=np.int64)


@lru_cache(maxsize=1)
def input_views(build: Build) -> Views:
    """Return what every operator of the graph that runs must read."""
    return _views(build, reads=True)


@lru_cache(maxsize=1)
def output_views(build: Build) -> Views:
    """Return what every operator of the graph that runs must write."""
    return _views(build, reads=False)


@lru_cache(maxsize=1)
def _groups_of_layers(build: Build) -> dict[int, GraphGroup]:
    return build.graph.groups_of_layers()


def _numbers(graph: GraphFile) -> dict[str, int]:
    return {tensor.name: number for number, tensor in enumerate(graph.tensors)}


def _nodes(operator: GraphOperator, group: GraphGroup) -> list[int]:
    if operator.place == "hosts":
        return group.hosts
    return group.members if operator.kind == BRANCH else group.chips


def _runs(
    graph: GraphFile, numbers: dict[str, int], operator: GraphOperator, group: GraphGroup
) -> Iterator[tuple[int, int]]:
    """Yield shard and node of each run of an operator."""
    nodes = _nodes(operator, group)
    runs = np.ones(len(nodes), dtype=np.bool_)
    if operator.place == "hosts":
        # A host that has no vector of any tensor to handle runs nothing.
        shards = np.arange(len(nodes), dtype=np.int64)
        accesses = [*_reads(graph, numbers, operator), *_writes(graph, numbers, operator)]
        runs = np.any([_part(access, len(nodes), shards)[1] > 0 for access in accesses], axis=0) & runs
    for shard in np.flatnonzero(runs).tolist():
        yield shard, nodes[shard]


def _reads(graph: GraphFile, numbers: dict[str, int], operator: GraphOperator) -> Iterator[Access]:
    for read in operator.inputs:
        number = numbers[read.tensor]
        yield Access(number, graph.tensors[number].vectors, read.layout, read.shard, read.runs)


def _writes(graph: GraphFile, numbers: dict[str, int], operator: GraphOperator) -> Iterator[Access]:
    for name in operator.outputs:
        tensor: GraphTensor = graph.tensors[numbers[name]]
        yield Access(numbers[name], tensor.vectors, tensor.layout, tensor.shard, tensor.runs)


def _part(access: Access, width: int, shard: Integers) -> tuple[Integers, Integers]:
    """Return first vector and length of what some shards see of a tensor."""
    if access.layout == "sharded":
        return share(access.vectors, width, shard)
    if access.runs is not None:
        first, vectors = np.array(access.runs, dtype=np.int64).reshape(-1, 2).T
        return first[shard], vectors[shard]
    everything = np.full(len(shard), access.vectors, dtype=np.int64)
    sees = shard == access.shard if access.layout == "single" else np.ones(len(shard), dtype=np.bool_)
    return np.zeros_like(shard), np.where(sees, everything, 0)


def _views(build: Build, *, reads: bool) -> Views:
    graph, numbers = build.graph, _numbers(build.graph)
    groups = _groups_of_layers(build)
    columns: list[list[np.ndarray]] = [[np.zeros(0, dtype=kind)] for kind in ("i8", "i8", "U1", "i8", "i8")]
    for number, rows in running(build).items():
        operator = graph.operators[number]
        width, shard = len(_nodes(operator, groups[operator.layer])), build.operators.shard[rows]
        for access in (_reads if reads else _writes)(graph, numbers, operator):
            tensor = np.full(len(rows), access.tensor, dtype=np.int64)
            view = (rows, tensor, np.full(len(rows), access.layout), *_part(access, width, shard))
            for column, part in zip(columns, view, strict=True):
                column.append(part)
    whole = [np.concatenate(column) for column in columns]
    order = np.lexsort((whole[1], whole[0]))
    return Views(*(column[order] for column in whole))

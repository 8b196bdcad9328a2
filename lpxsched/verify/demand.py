"""What ``graph.json`` asks for: which operators run where, and what each of them reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphSegment, GraphTensor
    from lpxsched.timetable.reader import Build

# segment, layer, kind, shard
Key = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class View:
    """Vectors ``first .. first + vectors - 1`` of a graph tensor, as one operator reads or writes them.

    Attributes
    ----------
    tensor : GraphTensor
    layout : str
        Layout in which the operator sees the tensor.
    first, vectors : int
    """

    tensor: GraphTensor
    layout: str
    first: int
    vectors: int


@dataclass(frozen=True, slots=True)
class DemandedOperator:
    """One run of an operator of the graph on one node."""

    key: Key
    node: int
    unit: str
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]


def share(vectors: int, width: int, shard: int) -> tuple[int, int]:
    """Return first vector and length of one of `width` contiguous shares; the first ones may be longer."""
    size, longer = divmod(vectors, width)
    return shard * size + min(shard, longer), size + (shard < longer)


def demanded_operators(graph: GraphFile) -> dict[Key, DemandedOperator]:
    """Return every run that the graph and its partition ask for."""
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    segment_of = {layer: segment for segment in graph.segments for layer in segment.layers}
    runs = (run for one in graph.operators for run in _runs(one, segment_of[one.layer], tensors))
    return {run.key: run for run in runs}


def operator_keys(build: Build) -> list[Key]:
    """Return segment, layer, kind and shard of each row of ``operators.parquet``."""
    table = build.operators
    columns = (table.segment.tolist(), table.layer.tolist(), table.kind.tolist(), table.shard.tolist())
    return list(zip(*columns, strict=True))


def _runs(
    operator: GraphOperator, segment: GraphSegment, tensors: dict[str, GraphTensor]
) -> Iterator[DemandedOperator]:
    nodes = segment.chips if operator.place == "chips" else segment.hosts
    for shard, node in enumerate(nodes):
        inputs = tuple(_view(tensors[read.tensor], read.layout, len(nodes), shard) for read in operator.inputs)
        written = (tensors[name] for name in operator.outputs)
        outputs = tuple(_view(tensor, tensor.layout, len(nodes), shard) for tensor in written)
        # A host that has no vector of any tensor to handle runs nothing.
        if operator.place == "chips" or any(view.vectors for view in (*inputs, *outputs)):
            key = (segment.segment, operator.layer, operator.kind, shard)
            yield DemandedOperator(key, node, operator.unit, inputs, outputs)


def _view(tensor: GraphTensor, layout: str, width: int, shard: int) -> View:
    first, vectors = share(tensor.vectors, width, shard) if layout == "sharded" else (0, tensor.vectors)
    return View(tensor, layout, first, vectors)

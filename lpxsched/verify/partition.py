"""The second thing that the rules take for granted: the graph and its partition name each thing once.

Every layer is in one segment, segments share no chip, what operators read and write is in the graph, and a
tensor that only one shard holds or reads says which.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from lpxsched.verify.bounds import LARGEST_COUNT, LARGEST_TIME
from lpxsched.verify.violation import GRAPH_FILE, MANIFEST_FILE, Row, Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphSegment

AnyThing = TypeVar("AnyThing", bound="Hashable")

ADD = "add"
SINGLE = "single"


def faults_of_partition(build: Build) -> list[Violation]:
    """Return what keeps the demand from being derived from ``graph.json``."""
    return [
        *_numbers(build),
        *_names(build),
        *_tensors_of_operators(build),
        *_layers(build),
        *_shards(build),
        *_segments(build),
    ]


def _numbers(build: Build) -> Iterator[Violation]:
    period = build.manifest.period
    if not 0 <= period <= LARGEST_TIME:
        yield Violation("R1", f"{MANIFEST_FILE}: period is {period}, must be 0 (runs once) to {LARGEST_TIME}")
    if build.manifest.vector_bytes > LARGEST_COUNT:
        yield Violation("R4", f"{MANIFEST_FILE}: vector_bytes is {build.manifest.vector_bytes}, too large to check")


def _repeated(things: Iterable[AnyThing]) -> list[AnyThing]:
    return [thing for thing, times in Counter(things).items() if times > 1]


def _names(build: Build) -> Iterator[Violation]:
    graph = build.graph
    for name in _repeated(tensor.name for tensor in graph.tensors):
        yield Violation("R3", f"{GRAPH_FILE}: tensor {name} is there more than once")
    for name in _repeated(name for operator in graph.operators for name in operator.outputs):
        yield Violation("R3", f"{GRAPH_FILE}: tensor {name} has more than one producer")
    for kind in _repeated((operator.layer, operator.kind) for operator in graph.operators):
        yield Violation("R3", f"{GRAPH_FILE}: layer and kind {kind} belong to more than one operator")
    for tensor in graph.tensors:
        if max(tensor.vectors, tensor.element_bits) > LARGEST_COUNT:
            yield Violation("R3", f"{GRAPH_FILE}: tensor {tensor.name} is too large to check")


def _tensors_of_operators(build: Build) -> Iterator[Violation]:
    layouts = {tensor.name: tensor.layout for tensor in build.graph.tensors}
    for operator in build.graph.operators:
        inputs = [read.tensor for read in operator.inputs]
        where = f"{GRAPH_FILE}: operator {operator.name}"
        if operator.kind == ADD:
            yield Violation("R3", f"{where} is of kind {ADD}, which is kept for sums")
        for name in sorted({name for name in (*inputs, *operator.outputs) if name not in layouts}):
            yield Violation("R3", f"{where} names tensor {name}, which is not in the graph")
        for name in _repeated(inputs):
            yield Violation("R3", f"{where} reads {name} more than once")
        for read in operator.inputs:
            if read.layout == "partial" and layouts.get(read.tensor, "partial") != "partial":
                yield Violation("R3", f"{where} reads a summand of {read.tensor}, which is no partial sum")


def _layers(build: Build) -> Iterator[Violation]:
    placed = Counter(layer for segment in build.graph.segments for layer in segment.layers)
    for operator in build.graph.operators:
        if placed[operator.layer] != 1:
            where = f"{GRAPH_FILE}: layer {operator.layer} of operator {operator.name}"
            yield Violation("R3", f"{where} is in {placed[operator.layer]} segments, not 1")


def _shards(build: Build) -> Iterator[Violation]:
    """Yield where no one shard follows from what the graph says of a tensor in layout ``single``."""
    graph = build.graph
    width = {layer: len(segment.chips) for segment in graph.segments for layer in segment.layers}
    written = [(tensor.name, "tensor", tensor.layer, tensor.layout, tensor.shard) for tensor in graph.tensors]
    read = [
        (one.name, f"input {read.tensor} of operator", one.layer, read.layout, read.shard)
        for one in graph.operators
        for read in one.inputs
    ]
    for name, what, layer, layout, shard in (*written, *read):
        where = f"{GRAPH_FILE}: {what} {name} is {layout}"
        if layout != SINGLE and shard is not None:
            yield Violation("R3", f"{where}, but names shard {shard}")
        elif layout == SINGLE and shard is None:
            yield Violation("R3", f"{where}, but names no shard")
        elif shard is not None and shard >= width.get(layer, 0):
            yield Violation("R3", f"{where} on shard {shard}; layer {layer} has {width.get(layer, 0)} shards")


def members(segment: GraphSegment) -> list[int]:
    """Return the chips of a segment: those that take part, in the order of shards, then its relays."""
    return [*segment.chips, *segment.relays]


def _segments(build: Build) -> Iterator[Violation]:
    listed = build.graph.segments
    numbers = [segment.segment for segment in listed]
    if numbers != list(range(len(build.segments))):
        message = f"{GRAPH_FILE}: segments are {numbers}, segments.parquet has {len(build.segments)} of them"
        yield Violation("R1", message)
        return
    hosted = {operator.layer for operator in build.graph.operators if operator.place == "hosts"}
    hosted |= {tensor.layer for tensor in build.graph.tensors if tensor.place == "hosts"}
    for row, segment in enumerate(listed):
        yield from _ends(build, row, segment, hosts=not hosted.isdisjoint(segment.layers))
    for chip in _repeated(chip for segment in listed for chip in members(segment)):
        owners = [row for row, segment in enumerate(listed) if chip in members(segment)]
        message = f"chip {chip} is listed more than once in segments {owners}; segments share no chip"
        yield Violation("R1", message, rows_of(build.segments, *owners))


def _ends(build: Build, row: int, segment: GraphSegment, *, hosts: bool) -> Iterator[Violation]:
    rows = (*rows_of(build.segments, row), Row(GRAPH_FILE, row))
    chips = segment.chips
    if not chips or ((segment.hosts or hosts) and len(chips) != len(segment.hosts)):
        yield Violation("R1", f"segment {row} has {len(chips)} chips and {len(segment.hosts)} hosts of them", rows)
    if build.segments.chips[row].tolist() != chips:
        message = f"segment {row} has chips {build.segments.chips[row].tolist()}, in {GRAPH_FILE} {chips}"
        yield Violation("R1", message, rows)
    for nodes, host in ((members(segment), False), (segment.hosts, True)):
        for node in nodes:
            if node >= len(build.chips) or bool(build.chips.host[node]) != host:
                yield Violation("R1", f"segment {row} names node {node}, no {'host' if host else 'chip'}", rows)

"""The second thing that the rules take for granted: the graph and its partition name each thing once.

Every layer has a group and is in one segment, what operators read and write is in the graph, and a tensor of which only
some shards hold or read a part says which.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from lpxsched.verify.bounds import LARGEST_COUNT
from lpxsched.verify.violation import GRAPH_FILE, Violation, told_wrong

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphGroup, GraphInput, GraphTensor

AnyThing = TypeVar("AnyThing", bound="Hashable")

ADD = "add"
SINGLE, RESERVED, PARTIAL = "single", "reserved", "partial"


def faults_of_partition(build: Build) -> list[Violation]:
    """Return what keeps the demand from being derived from ``graph.json``."""
    numbers = [*_numbers(build), *_placed(build)]
    if numbers:
        return numbers
    return [*_names(build), *_tensors_of_operators(build), *_shards(build), *_groups(build)]


def _numbers(build: Build) -> Iterator[Violation]:
    if build.manifest.vector_bytes > LARGEST_COUNT:
        yield told_wrong("R4", f"vector_bytes is {build.manifest.vector_bytes}, too large to check")
    graph = build.graph
    if len(build.operators) and not graph.operators:
        yield Violation("R4", f"{GRAPH_FILE}: no operators, {build.operators.file} has {len(build.operators)} of them")
    segments, groups = [one.segment for one in graph.segments], [one.group for one in graph.groups]
    if segments != list(range(len(build.segments))):
        message = f"{GRAPH_FILE}: segments are {segments}, segments.parquet has {len(build.segments)} of them"
        yield Violation("R1", message)
    if groups != list(range(len(groups))):
        yield Violation("R1", f"{GRAPH_FILE}: groups are {groups}, must count from 0")


def _placed(build: Build) -> Iterator[Violation]:
    """Yield layers that are not on one group and in one segment."""
    graph = build.graph
    grouped = Counter(row.layer for row in graph.layers if row.group < len(graph.groups))
    placed = Counter(layer for segment in graph.segments for layer in segment.layers)
    of_operators = {one.layer: f" of operator {one.name}" for one in reversed(graph.operators)}
    of_tensors = {one.layer: f" of tensor {one.name}" for one in reversed(graph.tensors)}
    named = (
        dict.fromkeys((row.layer for row in graph.layers), "") | dict.fromkeys(placed, "") | of_tensors | of_operators
    )
    for layer, whose in sorted(named.items()):
        if placed[layer] != 1:
            yield Violation("R3", f"{GRAPH_FILE}: layer {layer}{whose} is in {placed[layer]} segments, not 1")
        if grouped[layer] != 1:
            yield Violation("R3", f"{GRAPH_FILE}: layer {layer}{whose} is on {grouped[layer]} groups, not 1")


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
    yield from _shared(build)
    for tensor in graph.tensors:
        if max(tensor.vectors, tensor.element_bits) > LARGEST_COUNT:
            yield Violation("R3", f"{GRAPH_FILE}: tensor {tensor.name} is too large to check")


def _shared(build: Build) -> Iterator[Violation]:
    """Yield resident tensors that operators share and do not keep alike, on the same chips and of one type."""
    groups, seen = build.graph.groups_of_layers(), dict[str, tuple[object, ...]]()
    for operator in build.graph.operators:
        for name in _repeated(one.name for one in operator.resident):
            yield Violation("R4", f"{GRAPH_FILE}: operator {operator.name} keeps {name} more than once")
        for one in operator.resident:
            kept = one.dtype, one.layout, tuple(groups[operator.layer].chips)
            if seen.setdefault(one.name, kept) != kept:
                text = f"{GRAPH_FILE}: resident tensor {one.name} is there more than once, and not the same"
                yield Violation("R4", text)


def _tensors_of_operators(build: Build) -> Iterator[Violation]:
    tensors, groups = {tensor.name: tensor for tensor in build.graph.tensors}, build.graph.groups_of_layers()
    for operator in build.graph.operators:
        inputs = [read.tensor for read in operator.inputs]
        where = f"{GRAPH_FILE}: operator {operator.name}"
        if operator.kind == ADD:
            yield Violation("R3", f"{where} is of kind {ADD}, which is kept for sums")
        for name in sorted({name for name in (*inputs, *operator.outputs) if name not in tensors}):
            yield Violation("R3", f"{where} names tensor {name}, which is not in the graph")
        for name in _repeated(inputs):
            yield Violation("R3", f"{where} reads {name} more than once")
        for name in operator.outputs:
            if name in tensors and tensors[name].layer != operator.layer:
                yield Violation("R3", f"{where} of layer {operator.layer} writes {name} of layer {tensors[name].layer}")
        for read in operator.inputs:
            if read.layout == PARTIAL and read.tensor in tensors:
                yield from _summand(where, tensors[read.tensor], groups, operator.layer)


def _summand(where: str, tensor: GraphTensor, groups: dict[int, GraphGroup], layer: int) -> Iterator[Violation]:
    """Yield why an operator cannot read its own summand of a tensor."""
    if tensor.layout != PARTIAL:
        yield Violation("R3", f"{where} reads a summand of {tensor.name}, which is no partial sum")
    elif groups[tensor.layer].chips != groups[layer].chips:
        yield Violation("R3", f"{where} reads a summand of {tensor.name}, which other chips than its own leave")


def _shards(build: Build) -> Iterator[Violation]:
    """Yield where no one shard, or not one run a shard, follows from what the graph says of a tensor."""
    graph, groups = build.graph, build.graph.groups_of_layers()
    vectors = {tensor.name: tensor.vectors for tensor in graph.tensors}
    for tensor in graph.tensors:
        where = f"{GRAPH_FILE}: tensor {tensor.name} is {tensor.layout}"
        yield from _layout(where, tensor, tensor.layer, len(groups[tensor.layer].chips), tensor.vectors)
        ranges = sorted((first, first + count) for first, count in tensor.runs or () if count)
        if any(end > begin for (_, end), (begin, _) in pairwise(ranges)):
            yield Violation("R3", f"{where}, but the runs of its shards overlap")
    for one in graph.operators:
        width = len(groups[one.layer].chips)
        if one.shares is not None and len(one.shares) != width:
            message = f"has {len(one.shares)} shares; layer {one.layer} has {width} shards"
            yield Violation("R4", f"{GRAPH_FILE}: operator {one.name} {message}")
        for read in one.inputs:
            where = f"{GRAPH_FILE}: input {read.tensor} of operator {one.name} is {read.layout}"
            yield from _layout(where, read, one.layer, width, vectors.get(read.tensor, 0))


def _layout(where: str, told: GraphTensor | GraphInput, layer: int, width: int, vectors: int) -> Iterator[Violation]:
    shard, runs = told.shard, told.runs
    if told.layout != SINGLE and shard is not None:
        yield Violation("R3", f"{where}, but names shard {shard}")
    elif told.layout == SINGLE and shard is None:
        yield Violation("R3", f"{where}, but names no shard")
    elif shard is not None and shard >= width:
        yield Violation("R3", f"{where} on shard {shard}; layer {layer} has {width} shards")
    if (told.layout == RESERVED) != (runs is not None):
        yield Violation("R3", f"{where}, but names {'no' if runs is None else len(runs)} runs")
    elif runs is not None and len(runs) != width:
        yield Violation("R3", f"{where} with {len(runs)} runs; layer {layer} has {width} shards")
    elif runs and max(first + count for first, count in runs) > vectors:
        yield Violation("R3", f"{where}, but a run goes beyond its {vectors} vectors")


def _groups(build: Build) -> Iterator[Violation]:
    graph = build.graph
    hosted = {operator.layer for operator in graph.operators if operator.place == "hosts"}
    hosted |= {tensor.layer for tensor in graph.tensors if tensor.place == "hosts"}
    with_hosts = {row.group for row in graph.layers if row.layer in hosted}
    for group in graph.groups:
        where, chips = f"{GRAPH_FILE}: group {group.group}", group.chips
        needs = bool(group.hosts) or group.group in with_hosts
        if not chips or (needs and len(chips) != len(group.hosts)):
            yield Violation("R1", f"{where} has {len(chips)} chips and {len(group.hosts)} hosts of them")
        for chip in _repeated(group.members):
            yield Violation("R1", f"{where} lists node {chip} more than once")
        for nodes, host in ((group.members, False), (group.hosts, True)):
            for node in nodes:
                if node >= len(build.chips) or bool(build.chips.host[node]) != host:
                    yield Violation("R1", f"{where} names node {node}, no {'host' if host else 'chip'}")

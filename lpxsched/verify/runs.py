"""R3 delivery, first part: operators and tensors of the graph are there exactly once, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE, counted
from lpxsched.verify.demand import demanded_operators, graph_tensors, of_the_graph, operator_keys, output_views
from lpxsched.verify.partition import ADD
from lpxsched.verify.violation import GRAPH_FILE, Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.demand import DemandedOperator, Key, Views

RULE = "R3"


def run_violations(build: Build) -> list[Violation]:
    """Return operators and tensors that are missing, there twice, or not asked for."""
    return [*_operators(build), *_adds(build), *_outputs(build), *_weights(build), *_tensors(build)]


def _name(key: Key) -> str:
    segment, layer, kind, shard = key
    return f"{kind} of layer {layer}, shard {shard} of segment {segment}"


def _operators(build: Build) -> Iterator[Violation]:
    table, demanded = build.operators, demanded_operators(build)
    seen: dict[Key, int] = {}
    for row, key in enumerate(operator_keys(build)):
        if key[2] == ADD:
            continue
        if key not in demanded:
            message = f"operator {row} ({_name(key)}) is not asked for by {GRAPH_FILE}"
            yield Violation(RULE, message, rows_of(table, row))
        elif key in seen:
            message = f"{_name(key)} runs twice, as operators {seen[key]} and {row}"
            yield Violation(RULE, message, rows_of(table, seen[key], row))
        else:
            seen[key] = row
            yield from _place(build, row, demanded[key])
    for key in sorted(demanded.keys() - seen.keys()):
        yield Violation(RULE, f"{_name(key)} is missing from {table.file}")


def _place(build: Build, row: int, demanded: DemandedOperator) -> Iterator[Violation]:
    table = build.operators
    node, unit = int(table.chip[row]), str(table.unit[row])
    who = f"operator {row} ({_name(demanded.key)})"
    if node != demanded.node:
        message = f"{who} runs on {named(build, node)}, must run on {named(build, demanded.node)}"
        yield Violation(RULE, message, rows_of(table, row))
    if unit != demanded.unit:
        message = f"{who} runs on unit {unit}, must run on unit {demanded.unit}"
        yield Violation(RULE, message, rows_of(table, row))


def _adds(build: Build) -> Iterator[Violation]:
    table = build.operators
    groups = build.graph.groups_of_layers()
    layers = [set(segment.layers) for segment in build.graph.segments]
    nodes = table.chip.tolist()
    for row, (segment, layer, kind, shard) in enumerate(operator_keys(build)):
        if kind != ADD:
            continue
        if layer not in layers[segment]:
            yield Violation(RULE, f"add {row} of layer {layer} runs in segment {segment}", rows_of(table, row))
            continue
        chips = groups[layer].members
        if not 0 <= shard < len(chips) or chips[shard] != nodes[row]:
            message = f"add {row} runs on {named(build, nodes[row])}, which is not chip {shard} of layer {layer}"
            yield Violation(RULE, message, rows_of(table, row))


def _outputs(build: Build) -> Iterator[Violation]:
    """Yield outputs that an operator of the graph does not produce exactly once, and tensors beyond them."""
    table, views, names = build.tensors, output_views(build), [tensor.name for tensor in build.graph.tensors]
    made = np.flatnonzero(table.producer != NONE)
    view = views.find(table.producer[made], graph_tensors(build)[made])
    for tensor in made[(view < 0) & of_the_graph(build)[table.producer[made]]].tolist():
        message = f"operator {table.producer[tensor]} produces {table.name[tensor]}, no output of it in {GRAPH_FILE}"
        yield Violation(RULE, message, rows_of(table, tensor))
    made, view = made[view >= 0], view[view >= 0]
    times = np.bincount(view, minlength=len(views))
    for row in np.flatnonzero((times != 1) & ((views.vectors > 0) | (times > 0))).tolist():
        operator, mine = views.operator[row], made[view == row].tolist()
        message = f"operator {operator} produces {names[views.tensor[row]]} {times[row]} times, not once"
        yield Violation(RULE, message, (*rows_of(build.operators, operator), *rows_of(table, *mine)))
    yield from _parts(build, views, made, view)


def _parts(build: Build, views: Views, made: Integers, view: Integers) -> Iterator[Violation]:
    """Yield tensors that are another part of their graph tensor, or in another layout, than their producer's output."""
    table = build.tensors
    first, vectors = views.first[view], views.vectors[view]
    wrong = ((table.offset[made] != first) & (vectors > 0)) | (table.vectors[made] != vectors)
    for row in np.flatnonzero(wrong).tolist():
        tensor = made[row]
        message = (
            f"tensor {tensor} holds {counted(int(table.vectors[tensor]), 'vector')} of {table.name[tensor]} from "
            f"{table.offset[tensor]} on, its producer writes {vectors[row]} from {first[row]} on"
        )
        yield Violation(RULE, message, rows_of(table, tensor))
    for row in np.flatnonzero(table.layout[made] != views.layout[view]).tolist():
        tensor = made[row]
        message = f"tensor {tensor} is {table.layout[tensor]}, its producer leaves it {views.layout[view[row]]}"
        yield Violation(RULE, message, rows_of(table, tensor))


def _weights(build: Build) -> Iterator[Violation]:
    table = build.tensors
    for tensor in np.flatnonzero((table.producer < 0) & (graph_tensors(build) >= 0)).tolist():
        message = f"tensor {tensor} is a part of {table.name[tensor]}, but no operator produced it"
        yield Violation(RULE, message, rows_of(table, tensor))
    for tensor in np.flatnonzero((table.producer < 0) & (table.offset != 0)).tolist():
        message = f"tensor {tensor} holds weights with offset {table.offset[tensor]}, must be 0"
        yield Violation(RULE, message, rows_of(table, tensor))


def _tensors(build: Build) -> Iterator[Violation]:
    table, number = build.tensors, graph_tensors(build)
    made = np.flatnonzero(table.producer != NONE)
    node = build.operators.chip[table.producer[made]] if len(made) else made
    for row in np.flatnonzero(table.chip[made] != node).tolist():
        tensor = made[row]
        maker, where = table.producer[tensor], node[row]
        both = named(build, int(table.chip[tensor])), named(build, int(where))
        message = f"tensor {tensor} is on {both[0]}, its producer {maker} runs on {both[1]}"
        yield Violation(RULE, message, rows_of(table, tensor))
    dtypes = np.array([tensor.dtype for tensor in build.graph.tensors] + [""])
    for tensor in made[(number[made] >= 0) & (dtypes[number[made]] != table.dtype[made])].tolist():
        right = dtypes[number[tensor]]
        message = f"tensor {tensor} has dtype {table.dtype[tensor]}, {table.name[tensor]} has {right}"
        yield Violation(RULE, message, rows_of(table, tensor))
    yield from _bytes(build, made[number[made] >= 0])


def _bytes(build: Build, made: Integers) -> Iterator[Violation]:
    """Yield parts of graph tensors whose bytes are not those of their vectors, the padding of rows left out."""
    table, parts = build.tensors, build.graph.tensors
    number = graph_tensors(build)[made]
    row_bytes, row_vectors = (
        np.array([getattr(part, key) for part in parts], dtype=np.int64)[number]
        for key in ("row_bytes", "vectors_per_row")
    )

    def before(vector: Integers) -> Integers:
        row, rest = np.divmod(vector, np.maximum(row_vectors, 1))
        return np.asarray(row * row_bytes + np.minimum(rest * build.manifest.vector_bytes, row_bytes))

    must = before(table.offset[made] + table.vectors[made]) - before(table.offset[made])
    for place in np.flatnonzero(table.bytes[made] != must).tolist():
        tensor = made[place]
        message = f"tensor {tensor} has {table.bytes[tensor]} bytes, its vectors of {table.name[tensor]} {must[place]}"
        yield Violation(RULE, message, rows_of(table, tensor))

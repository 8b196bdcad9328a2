"""R3 delivery, first part: operators and tensors of the graph are there exactly once, and nothing else is."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lpxsched.verify.demand import demanded_operators, operator_keys
from lpxsched.verify.partition import ADD, GRAPH_FILE
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.reader import Build
    from lpxsched.verify.demand import DemandedOperator, Key, View

RULE = "R3"


def run_violations(build: Build) -> list[Violation]:
    """Return operators and tensors that are missing, there twice, or not asked for."""
    return [*_operators(build), *_adds(build), *_outputs(build), *_tensors(build)]


def _name(key: Key) -> str:
    segment, layer, kind, shard = key
    return f"{kind} of layer {layer}, shard {shard} of segment {segment}"


def _operators(build: Build) -> Iterator[Violation]:
    table, demanded = build.operators, demanded_operators(build.graph)
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
    for what, is_, must in (
        ("node", int(table.chip[row]), demanded.node),
        ("unit", str(table.unit[row]), demanded.unit),
    ):
        if is_ != must:
            message = f"operator {row} ({_name(demanded.key)}) runs on {what} {is_}, its {what} is {must}"
            yield Violation(RULE, message, rows_of(table, row))


def _adds(build: Build) -> Iterator[Violation]:
    table, segments = build.operators, build.graph.segments
    for row, (segment, layer, kind, shard) in enumerate(operator_keys(build)):
        if kind != ADD:
            continue
        chips = segments[segment].chips
        if not 0 <= shard < len(chips) or chips[shard] != table.chip[row]:
            message = f"add {row} runs on node {table.chip[row]}, which is not chip {shard} of segment {segment}"
            yield Violation(RULE, message, rows_of(table, row))
        if layer not in segments[segment].layers:
            yield Violation(RULE, f"add {row} of layer {layer} runs in segment {segment}", rows_of(table, row))


def _outputs(build: Build) -> Iterator[Violation]:
    """Yield outputs that an operator of the graph does not produce exactly once, and tensors beyond them."""
    demanded = demanded_operators(build.graph)
    produced: dict[int, list[int]] = defaultdict(list)
    for tensor, producer in enumerate(build.tensors.producer.tolist()):
        produced[producer].append(tensor)
    for row, key in enumerate(operator_keys(build)):
        if key in demanded:
            yield from _outputs_of(build, row, demanded[key].outputs, produced[row])


def _outputs_of(build: Build, row: int, views: tuple[View, ...], made: list[int]) -> Iterator[Violation]:
    table = build.tensors
    for view in views:
        mine = [tensor for tensor in made if table.name[tensor] == view.tensor.name]
        if len(mine) != 1 and (view.vectors or mine):
            message = f"operator {row} produces {view.tensor.name} {len(mine)} times, not once"
            yield Violation(RULE, message, (*rows_of(build.operators, row), *rows_of(table, *mine)))
        for tensor in mine:
            yield from _output(build, tensor, view)
    names = {view.tensor.name for view in views}
    for tensor in made:
        if str(table.name[tensor]) not in names:
            message = f"operator {row} produces {table.name[tensor]}, no output of it in {GRAPH_FILE}"
            yield Violation(RULE, message, rows_of(table, tensor))


def _output(build: Build, tensor: int, view: View) -> Iterator[Violation]:
    table = build.tensors
    first, vectors = int(table.offset[tensor]), int(table.vectors[tensor])
    if (first, vectors) != (view.first, view.vectors) and (vectors or view.vectors):
        message = (
            f"tensor {tensor} holds {vectors} vectors of {view.tensor.name} from {first} on, "
            f"its producer writes {view.vectors} from {view.first} on"
        )
        yield Violation(RULE, message, rows_of(table, tensor))
    if table.layout[tensor] != view.layout:
        message = f"tensor {tensor} is {table.layout[tensor]}, its producer leaves it {view.layout}"
        yield Violation(RULE, message, rows_of(table, tensor))


def _tensors(build: Build) -> Iterator[Violation]:
    table = build.tensors
    graph = {tensor.name: tensor for tensor in build.graph.tensors}
    for tensor, (name, producer) in enumerate(zip(table.name.tolist(), table.producer.tolist(), strict=True)):
        if producer < 0:
            if name in graph:
                message = f"tensor {tensor} is a part of {name}, but no operator produced it"
                yield Violation(RULE, message, rows_of(table, tensor))
            if table.offset[tensor]:
                message = f"tensor {tensor} holds weights with offset {table.offset[tensor]}, must be 0"
                yield Violation(RULE, message, rows_of(table, tensor))
            continue
        node = build.operators.chip[producer]
        if table.chip[tensor] != node:
            message = f"tensor {tensor} is on node {table.chip[tensor]}, its producer {producer} runs on {node}"
            yield Violation(RULE, message, rows_of(table, tensor))
        if name in graph and graph[name].dtype != table.dtype[tensor]:
            message = f"tensor {tensor} has dtype {table.dtype[tensor]}, {name} has {graph[name].dtype}"
            yield Violation(RULE, message, rows_of(table, tensor))

"""R5 reduction: every partial sum is a tensor; expanded down to leaves, each leaf enters exactly once.

A sum has the range of its operands, so all its vectors have the same summands. The summands of a tensor are
the shards whose leaves (tensors that no `add` produced) enter.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE, WEIGHT
from lpxsched.units import NONE, counted
from lpxsched.verify.blocks import blocks
from lpxsched.verify.demand import graph_tensors, input_views, of_the_graph
from lpxsched.verify.partition import ADD
from lpxsched.verify.summands import summands_of, whole_groups
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers
    from lpxsched.verify.summands import Summands

RULE = "R5"


def reduction_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R5."""
    violations = [*_roles(build), *_shapes(build), *_ranges(build)]
    summands = summands_of(build)
    if summands.in_circle:
        return [*violations, _circle(build)]
    complete = _complete(build, summands)
    return [
        *violations,
        *_repeats(build, summands),
        *_layouts(build, summands, complete),
        *_consumers(build, summands, complete),
    ]


def _in_adds(build: Build) -> Flags:
    """Return whether each operand is one of an add."""
    return np.asarray((build.operators.kind == ADD)[build.operands.operator])


def _products(build: Build) -> tuple[Integers, Integers]:
    """Return how many tensors each operator produced, and the last of them (`NONE` for none)."""
    producer = build.tensors.producer
    made = np.flatnonzero(producer >= 0)
    last = np.full(len(build.operators), NONE, dtype=np.int64)
    last[producer[made]] = made
    return np.bincount(producer[made], minlength=len(last)), last


def _roles(build: Build) -> Iterator[Violation]:
    operands = build.operands
    for row in np.flatnonzero(_in_adds(build) != (operands.role == REDUCE)).tolist():
        operator = operands.operator[row]
        who = f"operator {operator} ({build.operators.kind[operator]})"
        message = f"{who} has an operand in role {operands.role[row]}"
        yield Violation(RULE, message, rows_of(operands, row))


def _shapes(build: Build) -> Iterator[Violation]:
    """Yield adds that are no sum of two or more operands, or not of a partial tensor."""
    count = np.bincount(build.operands.operator, minlength=len(build.operators))
    products, last = _products(build)
    number = graph_tensors(build)
    partial = np.array([tensor.layout == "partial" for tensor in build.graph.tensors] + [False])
    adds = build.operators.kind == ADD
    for add in np.flatnonzero(adds & (count < 2)).tolist():
        message = f"add {add} has {counted(int(count[add]), 'operand')}, must have 2 or more"
        yield Violation(RULE, message, rows_of(build.operators, add))
    for add in np.flatnonzero(adds & (products != 1)).tolist():
        message = f"add {add} produces {counted(int(products[add]), 'tensor')}, must produce 1"
        yield Violation(RULE, message, rows_of(build.operators, add))
    single = np.flatnonzero(adds & (products == 1))
    for add in single[~partial[number[last[single]]]].tolist():
        message = f"add {add} sums {build.tensors.name[last[add]]}, which is no partial sum in the graph"
        yield Violation(RULE, message, rows_of(build.operators, add))


def _ranges(build: Build) -> Iterator[Violation]:
    """Yield operands of adds that are not of the same part of the same graph tensor as the result."""
    operands, tensors, number = build.operands, build.tensors, graph_tensors(build)
    products, last = _products(build)
    summed = np.flatnonzero(_in_adds(build))
    for block in blocks(len(summed)):
        rows = summed[block]
        rows = rows[products[operands.operator[rows]] == 1]
        tensor, result = operands.tensor[rows], last[operands.operator[rows]]
        first = tensors.offset[tensor] + operands.first_vector[rows]
        same = (first == tensors.offset[result]) & (operands.vectors[rows] == tensors.vectors[result])
        same &= number[tensor] == number[result]
        unknown = np.flatnonzero(number[tensor] == NONE)
        same[unknown] &= tensors.name[tensor[unknown]] == tensors.name[result[unknown]]
        for place in np.flatnonzero(~same).tolist():
            row, into = rows[place], result[place]
            part = _text(build, tensor[place], first[place], operands.vectors[row])
            whole = _text(build, into, tensors.offset[into], tensors.vectors[into])
            yield Violation(RULE, f"add {operands.operator[row]} sums {part} into {whole}", rows_of(operands, row))


def _text(build: Build, tensor: int, first: int, vectors: int) -> str:
    return f"vectors {first} to {first + vectors - 1} of {build.tensors.name[tensor]}"


def _circle(build: Build) -> Violation:
    """Return one circle of sums that sum each other."""
    producer, adds = build.tensors.producer[build.operands.tensor], build.operators.kind == ADD
    before: dict[int, list[int]] = {add: [] for add in np.flatnonzero(adds).tolist()}
    rows = np.flatnonzero(_in_adds(build) & (producer >= 0) & np.append(adds, False)[producer])
    for add, maker in zip(build.operands.operator[rows].tolist(), producer[rows].tolist(), strict=True):
        before[add].append(maker)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        circle: list[int] = error.args[1]
    text = " -> ".join(map(str, circle))
    return Violation(RULE, f"adds sum each other in a circle: {text}", rows_of(build.operators, *circle))


def _repeats(build: Build, summands: Summands) -> Iterator[Violation]:
    for row, shards in summands.repeats:
        message = f"add {build.operands.operator[row]} takes the summand of shards {shards} more than once"
        yield Violation(RULE, message, rows_of(build.operands, row))


def _complete(build: Build, summands: Summands) -> Flags:
    """Return whether the summands of all chips of the group that computed it enter each tensor; False for weights."""
    number, words = graph_tensors(build), summands.words
    whole = whole_groups(build, words.shape[1])
    made = np.flatnonzero((build.tensors.producer >= 0) & (number >= 0))
    complete = np.zeros(len(number), dtype=np.bool_)
    complete[made] = (words[made] == whole[number[made]]).all(axis=1)
    return complete


def _layouts(build: Build, summands: Summands, complete: Flags) -> Iterator[Violation]:
    tensors = build.tensors
    sums = (tensors.producer >= 0) & np.append(build.operators.kind == ADD, False)[tensors.producer]
    layout = np.where(complete, "sharded", "partial")
    for tensor in np.flatnonzero(sums & (tensors.layout != layout)).tolist():
        what = (
            "the sum of all summands" if complete[tensor] else f"only the sum of shards {summands.shards(int(tensor))}"
        )
        message = f"tensor {tensor} says {tensors.layout[tensor]} but is {what}"
        yield Violation(RULE, message, rows_of(tensors, tensor))


def _consumers(build: Build, summands: Summands, complete: Flags) -> Iterator[Violation]:
    """Yield operands that take a part of a sum for the whole."""
    operands, views, number = build.operands, input_views(build), graph_tensors(build)
    partial = np.array([tensor.layout == "partial" for tensor in build.graph.tensors] + [False])
    open_sums = partial[number] & ~complete
    rows = np.flatnonzero(open_sums[operands.tensor] & of_the_graph(build)[operands.operator])
    rows = rows[operands.role[rows] != WEIGHT]
    view = views.find(operands.operator[rows], number[operands.tensor[rows]])
    rows, view = rows[view >= 0], view[view >= 0]
    for row in rows[views.layout[view] != "partial"].tolist():
        operator, tensor = operands.operator[row], operands.tensor[row]
        message = (
            f"operator {operator} ({build.operators.kind[operator]}) reads {build.tensors.name[tensor]} whole, but "
            f"tensor {tensor} is only the sum of shards {summands.shards(int(tensor))}"
        )
        yield Violation(RULE, message, rows_of(operands, row))

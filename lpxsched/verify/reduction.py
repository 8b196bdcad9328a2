"""R5 reduction: every partial sum is a tensor; expanded down to leaves, each leaf enters exactly once.

A sum has the range of its operands, so all its vectors have the same summands. The summands of a tensor are
the shards whose leaves (tensors that no `add` produced) enter, kept as one bit a shard.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE, WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.demand import graph_tensors, input_views
from lpxsched.verify.partition import ADD
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

RULE = "R5"


def reduction_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R5."""
    violations = [*_roles(build), *_shapes(build), *_ranges(build)]
    summands = _summands(build)
    order, circle = _order(build, summands)
    if circle:
        text = " -> ".join(map(str, circle))
        return [
            *violations,
            Violation(RULE, f"adds sum each other in a circle: {text}", rows_of(build.operators, *circle)),
        ]
    shards, repeats = _expand(build, summands, order)
    complete = _complete(build, shards)
    return [*violations, *repeats, *_layouts(build, shards, complete), *_consumers(build, shards, complete)]


def _in_adds(build: Build) -> Flags:
    """Return whether each operand is one of an add."""
    return np.asarray((build.operators.kind == ADD)[build.operands.operator])


def _summands(build: Build) -> dict[int, list[int]]:
    """Return the operand rows of each add, weights included."""
    rows: dict[int, list[int]] = {add: [] for add in np.flatnonzero(build.operators.kind == ADD).tolist()}
    found = np.flatnonzero(_in_adds(build))
    for row, add in zip(found.tolist(), build.operands.operator[found].tolist(), strict=True):
        rows[add].append(row)
    return rows


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
        message = f"add {add} has {count[add]} operands, must have 2 or more"
        yield Violation(RULE, message, rows_of(build.operators, add))
    for add in np.flatnonzero(adds & (products != 1)).tolist():
        message = f"add {add} produces {products[add]} tensors, must produce 1"
        yield Violation(RULE, message, rows_of(build.operators, add))
    single = np.flatnonzero(adds & (products == 1))
    for add in single[~partial[number[last[single]]]].tolist():
        message = f"add {add} sums {build.tensors.name[last[add]]}, which is no partial sum in the graph"
        yield Violation(RULE, message, rows_of(build.operators, add))


def _ranges(build: Build) -> Iterator[Violation]:
    """Yield operands of adds that are not of the same part of the same graph tensor as the result."""
    operands, tensors = build.operands, build.tensors
    products, last = _products(build)
    rows = np.flatnonzero(_in_adds(build))
    rows = rows[products[operands.operator[rows]] == 1]
    tensor, result = operands.tensor[rows], last[operands.operator[rows]]
    first = tensors.offset[tensor] + operands.first_vector[rows]
    same = (first == tensors.offset[result]) & (operands.vectors[rows] == tensors.vectors[result])
    same &= tensors.name[tensor] == tensors.name[result]
    for place in np.flatnonzero(~same).tolist():
        row, into = rows[place], result[place]
        part = _text(build, tensor[place], first[place], operands.vectors[row])
        whole = _text(build, into, tensors.offset[into], tensors.vectors[into])
        yield Violation(RULE, f"add {operands.operator[row]} sums {part} into {whole}", rows_of(operands, row))


def _text(build: Build, tensor: int, first: int, vectors: int) -> str:
    return f"vectors {first} to {first + vectors - 1} of {build.tensors.name[tensor]}"


def _order(build: Build, summands: dict[int, list[int]]) -> tuple[list[int], list[int]]:
    """Return the adds, those of operands first; or the adds of a circle."""
    adds, start, rows = np.array(list(summands), dtype=np.int64), build.operators.start, _in_adds(build)
    add, before = build.operands.operator[rows], build.tensors.producer[build.operands.tensor[rows]]
    of_sums = np.append(build.operators.kind == ADD, False)[before]
    add, before = add[of_sums], before[of_sums]
    # Where adds start after those whose sums they take, as in all that is right, there is no circle.
    if (start[before] < start[add]).all():
        return adds[np.argsort(start[adds], kind="stable")].tolist(), []
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(summands, ()))
    for one, other in zip(add.tolist(), before.tolist(), strict=True):
        sorter.add(one, other)
    try:
        return list(sorter.static_order()), []
    except CycleError as error:
        return [], [int(add) for add in error.args[1]]


def _expand(build: Build, summands: dict[int, list[int]], order: list[int]) -> tuple[list[int], list[Violation]]:
    """Return the shards that enter each tensor, one bit each, and the summands that enter one twice."""
    producer, shard = build.tensors.producer.tolist(), build.operators.shard.tolist()
    products: dict[int, list[int]] = {add: [] for add in summands}
    shards = [0] * len(producer)
    for tensor, maker in enumerate(producer):
        if maker in products:
            products[maker].append(tensor)
        elif maker >= 0 and shard[maker] < len(build.chips):
            shards[tensor] = 1 << max(shard[maker], 0)
    tensor_of = build.operands.tensor.tolist()
    repeats: list[Violation] = []
    for add in order:
        total = 0
        for row in summands[add]:
            part = shards[tensor_of[row]]
            if total & part:
                message = f"add {add} takes the summand of shards {_bits(total & part)} more than once"
                repeats.append(Violation(RULE, message, rows_of(build.operands, row)))
            total |= part
        for tensor in products[add]:
            shards[tensor] = total
    return shards, repeats


def _bits(shards: int) -> list[int]:
    return [bit for bit in range(shards.bit_length()) if shards >> bit & 1]


def _complete(build: Build, shards: list[int]) -> Flags:
    """Return whether the summands of all chips of the group that computed it enter each tensor; False for weights."""
    groups = build.graph.groups_of_layers()
    whole = [(1 << len(groups[tensor.layer].chips)) - 1 for tensor in build.graph.tensors]
    made = zip(shards, graph_tensors(build).tolist(), build.tensors.producer.tolist(), strict=True)
    return np.array([maker >= 0 <= name and part == whole[name] for part, name, maker in made], dtype=np.bool_)


def _layouts(build: Build, shards: list[int], complete: Flags) -> Iterator[Violation]:
    tensors = build.tensors
    sums = (tensors.producer >= 0) & np.append(build.operators.kind == ADD, False)[tensors.producer]
    for tensor in np.flatnonzero(sums & (complete == (tensors.layout == "partial"))).tolist():
        what = "the sum of all summands" if complete[tensor] else f"only the sum of shards {_bits(shards[tensor])}"
        message = f"tensor {tensor} says {tensors.layout[tensor]} but is {what}"
        yield Violation(RULE, message, rows_of(tensors, tensor))


def _consumers(build: Build, shards: list[int], complete: Flags) -> Iterator[Violation]:
    """Yield operands that take a part of a sum for the whole."""
    operands, views, number = build.operands, input_views(build), graph_tensors(build)
    rows = np.flatnonzero((operands.role != WEIGHT) & ~complete[operands.tensor])
    view = views.find(operands.operator[rows], number[operands.tensor[rows]])
    rows, view = rows[view >= 0], view[view >= 0]
    partial = np.array([tensor.layout == "partial" for tensor in build.graph.tensors] + [False])
    for row in rows[partial[views.tensor[view]] & (views.layout[view] != "partial")].tolist():
        operator, tensor = operands.operator[row], operands.tensor[row]
        message = (
            f"operator {operator} ({build.operators.kind[operator]}) reads {build.tensors.name[tensor]} whole, but "
            f"tensor {tensor} is only the sum of shards {_bits(shards[tensor])}"
        )
        yield Violation(RULE, message, rows_of(operands, row))

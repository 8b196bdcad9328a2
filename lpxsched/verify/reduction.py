"""R5 reduction: every partial sum is a tensor; expanded down to leaves, each leaf enters exactly once.

A sum has the range of its operands, so all its vectors have the same summands. The summands of a tensor are
the shards whose leaves (tensors that no `add` produced) enter, kept as one bit a shard.
"""

from __future__ import annotations

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE, WEIGHT
from lpxsched.verify.demand import demanded_operators, operator_keys
from lpxsched.verify.partition import ADD
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.reader import Build

RULE = "R5"


def reduction_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R5."""
    summands = _summands(build)
    violations = [*_roles(build), *_shapes(build, summands)]
    order, circle = _order(build, summands)
    if circle:
        text = " -> ".join(map(str, circle))
        return [
            *violations,
            Violation(RULE, f"adds sum each other in a circle: {text}", rows_of(build.operators, *circle)),
        ]
    shards, repeats = _expand(build, summands, order)
    return [*violations, *repeats, *_layouts(build, shards), *_consumers(build, shards)]


def _summands(build: Build) -> dict[int, list[int]]:
    """Return the operand rows of each add that are not weights."""
    operands = build.operands
    adds = np.flatnonzero(build.operators.kind == ADD)
    rows: dict[int, list[int]] = {add: [] for add in adds.tolist()}
    for row in np.flatnonzero(np.isin(operands.operator, adds)).tolist():
        rows[int(operands.operator[row])].append(row)
    return rows


def _products(build: Build) -> dict[int, list[int]]:
    products: dict[int, list[int]] = defaultdict(list)
    for tensor, producer in enumerate(build.tensors.producer.tolist()):
        products[producer].append(tensor)
    return products


def _roles(build: Build) -> Iterator[Violation]:
    operands = build.operands
    in_add = build.operators.kind[operands.operator] == ADD
    for row in np.flatnonzero(in_add != (operands.role == REDUCE)).tolist():
        operator = operands.operator[row]
        who = f"operator {operator} ({build.operators.kind[operator]})"
        message = f"{who} has an operand in role {operands.role[row]}"
        yield Violation(RULE, message, rows_of(operands, row))


def _shapes(build: Build, summands: dict[int, list[int]]) -> Iterator[Violation]:
    products, partial = (
        _products(build),
        {item.name for item in build.graph.tensors if item.layout == "partial"},
    )
    for add, rows in summands.items():
        at = rows_of(build.operators, add)
        if len(rows) < 2:
            yield Violation(RULE, f"add {add} has {len(rows)} operands, must have 2 or more", at)
        if len(products[add]) != 1:
            yield Violation(RULE, f"add {add} produces {len(products[add])} tensors, must produce 1", at)
            continue
        tensor = products[add][0]
        result = _range(build, tensor, 0, int(build.tensors.vectors[tensor]))
        if result[0] not in partial:
            yield Violation(RULE, f"add {add} sums {result[0]}, which is no partial sum in the graph", at)
        for row in rows:
            part = _operand_range(build, row)
            if part != result:
                message = f"add {add} sums {_text(part)} into {_text(result)}"
                yield Violation(RULE, message, rows_of(build.operands, row))


def _range(build: Build, tensor: int, first: int, vectors: int) -> tuple[str, int, int]:
    """Return the name of the graph tensor, and first vector and end inside it."""
    start = int(build.tensors.offset[tensor]) + first
    return str(build.tensors.name[tensor]), start, start + vectors


def _operand_range(build: Build, row: int) -> tuple[str, int, int]:
    operands = build.operands
    return _range(build, int(operands.tensor[row]), int(operands.first_vector[row]), int(operands.vectors[row]))


def _text(part: tuple[str, int, int]) -> str:
    return f"vectors {part[1]} to {part[2] - 1} of {part[0]}"


def _order(build: Build, summands: dict[int, list[int]]) -> tuple[list[int], list[int]]:
    """Return the adds, those of operands first; or the adds of a circle."""
    producer = build.tensors.producer[build.operands.tensor]
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for add, rows in summands.items():
        sorter.add(add, *(int(producer[row]) for row in rows if int(producer[row]) in summands))
    try:
        return list(sorter.static_order()), []
    except CycleError as error:
        return [], [int(add) for add in error.args[1]]


def _expand(build: Build, summands: dict[int, list[int]], order: list[int]) -> tuple[dict[int, int], list[Violation]]:
    """Return the shards that enter each tensor, one bit each, and the summands that enter one twice."""
    tensors, operators, products = build.tensors, build.operators, _products(build)
    shards = {
        tensor: 1 << max(int(operators.shard[producer]), 0)
        for tensor, producer in enumerate(tensors.producer.tolist())
        if producer >= 0 and producer not in summands and operators.shard[producer] < len(build.chips)
    }
    repeats: list[Violation] = []
    for add in order:
        total = 0
        for row in summands[add]:
            part = shards.get(int(build.operands.tensor[row]), 0)
            if total & part:
                message = f"add {add} takes the summand of shards {_bits(total & part)} more than once"
                repeats.append(Violation(RULE, message, rows_of(build.operands, row)))
            total |= part
        shards.update(dict.fromkeys(products[add], total))
    return shards, repeats


def _bits(shards: int) -> list[int]:
    return [bit for bit in range(shards.bit_length()) if shards >> bit & 1]


def _whole(build: Build, operator: int) -> int:
    """Return the shards of all chips of an operator's segment."""
    return (1 << len(build.graph.segments[int(build.operators.segment[operator])].chips)) - 1


def _layouts(build: Build, shards: dict[int, int]) -> Iterator[Violation]:
    tensors, products = build.tensors, _products(build)
    for add in np.flatnonzero(build.operators.kind == ADD).tolist():
        for tensor in products[add]:
            complete = shards[tensor] == _whole(build, add)
            if complete == (tensors.layout[tensor] == "partial"):
                what = "the sum of all summands" if complete else f"only the sum of shards {_bits(shards[tensor])}"
                message = f"tensor {tensor} says {tensors.layout[tensor]} but is {what}"
                yield Violation(RULE, message, rows_of(tensors, tensor))


def _consumers(build: Build, shards: dict[int, int]) -> Iterator[Violation]:
    """Yield operands that take a part of a sum for the whole."""
    operands, demanded, keys = build.operands, demanded_operators(build.graph), operator_keys(build)
    names = build.tensors.name.tolist()
    columns = (operands.operator.tolist(), operands.tensor.tolist(), operands.role.tolist())
    for row, (operator, tensor, role) in enumerate(zip(*columns, strict=True)):
        run = demanded.get(keys[operator])
        if run is None or role == WEIGHT:
            continue
        whole = any(
            view.tensor.name == names[tensor] and view.tensor.layout == "partial" != view.layout for view in run.inputs
        )
        if whole and shards.get(tensor, 0) != _whole(build, operator):
            message = (
                f"operator {operator} ({run.key[2]}) reads {names[tensor]} whole, but tensor {tensor} is "
                f"only the sum of shards {_bits(shards.get(tensor, 0))}"
            )
            yield Violation(RULE, message, rows_of(operands, row))

"""R3 delivery, second part: the operands of each operator are what the graph says that it must read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lpxsched.timetable.columns import COPY, REDUCE, WEIGHT
from lpxsched.verify.demand import demanded_operators, operator_keys
from lpxsched.verify.partition import ADD
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.reader import Build
    from lpxsched.verify.demand import View

RULE = "R3"


def operand_violations(build: Build) -> list[Violation]:
    """Return operands that are missing, read twice, or not asked for."""
    return [*_roles(build), *_segments(build), *_coverage(build)]


def _roles(build: Build) -> Iterator[Violation]:
    operands, operators, tensors = build.operands, build.operators, build.tensors
    columns = (operands.operator.tolist(), operands.tensor.tolist(), operands.role.tolist())
    for row, (operator, tensor, role) in enumerate(zip(*columns, strict=True)):
        rows = rows_of(operands, row)
        if role not in (COPY, REDUCE, WEIGHT):
            yield Violation(RULE, f"operator {operator} reads tensor {tensor} in the unknown role {role!r}", rows)
        elif role == WEIGHT and tensors.producer[tensor] >= 0:
            maker = tensors.producer[tensor]
            message = f"operator {operator} reads tensor {tensor} as a weight, but operator {maker} made it"
            yield Violation(RULE, message, rows)
        elif role == WEIGHT and tensors.chip[tensor] != operators.chip[operator]:
            message = (
                f"operator {operator} on node {operators.chip[operator]} reads weights that are held on "
                f"node {tensors.chip[tensor]}"
            )
            yield Violation(RULE, message, rows)
        elif role != WEIGHT and tensors.producer[tensor] < 0:
            yield Violation(RULE, f"operator {operator} reads tensor {tensor}, which no operator produced", rows)


def _segments(build: Build) -> Iterator[Violation]:
    operands, segment = build.operands, build.operators.segment
    producers = build.tensors.producer[operands.tensor].tolist()
    for row, (operator, producer) in enumerate(zip(operands.operator.tolist(), producers, strict=True)):
        if producer >= 0 and segment[operator] != segment[producer]:
            message = (
                f"operator {operator} of segment {segment[operator]} reads tensor {operands.tensor[row]} "
                f"of segment {segment[producer]}, whose time is another"
            )
            yield Violation(RULE, message, rows_of(operands, row))


def _coverage(build: Build) -> Iterator[Violation]:
    demanded, table = demanded_operators(build.graph), build.operands
    read: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    names = build.tensors.name.tolist()
    columns = (table.operator.tolist(), table.tensor.tolist(), table.role.tolist())
    for row, (operator, tensor, role) in enumerate(zip(*columns, strict=True)):
        if role != WEIGHT:
            read[operator][names[tensor]].append(row)
    for operator, key in enumerate(operator_keys(build)):
        if key[2] == ADD or key not in demanded:
            continue
        views = {view.tensor.name: view for view in demanded[key].inputs}
        for name in sorted(read[operator].keys() - views.keys()):
            message = f"operator {operator} ({key[2]}) reads {name}, which it has no use for"
            yield Violation(RULE, message, rows_of(table, *read[operator][name]))
        for name, view in views.items():
            yield from _view(build, operator, view, read[operator][name])


def _view(build: Build, operator: int, view: View, rows: list[int]) -> Iterator[Violation]:
    """Yield where operands of one graph tensor leave a gap, overlap, or are not of the view."""
    table, tensors = build.operands, build.tensors
    offset = {row: int(tensors.offset[table.tensor[row]] + table.first_vector[row]) for row in rows}
    who = f"operator {operator} ({build.operators.kind[operator]}) reads"
    reached = view.first
    for row in sorted(rows, key=lambda row: offset[row]):
        end = offset[row] + int(table.vectors[row])
        what = f"vectors {offset[row]} to {end - 1} of {view.tensor.name}"
        if offset[row] < view.first or end > view.first + view.vectors:
            message = f"{who} {what}, beyond its {_text(view)}"
            yield Violation(RULE, message, rows_of(table, row))
        elif offset[row] != reached:
            how = "again" if offset[row] < reached else f"but none from {reached} on"
            message = f"{who} {what} {how}, needs {_text(view)}"
            yield Violation(RULE, message, rows_of(table, row))
        reached = max(reached, end)
        yield from _own_summand(build, operator, view, row)
    if reached < view.first + view.vectors:
        message = f"{who} no vector of {view.tensor.name} from {reached} on, needs {_text(view)}"
        yield Violation(RULE, message, (*rows_of(build.operators, operator), *rows_of(table, *rows)))


def _text(view: View) -> str:
    return f"{view.layout} vectors {view.first} to {view.first + view.vectors - 1}"


def _own_summand(build: Build, operator: int, view: View, row: int) -> Iterator[Violation]:
    tensor = int(build.operands.tensor[row])
    producer = int(build.tensors.producer[tensor])
    if view.layout != "partial" or producer < 0:
        return
    if build.operators.kind[producer] == ADD or build.tensors.chip[tensor] != build.operators.chip[operator]:
        message = f"operator {operator} must read its own summand of {view.tensor.name}, tensor {tensor} is another"
        yield Violation(RULE, message, rows_of(build.operands, row))

"""R3 delivery, second part: the operands of each operator are what the graph says that it must read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import COPY, REDUCE, WEIGHT
from lpxsched.verify.blocks import blocks, grouped, runs, sorted_rows
from lpxsched.verify.demand import graph_tensors, input_views, of_the_graph
from lpxsched.verify.partition import ADD
from lpxsched.verify.presence import tensor_segments
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.demand import Views

RULE = "R3"
# Vectors of one view lie below this on an axis that puts view after view.
SPAN = 1 << 33


def operand_violations(build: Build) -> list[Violation]:
    """Return operands that are missing, read twice, or not asked for."""
    return [*_roles(build), *_weights(build), *_segments(build), *_coverage(build)]


def _roles(build: Build) -> Iterator[Violation]:
    operands, moved = build.operands, np.isin(build.operands.role, (COPY, REDUCE))
    for row in np.flatnonzero(~moved & (operands.role != WEIGHT)).tolist():
        message = f"{_reads(build, row)} in the unknown role {str(operands.role[row])!r}"
        yield Violation(RULE, message, rows_of(operands, row))
    for row in np.flatnonzero(moved & (build.tensors.producer < 0)[operands.tensor]).tolist():
        yield Violation(RULE, f"{_reads(build, row)}, which no operator produced", rows_of(operands, row))


def _weights(build: Build) -> Iterator[Violation]:
    operands, operators, tensors = build.operands, build.operators, build.tensors
    weights = np.flatnonzero(operands.role == WEIGHT)
    producer = tensors.producer[operands.tensor[weights]]
    for row in weights[producer >= 0].tolist():
        maker = tensors.producer[operands.tensor[row]]
        message = f"{_reads(build, row)} as a weight, but operator {maker} made it"
        yield Violation(RULE, message, rows_of(operands, row))
    there = operators.chip[operands.operator[weights]] == tensors.chip[operands.tensor[weights]]
    for row in weights[(producer < 0) & ~there].tolist():
        operator = operands.operator[row]
        message = (
            f"operator {operator} on {named(build, int(operators.chip[operator]))} reads weights that are held on "
            f"{named(build, int(tensors.chip[operands.tensor[row]]))}"
        )
        yield Violation(RULE, message, rows_of(operands, row))


def _reads(build: Build, row: int) -> str:
    return f"operator {build.operands.operator[row]} reads tensor {build.operands.tensor[row]}"


def _segments(build: Build) -> Iterator[Violation]:
    operands = build.operands
    for rows in blocks(len(operands)):
        reader, maker = build.operators.segment[operands.operator[rows]], tensor_segments(build, operands.tensor[rows])
        for place in np.flatnonzero((maker >= 0) & (reader != maker)).tolist():
            row = rows[place]
            message = (
                f"operator {operands.operator[row]} of segment {reader[place]} reads tensor {operands.tensor[row]} "
                f"of segment {maker[place]}, whose time is another"
            )
            yield Violation(RULE, message, rows_of(operands, row))


def _coverage(build: Build) -> Iterator[Violation]:
    """Yield, in blocks of operators, operands that they have no use for, lack, or read twice."""
    of_operator, moved = grouped(build.operands.operator, len(build.operators)), build.operands.role != WEIGHT
    for first, last in runs(of_operator):
        rows = of_operator.of(first, last)
        rows = rows[moved[rows] & of_the_graph(build)[build.operands.operator[rows]]]
        yield from _covered(build, rows, slice(*np.searchsorted(input_views(build).operator, (first, last))))


def _covered(build: Build, rows: Integers, of_views: slice) -> Iterator[Violation]:
    table, views = build.operands, input_views(build)
    view = views.find(table.operator[rows], graph_tensors(build)[table.tensor[rows]])
    for row in rows[view < 0].tolist():
        operator = table.operator[row]
        name, kind = build.tensors.name[table.tensor[row]], build.operators.kind[operator]
        message = f"operator {operator} ({kind}) reads {name}, which it has no use for"
        yield Violation(RULE, message, rows_of(table, row))
    rows, view = rows[view >= 0], view[view >= 0]
    first = build.tensors.offset[table.tensor[rows]] + table.first_vector[rows]
    order = sorted_rows(view, first)
    yield from _gaps(build, views, rows[order], view[order], first[order])
    yield from _ends(build, views, of_views, rows[order], view[order])
    yield from _strange_summands(build, views, rows, view)


def _gaps(build: Build, views: Views, rows: Integers, view: Integers, first: Integers) -> Iterator[Violation]:
    """Yield where operands of a view, sorted by view and first vector, leave a gap, overlap, or go beyond it."""
    end = first + build.operands.vectors[rows]
    reached = _reached(views, view, end)
    beyond = (first < views.first[view]) | (end > (views.first + views.vectors)[view])
    for place in np.flatnonzero(beyond | (first != reached)).tolist():
        at, needs = view[place], _text(views, view[place])
        how = "again" if first[place] < reached[place] else f"but none from {reached[place]} on"
        how = f", beyond its {needs}" if beyond[place] else f" {how}, needs {needs}"
        what = f"vectors {first[place]} to {end[place] - 1} of {_name(build, views, at)}"
        yield Violation(RULE, f"{_who(build, views, at)} {what}{how}", rows_of(build.operands, rows[place]))


def _ends(build: Build, views: Views, some: slice, rows: Integers, view: Integers) -> Iterator[Violation]:
    """Yield which of some views end before all is read."""
    last, end = views.first[some].copy(), views.first[some] + views.vectors[some]
    read = build.tensors.offset[build.operands.tensor[rows]] + build.operands.first_vector[rows]
    np.maximum.at(last, view - some.start, read + build.operands.vectors[rows])
    for place in np.flatnonzero(last < end).tolist():
        at = some.start + place
        message = (
            f"{_who(build, views, at)} no vector of {_name(build, views, at)} from {last[place]} on, "
            f"needs {_text(views, at)}"
        )
        mine = rows_of(build.operands, *rows[view == at].tolist())
        yield Violation(RULE, message, (*rows_of(build.operators, views.operator[at]), *mine))


def _reached(views: Views, view: Integers, end: Integers) -> Integers:
    """Return up to where the operands before each one, of the same view, read it."""
    opens = np.append(True, view[1:] != view[:-1])[: len(view)]
    before = np.append(0, end[:-1])[: len(view)]
    base = np.cumsum(opens) * SPAN
    return np.asarray(np.maximum.accumulate(base + np.where(opens, views.first[view], before)) - base)


def _who(build: Build, views: Views, at: int) -> str:
    operator = views.operator[at]
    return f"operator {operator} ({build.operators.kind[operator]}) reads"


def _name(build: Build, views: Views, at: int) -> str:
    return build.graph.tensors[int(views.tensor[at])].name


def _text(views: Views, at: int) -> str:
    return f"{views.layout[at]} vectors {views.first[at]} to {views.first[at] + views.vectors[at] - 1}"


def _strange_summands(build: Build, views: Views, rows: Integers, view: Integers) -> Iterator[Violation]:
    """Yield operands of summands that are not the operator's own."""
    table, operators, tensors = build.operands, build.operators, build.tensors
    mine = rows[views.layout[view] == "partial"]
    tensor, operator = table.tensor[mine], table.operator[mine]
    producer = tensors.producer[tensor]
    made = np.append(operators.kind == ADD, False)[producer]
    strange = (producer >= 0) & (made | (tensors.chip[tensor] != operators.chip[operator]))
    for row in mine[strange].tolist():
        name = tensors.name[table.tensor[row]]
        message = (
            f"operator {table.operator[row]} must read its own summand of {name}, tensor {table.tensor[row]} is another"
        )
        yield Violation(RULE, message, rows_of(table, row))

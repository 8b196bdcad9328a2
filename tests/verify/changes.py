"""Changes of single cells of a build, and what the checker says about them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.timetable.documents import GraphFile, canonical_json
from lpxsched.verify.check import check
from tests.builds import signed, two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def changed(table: str, row: int, **cells: int | str | bool) -> Build:
    """Return the build of two chips with some cells of one row changed and its content hash renewed."""
    return change(two_chip_build(), table, row, **cells)


def change(build: Build, table: str, row: int, **cells: int | str | bool | list[int]) -> Build:
    """Return a build with some cells of one row changed and its content hash renewed."""
    columns: dict[str, Any] = {}
    for name, value in cells.items():
        old = getattr(getattr(build, table), name)
        if isinstance(old, tuple):
            columns[name] = (*old[:row], np.array(value, dtype=np.int64), *old[row + 1 :])
            continue
        new = old.tolist()
        new[row] = value
        columns[name] = np.array(new, dtype=None if old.dtype.kind == "U" else old.dtype)
    return signed(replace(build, **{table: replace(getattr(build, table), **columns)}))


def without(build: Build, table: str, *rows: int) -> Build:
    """Return a build without some rows of a table; nothing is renumbered."""
    old = getattr(build, table)
    columns: dict[str, Any] = {}
    for field in fields(old):
        column = getattr(old, field.name)
        if isinstance(column, tuple):
            columns[field.name] = tuple(part for row, part in enumerate(column) if row not in rows)
        else:
            columns[field.name] = np.delete(column, rows)
    return signed(replace(build, **{table: type(old)(**columns)}))


def with_rows(build: Build, table: str, *rows: tuple[Any, ...]) -> Build:
    """Return a build with rows appended to a table."""
    old = getattr(build, table)
    columns = {}
    for index, field in enumerate(fields(old)):
        column = getattr(old, field.name)
        new = column.tolist() + [row[index] for row in rows]
        columns[field.name] = np.array(new, dtype=None if column.dtype.kind == "U" else column.dtype)
    return signed(replace(build, **{table: type(old)(**columns)}))


def later(build: Build, cycles: int, stall: int = 2) -> Build:
    """Return a build in which all but the opening deskew, which takes `stall` cycles, comes some cycles later."""
    slots, makespan = build.slots, int(build.segments.makespan_cycles[0]) + cycles
    build = replace(
        build,
        slots=replace(slots, depart=slots.depart + cycles, read=slots.read + cycles),
        operators=replace(build.operators, start=build.operators.start + cycles),
        manifest=build.manifest.model_copy(update={"results": {"makespan_cycles": makespan}}),
    )
    return change(change(build, "deskews", 0, stall=stall), "segments", 0, makespan_cycles=makespan)


def repeating(build: Build, period: int, **cells: int | list[int]) -> Build:
    """Return a build of one frame, which repeats with a period and has no deskew; `cells` are others of its frame.

    It tells no more than it must.
    """
    build = without(build, "deskews", *range(len(build.deskews)))
    for row, waiting in enumerate(build.segments.waiting_cycles.tolist()):
        build = change(build, "segments", row, waiting_cycles=max(waiting, period))
    makespan = int(build.segments.makespan_cycles.sum())
    told = build.manifest.model_copy(update={"results": {"makespan_cycles": makespan}})
    return change(replace(build, manifest=told), "frames", 0, **{"period_cycles": period, "windows": 1} | cells)


def with_group(build: Build, row: int = 0, **values: Any) -> Build:
    """Return a build with something of one of its groups changed."""
    groups = build.graph.model_dump()["groups"]
    groups[row] |= values
    return with_graph(build, groups=groups)


def with_graph(build: Build, **parts: Any) -> Build:
    """Return a build with some lists of its graph replaced."""
    graph = GraphFile.model_validate(build.graph.model_dump() | parts)
    return signed(replace(build, graph=graph, graph_json=canonical_json(graph)))


def messages(build: Build, rule: str) -> list[str]:
    """Return what the checker says under one rule."""
    return [violation.message for violation in check(build).violations if violation.rule == rule]


def rules(build: Build) -> set[str]:
    """Return the rules that the checker finds broken."""
    return {violation.rule for violation in check(build).violations}


def breaks(build: Build, rule: str, text: str) -> bool:
    """Return whether one rule alone is broken, and some message of it holds a text."""
    return rules(build) == {rule} and any(text in message for message in messages(build, rule))


def reports(build: Build, rule: str, text: str) -> bool:
    """Return whether some message under a rule holds a text; other rules may be broken as well."""
    return any(text in message for message in messages(build, rule))

"""What every reader of a build takes for granted: rows count, point at rows, are sorted, and clocks form trees.

What a timetable must keep beyond that is for ``verify`` to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers, Table

# table, column that counts its rows from 0
NUMBERED = (
    ("operators", "operator"),
    ("tensors", "tensor"),
    ("chips", "chip"),
    ("links", "link"),
    ("segments", "segment"),
    ("frames", "frame"),
)

# table, column, table that it points into, lowest value
REFERENCES = (
    ("slots", "tensor", "tensors", 0),
    ("slots", "link", "links", 0),
    ("operators", "segment", "segments", 0),
    ("operators", "chip", "chips", 0),
    ("operands", "operator", "operators", 0),
    ("operands", "tensor", "tensors", 0),
    ("tensors", "chip", "chips", 0),
    ("tensors", "producer", "operators", NONE),
    ("chips", "hac_parent", "chips", NONE),
    ("links", "src", "chips", 0),
    ("links", "dst", "chips", 0),
    ("segments", "frame", "frames", 0),
    ("frames", "time_domain", "chips", NONE),
    ("deskews", "frame", "frames", 0),
)

# table, columns by which it is sorted
ORDERS = (
    ("slots", ("link", "depart")),
    ("operands", ("operator", "tensor", "first_vector")),
    ("deskews", ("frame", "cycle")),
)

# table, column, lowest value
LOWEST = (
    ("links", "vector_time_numerator", 1),
    ("links", "vector_time_denominator", 1),
    ("segments", "phase_cycles", 0),
    ("frames", "period_cycles", 0),
    ("frames", "windows", 0),
    ("deskews", "cycle", 0),
    ("deskews", "stall", 0),
    ("deskews", "every_periods", 0),
)


def check_consistency(folder: Path, build: Build) -> None:
    """Check the tables of a build, read from a folder, against each other.

    Raises
    ------
    InputError
        For the first row that does not count from 0, points at no row, is too low, is out of order, or is not one
        level below its parent in the tree of counters; or where ``graph.json`` names what is not there.
    """
    for table, column, wrong, problem in _faults(build):
        rows = np.flatnonzero(wrong)
        if len(rows):
            told = f"row {rows[0]} says {getattr(table, column)[rows[0]]}{problem}"
            raise InputError(str(folder / table.file), told, key=column)
    for name, columns in ORDERS:
        _check_order(folder, getattr(build, name), columns)
    for key, told in _graph_faults(build):
        raise InputError(str(folder / "graph.json"), told, key=key)


def _faults(build: Build) -> Iterator[tuple[Table, str, Flags, str]]:
    """Yield tables and columns, which rows are wrong there, and why; what comes first is taken for granted later."""
    for name, column in NUMBERED:
        table: Table = getattr(build, name)
        yield table, column, getattr(table, column) != np.arange(len(table)), "; rows count from 0 without gaps"
    for name, column, target, lowest in REFERENCES:
        table, other = getattr(build, name), getattr(build, target)
        values: Integers = getattr(table, column)
        there = f"rows 0 to {len(other) - 1}" if len(other) else "no rows"
        yield table, column, (values < lowest) | (values >= len(other)), f", {other.file} has {there}"
    for name, column, lowest in LOWEST:
        table = getattr(build, name)
        yield table, column, getattr(table, column) < lowest, f", must be at least {lowest}"
    right = f", must be 0 at a root, one more than its parent's below it, {NONE} in no tree"
    yield build.chips, "hac_depth", _off_trees(build), right


def _off_trees(build: Build) -> Flags:
    """Return where depths do not grow by one a level: no room is left for a cycle of parents."""
    parent, depth = build.chips.hac_parent, build.chips.hac_depth
    is_root, is_in_tree = parent == build.chips.chip, parent != NONE
    right = np.where(is_root, 0, np.where(is_in_tree, depth[parent] + 1, NONE))
    return np.asarray((depth != right) | (is_in_tree & ((depth < 0) | (depth[parent] < 0))))


def _check_order(folder: Path, table: Table, columns: tuple[str, ...]) -> None:
    lower, equal = np.zeros(max(0, len(table) - 1), dtype=np.bool_), np.ones(max(0, len(table) - 1), dtype=np.bool_)
    for column in columns:
        values: Integers = getattr(table, column)
        lower |= equal & (values[1:] < values[:-1])
        equal &= values[1:] == values[:-1]
    if lower.any():
        told = f"row {lower.argmax() + 1} belongs before row {lower.argmax()}; rows are sorted by these"
        raise InputError(str(folder / table.file), told, key=", ".join(columns))


def _graph_faults(build: Build) -> Iterator[tuple[str, str]]:
    graph, nodes, placed = build.graph, len(build.chips), {row.layer for row in build.graph.layers}
    for key, numbers, count in (
        ("groups", [row.group for row in graph.groups], len(graph.groups)),
        ("segments", [row.segment for row in graph.segments], len(build.segments)),
    ):
        if numbers != list(range(count)):
            yield key, f"are numbered {numbers}, must be 0 to {count - 1} in order"
    for group in graph.groups:
        for node in (*group.members, *group.hosts):
            if node >= nodes:
                yield f"groups.{group.group}", f"names node {node}, {build.chips.file} has {nodes} of them"
    for layer in graph.layers:
        if layer.group >= len(graph.groups):
            yield "layers", f"layer {layer.layer} is on group {layer.group}, there are {len(graph.groups)}"
    for segment in graph.segments:
        for number in segment.layers:
            if number not in placed:
                yield f"segments.{segment.segment}", f"layer {number} is on no group; name it in layers"

"""What every reader of a build takes for granted: rows count, point at rows, are sorted, and clocks form trees.

What a timetable must keep beyond that is for ``verify`` to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    for name, column in NUMBERED:
        _check_numbers(folder, getattr(build, name), column)
    for name, column, target, lowest in REFERENCES:
        _check_reference(folder, getattr(build, name), column, getattr(build, target), lowest)
    for name, column, lowest in LOWEST:
        _check_lowest(folder, getattr(build, name), column, lowest)
    for name, columns in ORDERS:
        _check_order(folder, getattr(build, name), columns)
    _check_trees(folder, build)
    _check_graph(folder, build)


def _refuse(folder: Path, table: Table, column: str, wrong: Flags, told: Callable[[int], str]) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise InputError(str(folder / table.file), told(int(rows[0])), key=column)


def _check_numbers(folder: Path, table: Table, column: str) -> None:
    values: Integers = getattr(table, column)
    wrong = values != np.arange(len(table))
    _refuse(folder, table, column, wrong, lambda row: f"row {row} says {values[row]}; rows count from 0 without gaps")


def _check_reference(folder: Path, table: Table, column: str, target: Table, lowest: int) -> None:
    values: Integers = getattr(table, column)
    there = f"rows 0 to {len(target) - 1}" if len(target) else "no rows"
    wrong = (values < lowest) | (values >= len(target))
    _refuse(folder, table, column, wrong, lambda row: f"row {row} says {values[row]}, {target.file} has {there}")


def _check_lowest(folder: Path, table: Table, column: str, lowest: int) -> None:
    values: Integers = getattr(table, column)
    wrong = values < lowest
    _refuse(folder, table, column, wrong, lambda row: f"row {row} says {values[row]}, must be at least {lowest}")


def _check_order(folder: Path, table: Table, columns: tuple[str, ...]) -> None:
    lower, equal = np.zeros(max(0, len(table) - 1), dtype=np.bool_), np.ones(max(0, len(table) - 1), dtype=np.bool_)
    for column in columns:
        values: Integers = getattr(table, column)
        lower |= equal & (values[1:] < values[:-1])
        equal &= values[1:] == values[:-1]
    by = ", ".join(columns)
    _refuse(folder, table, by, lower, lambda row: f"row {row + 1} belongs before row {row}; rows are sorted by these")


def _check_trees(folder: Path, build: Build) -> None:
    """Check that depths start at 0 and grow by one a level: no room is left for a cycle of parents.

    A node in no tree has neither parent nor depth.
    """
    parent, depth = build.chips.hac_parent, build.chips.hac_depth
    is_root, is_in_tree = parent == build.chips.chip, parent != NONE
    right = np.where(is_root, 0, np.where(is_in_tree, depth[parent] + 1, NONE))
    wrong = (depth != right) | (is_in_tree & ((depth < 0) | (depth[parent] < 0)))
    _refuse(
        folder,
        build.chips,
        "hac_depth",
        wrong,
        lambda row: (
            f"row {row} says {depth[row]}, must be 0 at a root, one more than its parent's below it, {NONE} in no tree"
        ),
    )


def _check_graph(folder: Path, build: Build) -> None:
    """Check that groups and segments count from 0, and that groups, layers and segments name what is there."""
    for key, told in _graph_faults(build):
        raise InputError(str(folder / "graph.json"), told, key=key)


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

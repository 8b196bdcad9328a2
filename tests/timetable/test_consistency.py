"""Tests of what every reader takes for granted: each contradiction is one line with file, column and row."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.timetable.columns import Operands
from lpxsched.timetable.consistency import check_consistency
from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from tests.builds import ints, two_chip_build
from tests.timetable.tables import rewrite, set_cells
from tests.verify.changes import change, with_graph, with_rows

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def fault(folder: Path, file: str, column: str, cells: dict[int, Any]) -> str:
    """Return what is told, after file and column, of a build folder with some cells of a column changed."""
    write_build(folder / "out", two_chip_build())
    set_cells(folder / "out" / file, **{column: cells})
    with pytest.raises(InputError) as caught:
        read_build(folder / "out")
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.where == str(folder / "out" / file)
    assert column in caught.value.key
    return caught.value.problem


def refused(folder: Path, build: Build) -> str:
    """Return what is told of a build in memory."""
    with pytest.raises(InputError) as caught:
        check_consistency(folder, build)
    return str(caught.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize("value", [-(2**63), -2, 10**6, 2**63 - 1])
@pytest.mark.parametrize(
    ("file", "column", "target"),
    [
        ("timetable", "tensor", "tensors.parquet has rows 0 to 13"),
        ("timetable", "link", "links.parquet has rows 0 to 5"),
        ("operators", "segment", "segments.parquet has rows 0 to 0"),
        ("operators", "chip", "chips.parquet has rows 0 to 2"),
        ("operands", "operator", "operators.parquet has rows 0 to 11"),
        ("operands", "tensor", "tensors.parquet has rows 0 to 13"),
        ("tensors", "chip", "chips.parquet has rows 0 to 2"),
        ("tensors", "producer", "operators.parquet has rows 0 to 11"),
        ("chips", "hac_parent", "chips.parquet has rows 0 to 2"),
        ("links", "src", "chips.parquet has rows 0 to 2"),
        ("links", "dst", "chips.parquet has rows 0 to 2"),
        ("segments", "frame", "frames.parquet has rows 0 to 0"),
        ("frames", "time_domain", "chips.parquet has rows 0 to 2"),
        ("deskews", "frame", "frames.parquet has rows 0 to 0"),
    ],
)
def test_a_reference_to_no_row_is_told(tmp_path: Path, file: str, column: str, target: str, value: int) -> None:
    """Tests the first row in every column that points into a table, below and beyond its rows."""
    assert fault(tmp_path, f"{file}.parquet", column, {0: value}) == f"row 0 says {value}, {target}"


@pytest.mark.parametrize(
    ("column", "value", "target"),
    [
        ("tensor", 14, "tensors.parquet has rows 0 to 13"),
        ("link", 6, "links.parquet has rows 0 to 5"),
        ("link", -1, "links.parquet has rows 0 to 5"),
    ],
)
def test_the_first_number_that_is_no_row_is_refused(tmp_path: Path, column: str, value: int, target: str) -> None:
    """Tests the bounds themselves, and that the row is counted from 0."""
    assert fault(tmp_path, "timetable.parquet", column, {7: value}) == f"row 7 says {value}, {target}"


def test_only_a_producer_may_be_none(tmp_path: Path) -> None:
    """Tests that -1 is taken in that column, where weights have it."""
    write_build(tmp_path / "out", two_chip_build())
    set_cells(tmp_path / "out" / "tensors.parquet", producer={0: -1})
    assert read_build(tmp_path / "out").tensors.producer[0] == -1


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"groups": [{"group": 0, "chips": [0, 3], "hosts": [2, 2]}]}, "groups.0: names node 3, chips.parquet has 3"),
        ({"groups": [{"group": 0, "chips": [0, 1], "hosts": [2, 9]}]}, "groups.0: names node 9, chips.parquet has 3"),
        ({"groups": [{"group": 1, "chips": [0, 1], "hosts": []}]}, "groups: are numbered [1], must be 0 to 0 in order"),
        ({"layers": [{"layer": 0, "group": 1}]}, "layers: layer 0 is on group 1, there are 1"),
        ({"segments": [{"segment": 0, "layers": [7]}]}, "segments.0: layer 7 is on no group; name it in layers"),
        ({"segments": []}, "segments: are numbered [], must be 0 to 0 in order"),
    ],
)
def test_a_graph_that_names_what_is_not_there_is_told(tmp_path: Path, part: dict[str, object], text: str) -> None:
    """Tests nodes of groups, groups of layers, layers of segments, and how many segments there are."""
    told = refused(tmp_path, with_graph(two_chip_build(), **part))
    assert told.startswith(f"graph.json: {text}")


def test_references_into_an_empty_table_are_told(tmp_path: Path) -> None:
    """Tests that no range from 0 to -1 is told."""
    write_build(tmp_path / "out", two_chip_build())
    rewrite(tmp_path / "out" / "links.parquet", lambda table: table.slice(0, 0))
    with pytest.raises(InputError, match=r"timetable.parquet: link: row 0 says 0, links.parquet has no rows$"):
        read_build(tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("operators", "operator"),
        ("tensors", "tensor"),
        ("chips", "chip"),
        ("links", "link"),
        ("segments", "segment"),
        ("frames", "frame"),
    ],
)
@pytest.mark.parametrize("value", [1, -1, 7])
def test_rows_that_do_not_count_from_0_are_told(tmp_path: Path, file: str, column: str, value: int) -> None:
    """Tests the first row of each table whose rows other tables point at."""
    problem = fault(tmp_path, f"{file}.parquet", column, {0: value})
    assert problem == f"row 0 says {value}; rows count from 0 without gaps"


def test_a_gap_in_the_numbers_is_told_at_its_row(tmp_path: Path) -> None:
    """Tests 0, 1, 2, 4, .. at row 3."""
    assert fault(tmp_path, "links.parquet", "link", {3: 4, 4: 5, 5: 6}).startswith("row 3 says 4;")


@pytest.mark.parametrize(
    ("file", "column", "cells", "row"),
    [
        # Slots are on links 0 0 1 2 2 3 4 5 and depart at 23 80 107 23 80 107 2 2.
        ("timetable", "link", {7: 3}, 7),
        ("timetable", "depart", {1: 22}, 1),
        ("timetable", "depart", {4: -(2**63)}, 4),
        # Operator 4 reads tensors 0 1 2 12, in rows 6 to 9.
        ("operands", "operator", {6: 2}, 6),
        ("operands", "tensor", {7: 3}, 8),
    ],
)
def test_rows_out_of_order_are_told(tmp_path: Path, file: str, column: str, cells: dict[int, int], row: int) -> None:
    """Tests each column by which a table is sorted."""
    problem = fault(tmp_path, f"{file}.parquet", column, cells)
    assert problem == f"row {row} belongs before row {row - 1}; rows are sorted by these"


def test_ranges_of_one_tensor_are_sorted_too(tmp_path: Path) -> None:
    """Tests that operands of equal operator and tensor are sorted by their first vector."""
    # Rows 18 and 19 are the operands of operator 8.
    build = change(change(two_chip_build(), "operands", 18, first_vector=1), "operands", 19, tensor=6)
    assert refused(tmp_path, build).startswith("operands.parquet: operator, tensor, first_vector: row 19 belongs")


def test_deskews_are_sorted_by_frame_and_cycle(tmp_path: Path) -> None:
    """Tests a deskew at 400 after one at 500."""
    build = with_rows(two_chip_build(), "deskews", (0, 500, 2, 0), (0, 400, 2, 0))
    assert refused(tmp_path, build).startswith("deskews.parquet: frame, cycle: row 2 belongs before row 1")


def test_a_later_column_sorts_only_where_the_earlier_are_equal(tmp_path: Path) -> None:
    """Tests that first vectors may fall from one tensor to the next; equal rows are in order as well."""
    check_consistency(tmp_path, change(two_chip_build(), "operands", 18, first_vector=1))
    check_consistency(tmp_path, change(two_chip_build(), "operands", 19, tensor=6))


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=6))
def test_a_table_is_in_order_when_python_says_so(rows: list[tuple[int, int, int]]) -> None:
    """Tests the order of operands against sorted()."""
    one = two_chip_build()
    columns = [ints(*(row[index] for row in rows)) for index in range(3)]
    operands = Operands(*columns, ints(*(1 for _ in rows)), np.array(["copy"] * len(rows), dtype=np.str_))
    build = replace(one, operands=operands)
    if rows == sorted(rows):
        check_consistency(Path(), build)
    else:
        assert refused(Path(), build).startswith("operands.parquet")


@pytest.mark.parametrize("value", [0, -1, -(2**63)])
@pytest.mark.parametrize("column", ["vector_time_numerator", "vector_time_denominator"])
def test_a_vector_takes_time(tmp_path: Path, column: str, value: int) -> None:
    """Tests that nobody has to divide by zero, nor to wait less than nothing."""
    assert fault(tmp_path, "links.parquet", column, {4: value}) == f"row 4 says {value}, must be at least 1"


@pytest.mark.parametrize("column", ["cycle", "stall"])
def test_a_deskew_is_not_negative(tmp_path: Path, column: str) -> None:
    """Tests its cycle and its stall; 0 is taken."""
    assert fault(tmp_path, "deskews.parquet", column, {0: -1}) == "row 0 says -1, must be at least 0"
    check_consistency(tmp_path, change(two_chip_build(), "deskews", 0, **{column: 0}))


LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("parents", "depths", "row"),
    [
        # 1 and 2 are each other's parents: no depths can be right.
        ((0, 2, 1), (0, 1, 2), 1),
        ((0, 2, 1), (0, 1, 1), 1),
        # All three in a ring.
        ((1, 2, 0), (0, 1, 2), 0),
        # A root that is not at depth 0, a node at depth 0 that is no root, a level left out.
        ((0, 0, 0), (1, 2, 2), 0),
        ((0, 0, 0), (0, 0, 1), 1),
        ((0, 0, 1), (0, 1, 3), 2),
        # Depths as far as int64 goes, where one more is less.
        ((1, 0, 0), (-(2**63), LARGEST, 1), 0),
        ((0, 2, 1), (0, LARGEST, -(2**63)), 1),
        ((0, 0, 0), (0, -1, 1), 1),
        ((0, -1, 0), (0, 0, 1), 1),
        ((0, -1, 1), (0, -1, 0), 2),
    ],
)
def test_parents_that_are_no_tree_are_told(
    tmp_path: Path, parents: tuple[int, ...], depths: tuple[int, ...], row: int
) -> None:
    """Tests that a walk from parent to parent ends at a root, whatever a file says."""
    one = two_chip_build()
    build = replace(one, chips=replace(one.chips, hac_parent=ints(*parents), hac_depth=ints(*depths)))
    problem = f"row {row} says {depths[row]}, must be 0 at a root, one more than its parent's below it, -1 in no tree"
    assert refused(tmp_path, build) == f"chips.parquet: hac_depth: {problem}"


@pytest.mark.parametrize(
    ("parents", "depths"),
    [((0, 0, 1), (0, 1, 2)), ((2, 2, 2), (1, 1, 0)), ((0, 1, 0), (0, 0, 1)), ((0, 0, -1), (0, 1, -1))],
)
def test_any_forest_is_taken(tmp_path: Path, parents: tuple[int, ...], depths: tuple[int, ...]) -> None:
    """Tests a chain, a root that is not node 0, two trees, and a host in none."""
    one = two_chip_build()
    chips = replace(one.chips, hac_parent=ints(*parents), hac_depth=ints(*depths))
    check_consistency(tmp_path, replace(one, chips=chips))


def test_a_build_of_nothing_is_consistent(tmp_path: Path) -> None:
    """Tests that tables without rows contradict nothing."""
    one = two_chip_build()
    names = ("slots", "operators", "operands", "tensors", "chips", "links", "segments", "frames", "deskews")
    tables = {
        name: type(table)(*(getattr(table, field.name)[:0] for field in fields(table)))
        for name, table in zip(names, one.tables, strict=True)
    }
    empty = one.graph.model_copy(update={"groups": [], "layers": [], "segments": []})
    check_consistency(tmp_path, replace(one, graph=empty, **tables))

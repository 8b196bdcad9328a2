"""Orders and blocks of rows, against plain sorting, and that rules judge the same in small blocks as at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify import blocks
from lpxsched.verify.blocks import grouped, runs, sorted_rows
from lpxsched.verify.check import check
from tests.builds import two_chip_build
from tests.verify.changes import change

KEYS = st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-2, 2)), max_size=12)


@given(KEYS, st.sampled_from([1, 2**20]))
def test_rows_are_sorted_as_lexsort_does(keys: list[tuple[int, int]], spread: int) -> None:
    """Tests keys that fit into one number with their row and, spread, those that do not; equal ones keep order."""
    first, second = np.array(keys, dtype=np.int64).reshape(-1, 2).T
    assert sorted_rows(second, first * spread).tolist() == np.lexsort((first * spread, second)).tolist()


@given(st.lists(st.integers(0, 4), max_size=12))
def test_rows_are_grouped_by_their_number(numbers: list[int]) -> None:
    """Tests the rows of one number, of neighbours, and of some in any order."""
    rows = [[row for row, number in enumerate(numbers) if number == wanted] for wanted in range(5)]
    found = grouped(np.array(numbers, dtype=np.int64), 5)
    assert [found.of(number, number + 1).tolist() for number in range(5)] == rows
    assert found.of(1, 4).tolist() == rows[1] + rows[2] + rows[3]
    some, counts = found.each(np.array([3, 0]))
    assert (some.tolist(), counts.tolist()) == (rows[3] + rows[0], [len(rows[3]), len(rows[0])])


def test_runs_cut_between_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that of numbers with 2, 0, 5, 1 and 1 rows a run ends where one more row than 3, 6, .. stands before it."""
    monkeypatch.setattr(blocks, "ROWS", 3)
    found = grouped(np.array([0, 0, 2, 2, 2, 2, 2, 3, 4]), 5)
    # Rows before each number: 0, 2, 2, 7, 8; in threes 0, 0, 0, 2, 2.
    assert list(runs(found)) == [(0, 3), (3, 5)]


@pytest.mark.parametrize(
    ("table", "row", "cells"),
    [
        ("slots", 1, {"depart": 5}),
        ("slots", 3, {"read": 1}),
        ("slots", 2, {"vectors": 1}),
        ("slots", 6, {"tensor": 5}),
        ("operands", 12, {"tensor": 4}),
        ("operands", 19, {"tensor": 6}),
        ("operands", 19, {"tensor": 9}),
        ("operators", 4, {"start": 1}),
        ("chips", 0, {"inject_per_cycle": 0, "eject_per_cycle": 0}),
        ("chips", 1, {"sram_bytes": 1}),
        ("chips", 1, {"deskew_buffer_vectors": 0}),
        ("links", 2, {"down": True}),
    ],
)
def test_small_blocks_find_the_same(
    table: str, row: int, cells: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests broken builds with blocks of one row and of all, each rule's messages in the same order."""
    build = change(two_chip_build(), table, row, **cells)
    whole = check(build).violations
    assert whole
    monkeypatch.setattr(blocks, "ROWS", 1)
    assert check(change(two_chip_build(), table, row, **cells)).violations == whole

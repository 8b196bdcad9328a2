"""Joins of columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.joins import counted, grouped, matching
from tests.schedule.instances import ints


def test_what_is_counted_has_a_row_and_a_place() -> None:
    """Tests rows of two, none and three."""
    row, place = counted(ints([2, 0, 3]))
    assert (row.tolist(), place.tolist()) == ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])


@given(st.lists(st.integers(0, 4), max_size=6), st.lists(st.integers(0, 4), max_size=6))
def test_all_pairs_of_equal_keys_are_found_once(keys: list[int], others: list[int]) -> None:
    """Tests random keys against the product of both lists."""
    row, other = matching(ints(keys), ints(others))
    pairs = list(zip(row.tolist(), other.tolist(), strict=True))
    assert sorted(pairs) == [(i, j) for i in range(len(keys)) for j in range(len(others)) if keys[i] == others[j]]
    assert row.dtype == other.dtype == np.int64


def test_far_keys_are_paired_like_near_ones() -> None:
    """Tests keys too far apart for a table of all that lie between."""
    row, other = matching(ints([10**12, 7, -3]), ints([-3, 10**12, -3]))
    assert list(zip(row.tolist(), other.tolist(), strict=True)) == [(0, 1), (2, 0), (2, 2)]


def test_rows_are_grouped_by_their_keys_in_their_order() -> None:
    """Tests keys 2, 0, 2 of four: key 0 has row 1, key 2 rows 0 and 2, keys 1 and 3 none."""
    rows, offsets = grouped(ints([2, 0, 2]), 4)
    assert (rows.tolist(), offsets.tolist()) == ([1, 0, 2], [0, 1, 1, 3, 3])

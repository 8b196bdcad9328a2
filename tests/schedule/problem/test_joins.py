"""Joins of columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.joins import counted, matching
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

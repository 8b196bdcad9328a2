"""Lists of lists in flat columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.ragged import (
    Interned,
    Ragged,
    first_with,
    grouped,
    indexed,
    looked_up,
    matching,
    row_and_place,
)
from lpxsched.units import NONE
from tests.schedule.examples import column
from tests.schedule.instances import ints


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1))))
def test_rows_are_what_they_were_made_of(rows: list[list[int]]) -> None:
    """Tests that every row comes back, empty ones and the ends of the range of integers among them."""
    ragged = Ragged.of(rows)
    assert len(ragged) == len(rows)
    assert [ragged[row].tolist() for row in range(len(ragged))] == rows
    assert ragged.offsets.dtype == ragged.values.dtype == "int64"


def test_the_greatest_of_a_row() -> None:
    """Tests the greatest of what the values of each row number, empty rows at both ends among them."""
    ragged = Ragged.of([[], [0, 2], [], [1], []])
    assert ragged.greatest(column([7, 3, 9]), least=-1).tolist() == [-1, 9, -1, 3, -1]


def test_rows_that_are_kept_once_are_read_alike() -> None:
    """Tests rows of which the first and the last are equal: some at length, their first integers, their greatest."""
    interned, rows = Interned.of([[0, 2], [], [1], [0, 2]]), column([3, 2, 0])
    assert interned.taken(rows).values.tolist() == [0, 2, 1, 0, 2]
    assert interned.first(rows).tolist() == [0, 1, 0]
    assert interned.greatest(column([7, 3, 9]), least=-1).tolist() == [9, -1, 3, 9]


@given(st.lists(st.lists(st.integers(0, 1), max_size=3)))
def test_equal_rows_are_kept_once(rows: list[list[int]]) -> None:
    """Tests that every row comes back, alone and at length, and that no set is there twice or for nothing."""
    interned = Interned.of(rows)
    assert [interned[row].tolist() for row in range(len(interned))] == rows
    assert interned.counts.tolist() == [len(row) for row in rows]
    flat = interned.flat()
    assert [flat[row].tolist() for row in range(len(flat))] == rows
    sets = [tuple(interned.sets[row].tolist()) for row in range(len(interned.sets))]
    assert sets == list(dict.fromkeys(map(tuple, rows)))


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1), st.data())
def test_some_rows_are_taken_in_their_order(rows: list[list[int]], data: st.DataObject) -> None:
    """Tests rows that are taken twice, or never."""
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    taken = Ragged.of(rows).taken(np.array(chosen, dtype=np.int64))
    assert [taken[row].tolist() for row in range(len(taken))] == [rows[row] for row in chosen]


def test_what_is_counted_has_a_row_and_a_place() -> None:
    """Tests rows of two, none and three."""
    row, place = row_and_place(ints([2, 0, 3]))
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


def test_the_first_row_with_a_key() -> None:
    """Tests a key that two rows have, and one that none has; close together and far apart."""
    for far in (1, 10**9):
        keys, wanted = (column([key * far for key in some]) for some in ((5, 3, 5), (4, 5, 3)))
        assert first_with(keys, wanted).tolist() == [NONE, 0, 1]
    assert first_with(column([]), column([7])).tolist() == [NONE]


@pytest.mark.parametrize("far", [1, 10**12])
def test_numbers_are_found_by_their_keys(far: int) -> None:
    """Tests keys -1, 2 and 2 again, of which the last stays; below, between and above them; near and far apart."""
    index = indexed(column([-far, 2 * far, 2 * far]), column([7, 8, 0]))
    wanted = column([-2 * far, -far, -far + 1, 0, 2 * far, 2 * far + 1])
    assert looked_up(index, wanted).tolist() == [NONE, 7, NONE, NONE, 0, NONE]


def test_nothing_is_found_among_no_keys() -> None:
    """Tests an index of nothing."""
    assert looked_up(indexed(column([]), column([])), column([0, -1])).tolist() == [NONE, NONE]


def test_the_row_of_each_value() -> None:
    """Tests rows of two values, none and one."""
    assert Ragged.of([[4, 5], [], [6]]).row.tolist() == [0, 0, 2]

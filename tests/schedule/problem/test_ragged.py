"""Lists of lists as two columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.ragged import Ragged
from tests.schedule.examples import column


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1))))
def test_rows_are_what_they_were_made_of(rows: list[list[int]]) -> None:
    """Tests that every row comes back, empty ones and the ends of the range of integers among them."""
    ragged = Ragged.of(rows)
    assert len(ragged) == len(rows)
    assert [ragged[row].tolist() for row in range(len(ragged))] == rows
    assert ragged.offsets.dtype == ragged.values.dtype == "int64"


def test_rows_are_chosen() -> None:
    """Tests some rows of a list, one of them empty, one twice."""
    ragged = Ragged.of([[1, 2], [], [3], [4, 5, 6]])
    chosen = ragged.taken(column([3, 1, 0, 3]))
    assert [chosen[row].tolist() for row in range(len(chosen))] == [[4, 5, 6], [], [1, 2], [4, 5, 6]]


def test_the_greatest_of_a_row() -> None:
    """Tests the greatest of what the values of each row number, empty rows at both ends among them."""
    ragged = Ragged.of([[], [0, 2], [], [1], []])
    assert ragged.greatest(column([7, 3, 9]), least=-1).tolist() == [-1, 9, -1, 3, -1]

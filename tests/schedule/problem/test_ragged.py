"""Lists of lists as two columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.ragged import Ragged


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1))))
def test_rows_are_what_they_were_made_of(rows: list[list[int]]) -> None:
    """Tests that every row comes back, empty ones and the ends of the range of integers among them."""
    ragged = Ragged.of(rows)
    assert len(ragged) == len(rows)
    assert [ragged[row].tolist() for row in range(len(ragged))] == rows
    assert ragged.offsets.dtype == ragged.values.dtype == "int64"

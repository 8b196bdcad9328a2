"""Bounds in columns."""

from __future__ import annotations

from lpxsched.schedule.bounds.columns import BoundColumns, earliest, latest, none, of_rows
from tests.schedule.examples import column


def listed(bounds: BoundColumns) -> list[tuple[int, int]]:
    """Return cycles and arguments of each bound."""
    return list(zip(*(values.tolist() for values in bounds), strict=True))


def test_an_argument_enters_once() -> None:
    """Tests that a bound moved twice by one argument, 2, and by another, 1, has both."""
    assert listed(BoundColumns(column([5]), column([0])).later(3, 2).later(2, 1).later(1, 2).later(4)) == [(15, 3)]


def test_the_first_of_equal_bounds_decides() -> None:
    """Tests columns that are equal, later and earlier, in that order of places."""
    one, other = BoundColumns(column([4, 4, 4]), column([1, 1, 1])), BoundColumns(column([4, 5, 3]), column([2, 2, 2]))
    assert listed(latest(one, other)) == [(4, 1), (5, 2), (4, 1)]
    assert listed(earliest(one, other)) == [(4, 1), (4, 1), (3, 2)]


def test_bounds_of_rows() -> None:
    """Tests rows of three, none and two bounds, and an empty one at the end."""
    bounds, offsets = BoundColumns(column([3, 7, 7, 2, 1]), column([0, 1, 2, 3, 4])), column([0, 3, 3, 5, 5])
    assert listed(of_rows(bounds, offsets)) == [(7, 1), (-1, 0), (2, 3), (-1, 0)]
    assert listed(of_rows(bounds, offsets, least=True)) == [(3, 0), (-1, 0), (1, 4), (-1, 0)]
    assert listed(none(1, 9)) == [(9, 0)]

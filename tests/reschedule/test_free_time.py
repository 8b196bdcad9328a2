"""Tests of when links are free."""

from __future__ import annotations

import numpy as np

from lpxsched.reschedule.free_time import turns, with_room
from lpxsched.schedule.times.calendars import Closed, calendars_of, earliest_gap, reserve, united


def closed(*rows: tuple[int, int, int]) -> Closed:
    """Return intervals (resource, begin, length)."""
    return Closed(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def test_intervals_that_touch_or_overlap_become_one() -> None:
    """Tests [0, 4), [3, 5) and [5, 6) of one link, [0, 2) of another, and [-3, 1) of the first, inside out."""
    union = united([closed((1, 0, 2), (0, 3, 2), (0, 5, 1)), closed((0, 0, 4), (0, -3, 4))])
    assert [column.tolist() for column in union] == [[0, 1], [-3, 0], [9, 2]]


def test_nothing_joined_is_nothing() -> None:
    """Tests that no intervals have an empty union."""
    assert [len(column) for column in united([])] == [0, 0, 0]


def test_turns_cover_what_lasts_longer_than_a_period() -> None:
    """Tests a period of 10 and rows of 25 cycles: iterations 4 before to 4 after can meet one; on demand none does."""
    assert turns(10, 25) == [-40, -30, -20, -10, 0, 10, 20, 30, 40]
    assert turns(0, 25) == [0]


def test_a_copy_with_room_leaves_the_calendars_alone() -> None:
    """Tests that what is entered into a copy is not in what it was copied from."""
    calendars = calendars_of(closed((0, 0, 4)), np.ones(1, dtype=np.int64))
    copy = with_room(calendars, 1)
    reserve(copy, 0, 4, 6)
    assert (earliest_gap(calendars, 0, 0, 2), earliest_gap(copy, 0, 0, 2)) == (4, 10)

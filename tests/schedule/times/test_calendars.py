"""Calendars, against plain lists of intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.times.calendars import Calendars, earliest_gap, reserve
from tests.schedule.plain_greedy import Calendar


def empty_calendars(calendars: int, *, shortest: int = 1, intervals: int = 100) -> Calendars:
    """Return calendars with nothing in them, on which no request is shorter than a number of cycles."""
    return Calendars(
        shortest=np.full(calendars, shortest, dtype=np.int64),
        latest=np.full(calendars, -1, dtype=np.int64),
        before=np.empty(intervals, dtype=np.int64),
        start=np.empty(intervals, dtype=np.int64),
        end=np.empty(intervals, dtype=np.int64),
        used=np.zeros(1, dtype=np.int64),
    )


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 6)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_calendars_find_the_first_gap(shortest: int, requests: list[tuple[int, int, int]]) -> None:
    """Tests two calendars side by side against plain lists of intervals: each request takes the first gap it fits.

    Holes that no request fits are not kept apart, which must not show.
    """
    calendars, plain = empty_calendars(2, shortest=shortest), [Calendar(), Calendar()]
    for calendar, ready, longer in requests:
        length = shortest + longer
        begin = earliest_gap(calendars, calendar, ready, length)
        assert begin == plain[calendar].earliest(ready, length)
        reserve(calendars, calendar, begin, length)
        plain[calendar].reserve(begin, length)


@pytest.mark.parametrize(
    ("ready", "length", "expected"),
    [
        (0, 10, 0),  # fits before [10, 20) exactly
        (0, 11, 35),  # does not, nor into [20, 30)
        (1, 10, 20),  # late by one: into [20, 30) exactly
        (12, 3, 20),
        (22, 8, 22),
        (22, 9, 35),
        (40, 5, 40),
        # What takes no time is in nobody's way.
        (12, 0, 12),
    ],
)
def test_the_first_gap_between_two_intervals(ready: int, length: int, expected: int) -> None:
    """Tests requests around the busy intervals [10, 20) and [30, 35)."""
    calendars = empty_calendars(1)
    reserve(calendars, 0, 30, 5)
    reserve(calendars, 0, 10, 10)
    assert earliest_gap(calendars, 0, ready, length) == expected

"""Compiled kernels: calendars, streams and relays; whole schedules are compared in ``test_greedy``."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes import kernels
from lpxsched.schedule.routes.list_schedule import network_of
from tests.schedule.instances import copy_along, wide
from tests.schedule.plain_greedy import Calendar
from tests.strategies import VECTOR_TIMES

if TYPE_CHECKING:
    from fractions import Fraction


def empty_calendars(calendars: int, *, shortest: int = 1, intervals: int = 100) -> kernels.Calendars:
    """Return calendars with nothing in them, on which no request is shorter than a number of cycles."""
    return kernels.Calendars(
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
        begin = kernels.earliest_gap(calendars, calendar, ready, length)
        assert begin == plain[calendar].earliest(ready, length)
        kernels.reserve(calendars, calendar, begin, length)
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
    kernels.reserve(calendars, 0, 30, 5)
    kernels.reserve(calendars, 0, 10, 10)
    assert kernels.earliest_gap(calendars, 0, ready, length) == expected


@given(st.sampled_from(VECTOR_TIMES), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_stream_is_rounded_up_once(vector_time: Fraction, vectors: int) -> None:
    """Tests that n vectors take ceil(n v), not n ceil(v)."""
    network = network_of(copy_along([vector_time], 1))
    assert kernels.stream_cycles(network, 0, vectors) == ceil(vectors * vector_time)


def test_the_lowest_of_equal_lanes_is_taken() -> None:
    """Tests that of two lanes, the first busy until 7, the second until 5, the second is taken, then the first."""
    network, calendars = network_of(wide(2, 1)), empty_calendars(2)
    assert kernels.earliest_lane(network, calendars, 0, 4, 1) == (0, 4)
    kernels.reserve(calendars, 0, 0, 7)
    kernels.reserve(calendars, 1, 0, 5)
    assert kernels.earliest_lane(network, calendars, 0, 4, 1) == (1, 5)
    assert kernels.earliest_lane(network, calendars, 0, 7, 1) == (0, 7)

"""Slots of the list schedule: how long they hold a lane, and which lane is taken."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.problem.wires import hold_cycles
from lpxsched.schedule.routes.columns import earliest_lane
from lpxsched.schedule.symmetry.padding import unpadded
from lpxsched.schedule.times.calendars import reserve
from tests.schedule.instances import copy_along, wide
from tests.schedule.times.test_calendars import empty_calendars
from tests.strategies import VECTOR_TIMES

if TYPE_CHECKING:
    from fractions import Fraction


@given(st.sampled_from(VECTOR_TIMES), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_stream_is_rounded_up_once(vector_time: Fraction, vectors: int) -> None:
    """Tests that n vectors take ceil(n v), not n ceil(v)."""
    wires = unpadded(copy_along([vector_time], 1)).wires
    assert hold_cycles(wires, 0, vectors) == ceil(vectors * vector_time)


def test_the_lowest_of_equal_lanes_is_taken() -> None:
    """Tests that of two lanes, the first busy until 7, the second until 5, the second is taken, then the first."""
    wires, calendars = unpadded(wide(2, 1)).wires, empty_calendars(2)
    assert earliest_lane(wires, calendars, 0, 4, 1) == (0, 4)
    reserve(calendars, 0, 0, 7)
    reserve(calendars, 1, 0, 5)
    assert earliest_lane(wires, calendars, 0, 4, 1) == (1, 5)
    assert earliest_lane(wires, calendars, 0, 7, 1) == (0, 7)

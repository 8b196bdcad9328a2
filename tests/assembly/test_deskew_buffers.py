"""Tests that what waits between arrival and read fits into deskew buffers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.assembly.deskew_buffers import refuse_full_buffers
from lpxsched.clocks.specification import load_clock
from lpxsched.errors import NothingFoundError
from tests.builds import ints, two_chip_build
from tests.verify.changes import change

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

PERFECT = load_clock("none")


def with_depth(build: Build, vectors: int) -> Build:
    """Return a build whose chips hold so many vectors a link."""
    return replace(build, chips=replace(build.chips, deskew_buffer_vectors=ints(vectors, vectors, 0)))


def test_no_more_wait_than_travel_together() -> None:
    """Tests slots of 2 vectors that wait 18 - 5/2 - 10 = 5.5 cycles: ceil(5.5 / (5/2)) = 3, but 2 in a burst."""
    build = two_chip_build()
    refuse_full_buffers(with_depth(build, 2), PERFECT)
    with pytest.raises(NothingFoundError, match="up to 3 vectors would wait on link 0 "):
        refuse_full_buffers(with_depth(build, 1), PERFECT)


def test_slots_that_follow_each_other_wait_together() -> None:
    """Tests a second slot that departs as the first has left, at 28, and reads 4 later: 9.5 / (5/2) is 4 rounded up."""
    build = change(change(two_chip_build(), "slots", 1, depart=28, read=50), "slots", 0, read=45)
    refuse_full_buffers(with_depth(build, 4), PERFECT)
    with pytest.raises(NothingFoundError, match="up to 4 vectors would wait on link 0"):
        refuse_full_buffers(with_depth(build, 3), PERFECT)


def test_vectors_may_come_early_by_residual_and_drift() -> None:
    """Tests 10.6 cycles of one level and 2 x 10^-4 x 128 of drift before the 5.5: 16.1 / (5/2) are 7, rounded up."""
    build = change(two_chip_build(), "slots", 0, vectors=8)
    with pytest.raises(NothingFoundError, match="up to 7 vectors would wait on link 0"):
        refuse_full_buffers(with_depth(build, 6), load_clock("xo-100ppm"))

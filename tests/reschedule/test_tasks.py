"""Tests that the rows of real builds keep what `tasks` says that they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.reschedule.tasks import moves_of, precedences, work_of
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.timetable.derived import slot_segments
from tests.builds import two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def waits(build: Build, segment: int) -> np.ndarray:
    """Return by how much each task of a segment starts later than it must for each that it waits for."""
    moves = moves_of(build, np.arange(len(build.chips))).taken(np.flatnonzero(slot_segments(build) == segment))
    work = work_of(build, segment)
    start = np.concatenate([moves.depart, work.start])
    before, after, delay = precedences(moves, work, wire_times_of(build, build.links.guard_cycles))
    return np.asarray(start[after] - start[before] - delay)


def test_rows_of_a_compile_wait_for_what_they_need(small_build: Build) -> None:
    """Tests that no row of a compiled model comes too early, and that some have no cycle to spare."""
    slack = waits(small_build, 0)
    assert slack.min() == 0


def test_sums_turn_around_before_their_result_leaves() -> None:
    """Tests the build of two chips: sums leave 3 + 6 cycles after the last read at 100.5, which is at 110.

    The slots of the results depart at 110, so that the wait from the slots of the summands, which depart at 80 and are
    read until 101, is met with no cycle to spare.
    """
    assert waits(two_chip_build(), 0).min() == 0


@pytest.mark.parametrize("turnaround", [4, 30])
def test_a_longer_turnaround_is_told(turnaround: int) -> None:
    """Tests that the rows of the build of two chips come too early when its chips take longer to turn around."""
    from dataclasses import replace

    build = two_chip_build()
    chips = replace(build.chips, turnaround_cycles=np.where(build.chips.host, 0, turnaround))
    assert waits(replace(build, chips=chips), 0).min() == 3 - turnaround

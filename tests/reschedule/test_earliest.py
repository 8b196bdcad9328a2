"""Tests of what no timetable can do earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.around import around_of
from lpxsched.reschedule.earliest import earliest_times
from lpxsched.reschedule.tasks import work_of
from tests.reschedule.examples import HOP_CYCLES, collective, fabric_without, full_mesh

if TYPE_CHECKING:
    from pathlib import Path


def test_operators_and_sums_wait_for_the_shortest_way(tmp_path: Path) -> None:
    """Tests a reduce of one vector to chip 0 of three, without 2 -> 0.

    Chips 1 and 2 send their summands to chip 0. Without 2 -> 0 the summand of chip 2 takes two hops, over chip 1, so
    `deliver` on chip 0 starts after two hops and on no chip else before 0; a summand may leave its chip at once.
    """
    build = collective(full_mesh(tmp_path, 3), "reduce", 1, root=0)
    around = around_of(build, fabric_without(build, links=[[2, 0]]), np.arange(3))
    work = work_of(build, 0)
    earliest = earliest_times(around.moves, work, around.bare, np.flatnonzero(around.fabric.link_up))
    ends = {
        int(chip): int(earliest.start[row])
        for row, chip in enumerate(work.chip)
        if build.operators.kind[row] == "deliver"
    }
    assert ends == {0: 2 * HOP_CYCLES, 1: 0, 2: 0}
    assert earliest.depart.tolist() == [0] * len(build.slots)
    assert earliest.cut_off is None


def test_a_chip_that_is_cut_off_is_named(tmp_path: Path) -> None:
    """Tests that a summand without a way to its reader is told with both chips."""
    build = collective(full_mesh(tmp_path, 3), "reduce", 1, root=0)
    around = around_of(build, fabric_without(build, links=[[2, 0], [2, 1]]), np.arange(3))
    links = np.flatnonzero(around.fabric.link_up)
    assert earliest_times(around.moves, work_of(build, 0), around.bare, links).cut_off == (2, 0)

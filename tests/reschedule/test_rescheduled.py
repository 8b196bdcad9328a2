"""Tests of timetables round what is down: what stays, what moves, and that every rule holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule_pipeline import rescheduled
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.reschedule.examples import HOP_CYCLES, collective, fabric_without, full_mesh

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_on_a_failed_link_goes_round_and_all_others_stay(tmp_path: Path) -> None:
    """Tests an all-gather of one vector each on three chips without the link 0 -> 1.

    Each of six links carries one vector at cycle 0. Chip 2 has the vector of chip 0 after one hop, and its link to
    chip 1 is free again then: the row of 0 -> 1 becomes one of 2 -> 1, read after two hops. Nothing else moves.
    """
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    after, told = rescheduled(build, fabric_without(build, links=[[0, 1]]))
    assert (told["rows_kept"], told["rows_moved"], told["rows_added"], told["rows_dropped"]) == (5, 1, 0, 0)
    assert (told["makespan_before_cycles"], int(after.segments.makespan_cycles[0])) == (HOP_CYCLES, 2 * HOP_CYCLES)
    moved = np.flatnonzero(after.slots.depart > 0)
    ends = [(int(after.links.src[link]), int(after.links.dst[link])) for link in after.slots.link[moved]]
    assert (ends, after.slots.depart[moved].tolist()) == ([(2, 1)], [HOP_CYCLES])
    assert check(after).ok
    assert replay(after).ok

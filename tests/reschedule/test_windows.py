"""Tests of timetables in flight round what is down: rows move within the period, and windows follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.reschedule.windows import loads_again
from tests.reschedule.test_segments import repaired
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

MICRO_BATCHES = 3


def two_layers(folder: Path) -> Build:
    """Return two layers in flight that share chips 2 and 3, whose links are not busy all the period."""
    return compiled(folder, chips=[[0, 1, 2, 3], [2, 3, 4, 5]], in_flight=MICRO_BATCHES, batch=6)


@pytest.mark.parametrize("link", [[0, 1], [2, 3], [8, 0]], ids=str)
def test_a_link_of_layers_in_flight_fails(tmp_path: Path, link: list[int]) -> None:
    """Tests links of one layer, of both, and of a host: rules and numbers hold, and period and phases are as before."""
    build = two_layers(tmp_path)
    after, told = repaired(build, links=[link])
    assert 0 < told["rows_moved"] < len(build.slots) / 4
    assert after.frames.period_cycles.tolist() == build.frames.period_cycles.tolist()
    assert after.segments.phase_cycles.tolist() == build.segments.phase_cycles.tolist()


def test_rows_leave_whole_periods_later(tmp_path: Path) -> None:
    """Tests that rows of the layer without 0 -> 1 leave their hosts whole periods later, and a step is so much longer.

    Neither layer rested before: what the first one takes longer, and rests now, is the periods that were added.
    """
    build = two_layers(tmp_path)
    after, _ = repaired(build, links=[[0, 1]])
    period, results = int(build.frames.period_cycles[0]), after.manifest.results
    longer = int(after.segments.makespan_cycles[0] - build.segments.makespan_cycles[0])
    added = results["windows"] - build.manifest.results["windows"]
    assert build.manifest.results["rest_cycles"] == [0, 0]
    assert results["rest_cycles"] == [added * period - longer, 0]
    # The least number of periods that holds what it takes longer.
    assert (added - 1) * period < longer <= added * period
    assert after.frames.windows.tolist() == [results["windows"]]
    assert len(set(results["residues"])) == MICRO_BATCHES


def test_nothing_changes_around_a_layer_that_ends_no_later(tmp_path: Path) -> None:
    """Tests a failed link that carries nothing: windows, gaps, deskews and owners are those of before."""
    build = two_layers(tmp_path)
    idle = np.setdiff1d(np.flatnonzero(~build.chips.host[build.links.src]), build.slots.link)
    link = [int(column[idle[-1]]) for column in (build.links.src, build.links.dst, build.links.lane)]
    after, told = repaired(build, links=[link])
    assert (told["rows_moved"], told["rows_dropped"]) == (0, 0)
    assert after.manifest.results == build.manifest.results
    assert after.deskews.cycle.tolist() == build.deskews.cycle.tolist()


def test_the_busiest_link_is_told_anew(tmp_path: Path) -> None:
    """Tests that a load of a link becomes that of the link which is held longest, and others stay, longest first."""
    build = two_layers(tmp_path)
    port = {"resource": "a port", "kind": "port", "load_ns": 1e-3, "all_ns": 1e-3}
    link, stayed = loads_again(build, [port, {"resource": "", "kind": "link", "load_ns": 0, "all_ns": 0}], 2)
    assert stayed == port
    assert link["resource"].startswith("link ")
    assert link["all_ns"] == pytest.approx(2 * link["load_ns"], abs=1e-3)

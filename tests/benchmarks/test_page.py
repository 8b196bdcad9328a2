"""Tests of what the benchmark of the page draws."""

from __future__ import annotations

from benchmarks.page import random_slots
from tests.report.builds import repeated_build


def test_random_slots_fit_builds_of_any_number_of_segments() -> None:
    """Tests four segments: all slots asked for or a few more lie on all links, and end in the time of all segments."""
    build = random_slots(repeated_build(4), 1000)
    assert 1000 <= len(build.slots) < 1000 + len(build.links)
    assert len(build.segments.makespan_cycles) == 4
    assert int(build.slots.depart.max()) < int(build.segments.makespan_cycles.sum())

"""Tests of the picture of deskews."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.report.figures.deskews import apart, least_of, render_deskews, searched_first

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def tried(interval: int, worst: float, step: float, **more: Any) -> dict[str, Any]:
    """Return an interval in gaps with what it came to."""
    told = {"deskews": 9, "gaps": 3, "windows": 8, "guard_cycles": 60, "period_cycles": 100}
    return told | {"interval_cycles": interval, "worst_case_ns": worst, "step_ns": step} | more


def test_the_shortest_step_next_to_the_least_worst_case_is_searched_first() -> None:
    """Tests a least worst case of 100: 102 is within a fiftieth and shorter in a step, 103 is not within."""
    found = [tried(1, 100.0, 50.0), tried(2, 102.0, 40.0), tried(4, 103.0, 30.0)]
    assert least_of(found) == 100
    assert searched_first(found)["interval_cycles"] == 2


def test_numbers_on_the_axis_do_not_touch() -> None:
    """Tests intervals from 100 to 10,000: within a twentieth of the axis, a tenth of a decade, stands one."""
    found = [tried(interval, 1.0, 1.0) for interval in (100, 120, 126, 1000, 10_000)]
    assert [one["interval_cycles"] for one in apart(found)] == [100, 126, 1000, 10_000]
    assert apart(found[:1]) == found[:1]


@pytest.mark.parametrize(
    "found",
    [
        [tried(8000, 1000.0, 300.0), tried(16000, 1010.0, 290.0)],
        [{"interval_cycles": 8000, "worst_case_ns": 9.0, "deskews": 2, "guard_cycles": 60, "stall_cycles": 45}],
    ],
)
def test_what_lies_in_gaps_has_a_picture_of_its_steps(small_build: Build, found: list[dict[str, Any]]) -> None:
    """Tests both ways to weigh: with nominal steps the picture is half as wide again, each as often as it is drawn."""
    results = small_build.manifest.results | {"deskews": {"count": 9, "interval_cycles": 8000, "tried": found}}
    build = replace(small_build, manifest=small_build.manifest.model_copy(update={"results": results}))
    picture = render_deskews(build)
    assert picture == render_deskews(build)
    # The width stands in the header of a PNG: 5.2 inches a panel at 110 dots an inch.
    assert int.from_bytes(picture[16:20], "big") == (1716 if "step_ns" in found[0] else 1144)

"""Tests of the points that no other beats, and of the picture."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.exploring.sweep.front import pareto_front, point_name, sweep_text
from lpxsched.exploring.sweep.picture import render_sweep


def row(batch: int, step_ns: float | None, tokens_per_s: float | None, **more: Any) -> dict[str, Any]:
    """Return what a picture needs of a point."""
    told = {"option_model": "m", "option_topology": "t", "option_batch": batch, "exit_code": 0, "cause": None}
    figures = {"step_ns": step_ns, "tokens_per_s": tokens_per_s, "tokens_per_s_per_user": tokens_per_s, "chips": 4}
    return told | (figures if step_ns is not None else {}) | more


def test_the_front_leaves_out_what_is_beaten() -> None:
    """Tests a point that is longer and slower, one that is no better, one of equal step, one of none."""
    rows = [row(8, 20, 80), row(1, 10, 10), row(2, 10, 9), row(3, 21, 79), row(4, 30, 80), row(5, None, None)]
    assert pareto_front(rows) == [1, 0]


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=8))
def test_the_front_is_what_no_point_beats(points: list[tuple[int, int]]) -> None:
    """Tests against the definition."""
    rows = [row(number, step, rate) for number, (step, rate) in enumerate(points)]
    kept = {points[number] for number in pareto_front(rows)}
    beaten = {one for one in points for other in points if other != one and other[0] <= one[0] and other[1] >= one[1]}
    assert kept == set(points) - beaten


def test_the_text_tells_what_was_swept_and_why_there_is_nothing() -> None:
    """Tests a line a point, and the mark of the front."""
    failed = row(9, None, None, exit_code=3, cause="infeasible: " + "x" * 299)
    lines = sweep_text([row(1, 10_000, 100), failed], ["batch"]).splitlines()
    assert lines[0].split() == ["batch", "step", "tokens/s/user", "tokens/s", "chips"]
    assert lines[1].split() == ["1", "10.000", "us", "100", "100", "4", "*"]
    assert lines[2].split()[:7] == ["9", "-", "-", "-", "-", "exit", "3:"]
    # A word of a cause stands whole below; 200 letters of a cause are told.
    assert lines[3].strip() == "x" * (200 - len("infeasible: ") - len("...")) + "..."
    assert point_name(failed, ["batch", "model"]) == "batch 9, model m"


def test_a_sweep_without_a_failure_has_no_causes() -> None:
    """Tests that a column in which nothing stands takes no room: two points, of which the first is the front."""
    lines = sweep_text([row(1, 10_000, 100), row(2, 20_000, 100)], ["batch"]).splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["*", "4"]


def test_a_picture_is_the_same_every_time_and_needs_no_point() -> None:
    """Tests a sweep with and without a point that has a timetable."""
    for rows in ([row(1, 10_000, 100), row(8, 99_000, 400)], [row(1, None, None, exit_code=2, cause="x")]):
        picture = render_sweep(rows, ["batch"])
        assert picture.startswith(b"\x89PNG")
        assert render_sweep(rows, ["batch"]) == picture

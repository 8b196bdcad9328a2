"""Tests of the lines that tell what limits a rate, and how far assumptions may go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lpxsched.report.reach import reach_lines

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def telling(build: Build, **results: Any) -> Build:
    """Return a build that tells other results."""
    manifest = build.manifest
    return replace(build, manifest=manifest.model_copy(update={"results": manifest.results | results}))


def test_targets_are_told_with_what_they_leave(small_build: Build) -> None:
    """Tests a rate with both limits, one with the way alone, and one that nothing meets."""
    targets = [
        {"tokens_per_s_per_user": 400, "one_way_ns": 9001, "context": 70000},
        {"tokens_per_s_per_user": 1000, "one_way_ns": 500, "context": None},
        {"tokens_per_s_per_user": 3500, "one_way_ns": None, "context": None},
    ]
    lines = reach_lines(telling(small_build, targets=targets, published_formulas_ns={"serial": 2500.0, "K = 2": None}))
    assert lines == [
        ("reach", "400 tokens/s a user: 9.001 us one way or a context of 70,000 at most"),
        ("", "1,000 tokens/s a user: 0.500 us one way at most"),
        ("", "3,500 tokens/s a user: with no way and no context"),
        ("formulas", "published, of one pool for all layers without waits, a step of all micro-batches:"),
        ("", "serial 2.500 us"),
    ]


def test_loads_are_told_by_name(small_build: Build) -> None:
    """Tests two resources of a build in flight, the larger first."""
    loads = [
        {"resource": "GPUs", "kind": "GPUs", "load_ns": 2000.0},
        {"resource": "matrix unit of chip 3", "kind": "unit", "load_ns": 415.0},
    ]
    lines = reach_lines(telling(small_build, loads=loads, targets=[], published_formulas_ns={}))
    assert lines == [("loads", "2.000 us GPUs"), ("", "0.415 us matrix unit of chip 3")]


def test_nothing_is_told_of_what_is_not_there(small_build: Build) -> None:
    """Tests a build that tells neither loads nor targets."""
    assert reach_lines(telling(small_build, targets=[], published_formulas_ns={})) == []


def test_formulas_stand_in_one_order(small_build: Build) -> None:
    """Tests that a manifest, which sorts its keys, and a compile that has just made them tell them alike."""
    steps = {"serial": 4000.0, "K = 2": 3000.0, "K = 4": 2000.0}
    told = [
        reach_lines(telling(small_build, targets=[], published_formulas_ns=dict(each)))
        for each in (steps.items(), sorted(steps.items()))
    ]
    assert told[0] == told[1]
    assert told[0][-1] == ("", "serial 4.000 us, K = 2 3.000 us, K = 4 2.000 us")

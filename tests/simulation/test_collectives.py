"""Tests of collectives on drifting clocks: ends on chips, busy wires, timetables that repeat."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.waiting import waiting_by_link
from lpxsched.simulation.egress import read_egress
from lpxsched.simulation.summary import simulate
from tests.builds import ints, signed, two_chip_build
from tests.simulation.examples import clock, own_clock, timeline_of
from tests.verify.changes import change
from tests.verify.collectives import KINDS, LAID, build_of
from tests.verify.test_frames import gapped, phased

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def collective(kind: str, **how: object) -> Build:
    """Return a collective by hand, told as one by its options, with a tree for clocks that need one."""
    build = build_of(LAID[kind], **how)
    chips = replace(build.chips, hac_parent=ints(0, 0, 0), hac_depth=ints(0, 1, 1))
    manifest = build.manifest.model_copy(update={"options": {"kind": kind}})
    return signed(replace(build, chips=chips, manifest=manifest))


@pytest.mark.parametrize("kind", KINDS)
def test_perfect_clocks_show_the_rounding(kind: str) -> None:
    """Tests that without guard and drift a vector that arrives at 12.5 is read at 13."""
    summary = simulate(collective(kind), clock(), trials=2, seed=0)
    assert summary.least_slack_cycles == summary.proved.least_slack_cycles == Fraction(1, 2)
    assert summary.holds


def test_a_collective_ends_on_its_chips() -> None:
    """Tests that the last delivery of each chip is an end of the segment."""
    build = collective("broadcast")
    egress = read_egress(build, read_alignment(build))
    assert egress.node.tolist() == [0, 1, 2]
    assert egress.start_cycle.tolist() == [0, 18, 34]
    # Chips 1 and 2 are two levels apart, chip 0 is the root.
    assert egress.levels.tolist() == [1, 2, 2]


def test_the_worst_case_of_a_collective_follows_from_its_clock() -> None:
    """Tests an epoch and 34 cycles by a clock of 1 - 1e-4, two residuals of 1 ns; no result tells a worst case."""
    summary = simulate(collective("broadcast"), own_clock(), trials=2, seed=0)
    assert summary.nominal_ns == 34
    worst = Fraction(252 + 34) / (1 - Fraction(1, 10_000)) + 2
    assert summary.observed_worst_ns <= worst <= summary.bound_ns
    assert summary.bound_ns - summary.observed_worst_ns == Fraction(1, 1000)


def test_vectors_of_a_busy_wire_are_v_and_latency_apart() -> None:
    """Tests that the second vector is sent at 15 instead of 5 and due at 25.5 instead of 15.5."""
    build = collective("all-gather", wire="busy")
    timeline = timeline_of(build)
    assert timeline.sent_cycles[:, 0].tolist() == [2.5, 15.0]
    assert timeline.due_cycles[:, 0].tolist() == [13.0, 25.5]
    summary = simulate(build, clock(), trials=1, seed=0)
    assert summary.proved.least_slack_cycles == Fraction(1, 2)
    assert summary.proved.fullest.vectors == 1


def test_a_timetable_that_repeats_is_simulated() -> None:
    """Tests perfect clocks: each iteration is the same, so slack is what it is when the timetable runs once.

    It repeats without the deskew with which the other one opens.
    """
    once, repeats = (simulate(collective("all-gather", period=period), trials=2, seed=0) for period in (0, 6))
    assert repeats.holds
    assert replace(repeats, proved=once.proved) == once
    stall = once.proved.least_spare_stall_cycles
    assert replace(repeats.proved, least_spare_stall_cycles=stall) == once.proved


def test_clocks_that_a_frame_never_aligns_are_refused() -> None:
    """Tests that one line says why: no deskew ends the drift of later iterations."""
    with pytest.raises(InputError, match=r"frame 0 repeats without a deskew, and clocks of .* drift apart without end"):
        simulate(collective("all-gather", period=6), clock(ppm=100), trials=1, seed=0)


def test_the_iteration_longest_after_its_deskew_is_simulated() -> None:
    """Tests two chips every 200 cycles in seven of eight windows: the last one begins 1,397 cycles after a deskew.

    The proved latency is that of one iteration on the slowest clock, with the drift between the chips before it.
    """
    build = gapped()
    manifest = build.manifest.model_copy(update={"options": {"kind": "border"}})
    build = replace(build, manifest=manifest)
    alignment = read_alignment(build)
    assert alignment.end_cycle.tolist() == [-1397]
    assert timeline_of(build).depart_cycles[0].tolist() == [1420, 1477, 1420, 1477, 1399, 1399]
    rho = Fraction(1, 10_000)
    summary = simulate(build, trials=5, seed=0)
    worst = (504 + 128 + 1 + 1397) / (1 - rho) - 1397 / (1 + rho) + Fraction(9, 10) + Fraction(26, 10)
    assert summary.observed_worst_ns <= worst <= summary.bound_ns
    assert summary.bound_ns - summary.observed_worst_ns == Fraction(1, 1000)
    assert summary.holds
    assert summary.proved.least_slack_cycles < simulate(told_once(), trials=5, seed=0).proved.least_slack_cycles


def told_once() -> Build:
    """Return the build of two chips on demand, without the claim of a worst case."""
    build = two_chip_build()
    options = {"options": {"kind": "border"}, "results": {"makespan_cycles": 128}}
    return replace(build, manifest=build.manifest.model_copy(update=options))


def test_windows_without_a_gap_to_run_in_are_refused() -> None:
    """Tests gaps in all windows."""
    build = change(gapped(), "frames", 0, gaps=list(range(8)))
    with pytest.raises(InputError, match="frame 0 repeats every 200 cycles, and no window is left to run in"):
        read_alignment(build)


@pytest.mark.parametrize(("period", "most"), [(0, 2), (20, 3), (10, 5), (6, 7)])
def test_iterations_wait_in_one_buffer(period: int, most: int) -> None:
    """Tests two vectors that wait during [12.5, 33) and [15, 35.5): 20.5 cycles are whole periods and a rest of one.

    Modulo 6 the rests [0.5, 3) and [3, 5.5) of both do not meet, beside three whole periods of each.
    """
    build = build_of(LAID["all-gather"], period=period)
    build = replace(build, slots=replace(build.slots, read=build.slots.read + 20))
    timeline = timeline_of(build)
    assert waiting_by_link(build, timeline, np.full((2, timeline.slots), 20.5)).max() == most


def test_segments_of_a_frame_wait_in_one_buffer() -> None:
    """Tests reads of both segments on one link, at phases that bring them together or not."""
    slack = np.full((2, 12), 20.0)
    for phase, most in ((0, 4), (100, 2)):
        build = phased(200, phase)
        timeline = timeline_of(build)
        assert waiting_by_link(build, timeline, slack).max() == most

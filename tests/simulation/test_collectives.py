"""Tests of collectives on drifting clocks: ends on chips, busy wires, timetables that repeat."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.egress import read_egress
from lpxsched.simulation.summary import simulate
from lpxsched.simulation.timeline import read_timeline
from tests.builds import ints, signed
from tests.simulation.examples import clock, own_clock
from tests.verify.collectives import KINDS, LAID, build_of

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
    assert summary.least_slack_cycles == summary.proven_slack_cycles == Fraction(1, 2)
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
    assert summary.bound_ns == summary.observed_worst_ns == Fraction(252 + 34) / (1 - Fraction(1, 10_000)) + 2


def test_a_model_without_a_worst_case_is_refused() -> None:
    """Tests that only a collective may leave it out."""
    build = collective("broadcast")
    model = replace(build, manifest=build.manifest.model_copy(update={"options": {}}))
    with pytest.raises(InputError, match=r"results\.proved_worst_ns"):
        simulate(model, trials=1, seed=0)


def test_vectors_of_a_busy_wire_are_v_and_latency_apart() -> None:
    """Tests that the second vector is sent at 15 instead of 5 and due at 25.5 instead of 15.5."""
    build = collective("all-gather", wire="busy")
    timeline = read_timeline(build, read_alignment(build))
    assert timeline.sent_cycles[:, 0].tolist() == [2.5, 15.0]
    assert timeline.due_cycles[:, 0].tolist() == [13.0, 25.5]
    summary = simulate(build, clock(), trials=1, seed=0)
    assert summary.proven_slack_cycles == Fraction(1, 2)
    assert summary.max_buffer_vectors == 1


def test_a_timetable_that_repeats_is_simulated() -> None:
    """Tests perfect clocks: each iteration is the same, so slack is what it is when the timetable runs once."""
    once, repeats = (simulate(collective("all-gather", period=period), trials=2, seed=0) for period in (0, 6))
    assert repeats.holds
    assert repeats.as_json() == once.as_json()


def test_clocks_that_a_frame_never_aligns_are_refused() -> None:
    """Tests that one line says why: no deskew ends the drift of later iterations."""
    with pytest.raises(InputError, match=r"frame 0 repeats without a deskew, and clocks of .* drift apart without end"):
        simulate(collective("all-gather", period=6), clock(ppm=100), trials=1, seed=0)

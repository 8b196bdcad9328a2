"""Tests that bound, kernel and reference agree on random small builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.bound.latency import latency_of
from lpxsched.simulation.bound.slack import tightest
from lpxsched.simulation.limits import Limits
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.simulation.reference.chosen import drawn, prepare
from lpxsched.simulation.reference.program import sessions
from lpxsched.simulation.reference.run import run_session, slacks_cycles
from lpxsched.simulation.timeline import read_timeline, slots_to_chips
from lpxsched.simulation.trials.kernel import columns_of, run_on
from lpxsched.units import exact, ns_to_cycles
from tests.simulation.reference.builds import (
    CLOCKS,
    against_slot,
    clock_file,
    clocks_seen,
    ns_of,
    random_build,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build

BUILDS = 200


def timeline_and_limits(build: Build) -> tuple[Timeline, Limits]:
    """Return the slots of a build on its own clock, and the limits of that."""
    limits = Limits.of(read_clock(build), read_clock_mhz(build), in_hop=build.manifest.guard_in_hop)
    return read_timeline(build, read_alignment(build), limits, slots_to_chips(build)), limits


@pytest.mark.slow
def test_the_reference_stays_within_the_bound_and_comes_near() -> None:
    """Tests 200 random builds on clocks against their tightest slot: never below, at nine of ten within a cycle."""
    near = 0
    for seed in range(BUILDS):
        build = random_build(seed, CLOCKS[seed % len(CLOCKS)])
        timeline, limits = timeline_and_limits(build)
        least = tightest(timeline, limits)
        reference = prepare(build)
        chosen = against_slot(reference, timeline, least.slot)
        outcome = run_session(reference, next(sessions(build)), chosen)
        slacks = slacks_cycles(reference, chosen, outcome)
        observed = slacks[int(timeline.row[least.slot]), least.vector]
        assert min(slacks.values()) >= float(least.slack_cycles) - 1e-3, seed
        near += observed <= float(least.slack_cycles) + 1
        assert not outcome.failures, seed
        worst = latency_of(build, reference.alignment, reference.clock, read_clock_mhz(build)).step_ns
        assert ns_of(outcome.ended_fs - outcome.event_fs) <= worst, seed
    assert near >= 0.9 * BUILDS


@pytest.mark.slow
def test_kernel_and_reference_agree_to_a_thousandth_of_a_cycle() -> None:
    """Tests random clocks and jitter: alignments are those that the reference's counters came to."""
    for seed in range(60):
        build = random_build(seed, CLOCKS[seed % len(CLOCKS)])
        timeline, limits = timeline_and_limits(build)
        reference = prepare(build)
        chosen = drawn(reference, seed)
        outcome = run_session(reference, next(sessions(build)), chosen)
        clock = read_clock(build)
        deviation = float(ns_to_cycles(exact(clock.jitter_deviation_ns.value), read_clock_mhz(build)))
        slots = columns_of(build, timeline)
        clocks = clocks_seen(reference, chosen, outcome)
        seen = run_on(slots, clocks, limits, deviation_cycles=deviation, seed=seed, each=True)
        slacks = slacks_cycles(reference, chosen, outcome)
        least: dict[int, float] = {}
        for (row, _), slack in slacks.items():
            least[row] = min(slack, least.get(row, slack))
        np.testing.assert_allclose(seen.slack, [least[row] for row in slots.row.tolist()], atol=1e-3)


@pytest.mark.slow
def test_counters_converge_to_the_residual_from_any_start() -> None:
    """Tests chips whose counters wake up anywhere: they start with all others in the published time, and agree."""
    for seed in range(30):
        build = random_build(seed, CLOCKS[seed % len(CLOCKS)])
        reference, depth = prepare(build), read_alignment(build).tree.depth
        session = next(sessions(build))
        outcome = run_session(reference, session, drawn(reference, seed))
        residual = float(reference.limits.residual_cycles * reference.wave.cycle_fs)
        times = {node: time for (deskew, node), (time, _) in outcome.resumed.items() if deskew == 0}
        root = next(node for node in times if depth[node] == 0)
        for node, time in times.items():
            assert abs(time - times[root]) <= depth[node] * residual, seed
        waited = ns_of(outcome.started_fs - outcome.event_fs)
        slow = 1 - float(reference.limits.rho + reference.limits.slowdown)
        most = float(session.waiting_cycles * reference.wave.cycle_fs) / 1e6 / slow
        assert float(waited) <= most + depth.max() * residual / 1e6, seed


@pytest.mark.slow
def test_a_build_for_good_clocks_fails_at_the_frequency_error_that_is_named(tmp_path: Path) -> None:
    """Tests builds for clocks of 5 ppb, stalls with room: on clocks 5 % better than named none fails, 5 % worse all."""
    good = clock_file(tmp_path, "ocxo-5ppb", deskew_cycles=60)
    tried = 0
    for seed in range(40):
        build = random_build(seed, good)
        own = read_clock(build)
        clock = own.model_copy(update={"deskew_cycles": own.deskew_cycles.model_copy(update={"value": 0})})
        found = bound(build, clock)
        if found.ppm.witness["what"] != "a vector may be late":
            continue
        tried += 1
        for factor, fails in ((0.95, False), (1.05, True)):
            ppm = clock.offset_ppm.model_copy(update={"value": float(found.ppm.value) * factor, "range": None})
            bad = clock.model_copy(update={"offset_ppm": ppm})
            reference = prepare(build, bad)
            timeline = read_timeline(build, reference.alignment, reference.limits, slots_to_chips(build))
            least = tightest(timeline, reference.limits)
            outcome = run_session(reference, next(sessions(build)), against_slot(reference, timeline, least.slot))
            assert any(failure.kind == "underflow" for failure in outcome.failures) == fails, seed
    assert tried >= 20

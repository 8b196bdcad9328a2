"""Tests of the proven slack."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.clocks.guard import drift_cycles
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.slack import largest_slacks_cycles, slacks_cycles, tightest
from lpxsched.simulation.summary import simulate
from lpxsched.simulation.timeline import read_timeline, slots_to_chips
from lpxsched.simulation.trials.adversary import against, attained_cycles
from lpxsched.simulation.trials.kernel import TOLERANCE_CYCLES, columns_of, run_on
from tests.builds import ints, two_chip_build
from tests.simulation.examples import (
    clock,
    deskewed_in_flight,
    limits_of,
    one_slot,
    own_clock,
    timeline_of,
    with_second_deskew,
)

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.timetable.build import Build

CLOCKS = st.builds(
    clock,
    ppm=st.floats(0, 100_000),
    residual_ns=st.floats(0, 20),
    jitter_ns=st.floats(0, 20),
    crossing=st.integers(0, 3),
    temperature_ns=st.floats(0, 5),
)
# Ramps so steep that they count within 100 cycles.
WANDERING = st.builds(
    clock,
    ppm=st.floats(0, 50_000),
    residual_ns=st.floats(0, 20),
    jitter_ns=st.floats(0, 20),
    crossing=st.integers(0, 3),
    drift_ppm_per_s=st.floats(100, 1000),
    spread_ppm=st.floats(1000, 100_000),
    spread_khz=st.floats(1, 1000),
    shared_by=st.sampled_from(["chip", "tray"]),
)
# Where a deskew [cycle, cycle + 4) overlaps no departure and no read of the two-chip build.
DESKEWS = st.sampled_from([7, 8, 14, 28, 86, 91, 113, 119])


def proven(build: Build, specification: ClockSpecification) -> Fraction:
    """Return the proven slack of a build whose clock runs at 1000 MHz."""
    return tightest(timeline_of(build, specification), limits_of(specification)).slack_cycles


def adversarial(build: Build, specification: ClockSpecification) -> float:
    """Return the least slack that the adversary reaches against any slot."""
    limits, timeline, alignment = limits_of(specification), timeline_of(build, specification), read_alignment(build)
    slots = columns_of(build, timeline)
    runs = [against(timeline, slot, alignment, limits) for slot in range(timeline.slots)]
    seen = [run_on(slots, clocks, limits, deviation_cycles=0.0, seed=0, part=1.0) for clocks in runs]
    return min(float(run.least[0]) for run in seen)


def test_perfect_clocks_leave_the_guard_and_its_rounding() -> None:
    """Tests that without any error the slack is read - depart - v - latency = 18 - 12.5 cycles."""
    assert proven(two_chip_build(), clock()) == Fraction(11, 2)


def test_jitter_temperature_and_crossing_are_taken_off() -> None:
    """Tests that 1 ns of jitter, 1/2 ns of temperature and 1 cycle of crossing cost 2.5 cycles of 1 ns."""
    assert proven(two_chip_build(), clock(jitter_ns=1, temperature_ns=0.5, crossing=1)) == 3


def test_residuals_count_once_a_level() -> None:
    """Tests that chips 0 and 1, and a chip and its lane from the host, can differ by one residual."""
    assert proven(two_chip_build(), clock(residual_ns=0.25)) == Fraction(21, 4)


def test_all_errors_together_match_the_formula() -> None:
    """Tests link 0: depart 80, read 98, second vector; 2.482198 cycles."""
    # P = 80 + 5 - 2 = 83, R = 98 + 2.5 - 2 = 98.5, B_max = 1 + 83 / (1 - 1e-4) + 10 + 1.
    rho = Fraction(1, 10_000)
    latest = 1 + 83 / (1 - rho) + 10 + 1
    assert proven(two_chip_build(), own_clock()) == Fraction(197, 2) - (1 + rho) * latest - 1


def test_second_order_terms_stay_small() -> None:
    """Tests that the drift charged is the 2 rho T of the guard to within 2 rho^2 T / (1 - rho)."""
    interval = 99  # from the end of the deskew at 2 to beyond the read of the last vector
    charged = Fraction(11, 2) - proven(two_chip_build(), clock(ppm=100))
    second_order = 2 * Fraction(1, 10**8) * interval / (1 - Fraction(1, 10_000))
    assert charged <= drift_cycles(clock(ppm=100), interval, Fraction(1000)) + second_order


def test_a_deskew_takes_the_drift_before_it_away() -> None:
    """Tests that the slot which departs at 80 drifts since 48 only when a deskew ends there."""
    build = one_slot(with_second_deskew(two_chip_build(), 44, 4), 1)
    # P = 80 + 5 - 48 = 37, R = 98 + 2.5 - 48 = 52.5, L = 10.
    rho = Fraction(1, 10_000)
    assert proven(build, clock(ppm=100)) == Fraction(105, 2) - (1 + rho) * (37 / (1 - rho) + 10)


def test_a_slot_in_flight_across_a_deskew_is_charged_the_root_as_well() -> None:
    """Tests the slot that departs at 80 and is read at 98, with a deskew that ends at 90."""
    build = one_slot(deskewed_in_flight(), 1)
    # P = 80 + 5 - 2 = 83, R = 98 + 2.5 - 90 = 10.5, D = 88, L = 10; a fast root ends the deskew early.
    rho = Fraction(1, 10_000)
    latest = 83 / (1 - rho) - 88 / (1 + rho) + 10
    assert proven(build, clock(ppm=100)) == Fraction(21, 2) - (1 + rho) * latest


def test_the_root_strays_from_one_deskew_to_the_other() -> None:
    """Tests d = 2 % and f = 1 MHz across the deskew that ends at 90: Phi of 83, 10.5 and 88 cycles, all 1 % slow."""
    build = one_slot(deskewed_in_flight(), 1)
    phi = sum(Fraction(q) / 100 * (1 - Fraction(q) / 1000) for q in (83, Fraction(21, 2), 88))
    latest = (83 - 88) / Fraction(99, 100) + 10 + phi
    spread = clock(spread_ppm=20_000, spread_khz=1000)
    assert proven(build, spread) == Fraction(21, 2) - Fraction(99, 100) * latest


def test_what_left_before_its_deskew_left_latest_on_a_fast_sender() -> None:
    """Tests a vector that is through at 82.5, before a deskew of its sender that ends at 90: 7.5 cycles at 1 %."""
    build = one_slot(two_chip_build(), 1)
    slots = replace(build.slots, vectors=ints(1))
    late = replace(build, slots=slots, deskews=replace(build.deskews, stall=ints(90)))
    # P = 82.5 - 90, R = 98 - 90, L = 10.
    latest = Fraction(-15, 2) / Fraction(101, 100) + 10
    assert proven(late, clock(ppm=10_000)) == 8 - Fraction(101, 100) * latest


@given(specification=WANDERING, cycle=DESKEWS, later=st.sampled_from([0, 10**6]))
@settings(deadline=None, max_examples=50)
def test_what_is_reckoned_fast_is_what_is_reckoned_exactly(
    specification: ClockSpecification, cycle: int, later: int
) -> None:
    """Tests every slot by itself, with all terms, across a second deskew and not: searches use the one in float64.

    A ramp of 1e-12 a cycle counts after 10^6 cycles.
    """
    limits, build = limits_of(specification), with_second_deskew(two_chip_build(), cycle + later, 4)
    slots = replace(build.slots, depart=build.slots.depart + later, read=build.slots.read + later)
    build = replace(build, slots=slots)
    alignment = read_alignment(build, specification.shared_by.value)
    for row in slots_to_chips(build).tolist():
        timeline = read_timeline(build, alignment, limits, ints(row))
        exact = tightest(timeline, limits).slack_cycles
        assert slacks_cycles(timeline, limits).min() == pytest.approx(float(exact), abs=1e-6)


def test_an_arrival_before_the_deskew_is_worst_on_a_slow_receiver() -> None:
    """Tests a slot whose vectors arrive before the deskew ends and are read after it."""
    build = one_slot(with_second_deskew(two_chip_build(), 93, 4), 1)
    # P = 80 + 2.5 - 2 = 80.5, R = 98 - 97 = 1, D = 95: vector 0 arrives at 92.5, 4.5 cycles before the end.
    # P = 83, R = 3.5 for vector 1. At rho = 1 % vector 1 is worst.
    rho = Fraction(1, 100)
    latest = 83 / (1 - rho) - 95 / (1 + rho) + 10
    assert -2 < latest < 0
    assert proven(build, clock(ppm=10_000)) == Fraction(7, 2) - (1 - rho) * latest


def test_only_what_has_swung_back_is_not_reached() -> None:
    """Tests d = 2 %, f = 0.7 / 1,000 cycles, departure at 1,480: after a turn and more clocks have swung back.

    The bound takes d / (8 f) = 25/7 for both ends; d / (2 f) u (1 - u) are left, where u = f P - 1 is 0.0381 at P =
    1483, and 0.04895 at R = 1498.5.
    """
    build, spread = one_slot(two_chip_build(), 1), clock(spread_ppm=20_000, spread_khz=700)
    slots = replace(build.slots, depart=build.slots.depart + 1400, read=build.slots.read + 1400)
    build, swing = replace(build, slots=slots), Fraction(100, 7)
    left = swing * sum(u * (1 - u) for u in (Fraction(381, 10_000), Fraction(4895, 100_000)))
    assert proven(build, spread) == Fraction(31, 2) - Fraction(99, 100) * (10 + Fraction(50, 7))
    reached = Fraction(31, 2) - Fraction(99, 100) * (10 + left)
    assert abs(adversarial(build, spread) - float(reached)) <= TOLERANCE_CYCLES
    assert abs(float(attained_cycles(timeline_of(build, spread), limits_of(spread))[0]) - float(reached)) <= 1e-9


def longest_wait(build: Build, specification: ClockSpecification) -> float:
    """Return the most time for which vector 0 of a build's one slot waits at 1000 MHz."""
    return float(largest_slacks_cycles(timeline_of(build, specification), limits_of(specification))[0, 0])


def test_a_vector_comes_earliest_from_a_fast_early_sender() -> None:
    """Tests 1 % and a level of 1 ns, half a ns of calibration for it and as much for the link, vector 0 of row 1."""
    told = clock(ppm=10_000, residual_ns=1, calibration_ns=0.5)
    # P = 80 + 2.5 - 2, R = 98 - 2, L = 10, E = 0.5, a level 1.5; the receiver is slow.
    earliest = 10 - 0.5 - 1.5 + 80.5 / 1.01
    assert longest_wait(one_slot(two_chip_build(), 1), told) == pytest.approx(96 - 0.99 * earliest, abs=1e-9)


def test_a_vector_comes_earliest_when_clocks_swing_apart() -> None:
    """Tests d = 2 % and f = 1 MHz, all clocks 1 % slow in the mean, and Phi(q) = q / 100 (1 - q / 1000).

    It is that of the last vector, which is through at 83 and read at 98.5.
    """
    phi = sum(q / 100 * (1 - q / 1000) for q in (83, 98.5))
    expected = 96 - 0.99 * (10 - phi + 80.5 / 0.99)
    spread = clock(spread_ppm=20_000, spread_khz=1000)
    assert longest_wait(one_slot(two_chip_build(), 1), spread) == pytest.approx(expected, abs=1e-9)


def test_a_vector_comes_earliest_before_a_deskew_that_a_slow_root_ends() -> None:
    """Tests 1 % across the deskew that ends at 90: P = 80.5, D = 88, R = 8, and an arrival after it and before it."""
    build = one_slot(deskewed_in_flight(), 1)
    arrival = 10 + 80.5 / 1.01 - 88 / 0.99
    assert longest_wait(build, clock(ppm=10_000)) == pytest.approx(8 - 0.99 * arrival, abs=1e-9)
    # 5 ns less of calibration, of level and link each: it comes before the deskew ends, and the receiver is fast.
    assert arrival - 10 < 0
    told = clock(ppm=10_000, calibration_ns=5)
    assert longest_wait(build, told) == pytest.approx(8 - 1.01 * (arrival - 5 - 5), abs=1e-9)


@given(specification=CLOCKS)
@settings(deadline=None, max_examples=50)
def test_the_adversary_reaches_the_proven_slack(specification: ClockSpecification) -> None:
    """Tests that the bound is tight: clocks within the specification attain it."""
    build = two_chip_build()
    gap = adversarial(build, specification) - float(proven(build, specification))
    assert abs(gap) <= TOLERANCE_CYCLES


@given(specification=CLOCKS, cycle=DESKEWS, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_no_run_falls_short_of_the_proven_slack(specification: ClockSpecification, cycle: int, seed: int) -> None:
    """Tests random and adversarial runs against the proof, with a second deskew anywhere in the program."""
    build = with_second_deskew(two_chip_build(), cycle, 4)
    summary = simulate(build, specification, trials=20, seed=seed)
    assert summary.least_slack_cycles >= float(summary.proved.least_slack_cycles) - TOLERANCE_CYCLES

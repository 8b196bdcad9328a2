"""Tests of the guard of a hop and of the limits between deskews."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.guard import (
    drift_cycles,
    guard_cycles,
    longest_interval_cycles,
    residual_cycles,
    stall_cycles,
)
from lpxsched.clocks.specification import ClockSpecification, load_clock

MHZ_1000 = Fraction(1000)
LEVELS = st.integers(0, 20)
INTERVALS = st.integers(0, 10**7)


def clock(**changes: float) -> ClockSpecification:
    """Return the shipped crystal oscillator with some numbers changed."""
    data = load_clock("xo-100ppm").model_dump()
    return ClockSpecification.model_validate(data | changes)


@pytest.mark.parametrize(
    ("levels", "interval_cycles", "expected"),
    [
        # levels x 10.6 + 2 x 100e-6 x T + 21.2 + 2, rounded up
        (0, 0, 24),  # 0 + 0 + 23.2
        (1, 0, 34),  # 10.6 + 0 + 23.2 = 33.8
        (1, 10_000, 36),  # 10.6 + 2 + 23.2 = 35.8
        (2, 10_000, 47),  # 21.2 + 2 + 23.2 = 46.4
        (4, 10_000, 68),  # 42.4 + 2 + 23.2 = 67.6
        (4, 629_999, 192),  # 42.4 + 125.9998 + 23.2 = 191.5998
    ],
)
def test_the_guard_of_crystal_oscillators(levels: int, interval_cycles: int, expected: int) -> None:
    """Tests G = eps_i + eps_j + 2 rho T + J_pp + Q + dL at 1000 MHz, by hand."""
    guard = guard_cycles(clock(), levels=levels, interval_cycles=interval_cycles, clock_mhz=MHZ_1000)
    assert guard == expected


def test_times_of_the_guard_scale_with_the_clock() -> None:
    """Tests 900 MHz: (10.6 + 21.2) x 0.9 + 2 = 30.62; cycles of a crossing stay cycles."""
    assert guard_cycles(clock(), levels=1, interval_cycles=0, clock_mhz=Fraction(900)) == 31


def test_a_change_with_temperature_adds_to_the_guard() -> None:
    """Tests dL: 3 ns more at 1000 MHz take 33.8 to 36.8 cycles."""
    assert guard_cycles(clock(temperature_ns=3), levels=1, interval_cycles=0, clock_mhz=MHZ_1000) == 37


@pytest.mark.parametrize(("name", "expected"), [("common", 23), ("none", 0)])
def test_clocks_that_cannot_drift(name: str, expected: int) -> None:
    """Tests that time and distance do not matter on one oscillator (21.2 + 1 = 22.2), nor on perfect clocks."""
    still = load_clock(name)
    guards = {
        guard_cycles(still, levels=levels, interval_cycles=interval, clock_mhz=MHZ_1000)
        for levels in (0, 4)
        for interval in (0, 10**6)
    }
    assert guards == {expected}
    assert longest_interval_cycles(still) is None
    assert stall_cycles(still, levels=4, interval_cycles=10**6, clock_mhz=MHZ_1000) == 0


@given(LEVELS, LEVELS, INTERVALS, INTERVALS)
def test_the_guard_never_shrinks(levels: int, more_levels: int, interval: int, more_interval: int) -> None:
    """Tests that a longer time and a longer way in the tree never need a smaller guard or stall."""
    for bound in (guard_cycles, stall_cycles):
        near = bound(clock(), levels=levels, interval_cycles=interval, clock_mhz=MHZ_1000)
        far = bound(
            clock(),
            levels=levels + more_levels,
            interval_cycles=interval + more_interval,
            clock_mhz=MHZ_1000,
        )
        assert near <= far


def test_drift_and_residual_are_exact() -> None:
    """Tests 2 x 100e-6 x 7 = 7/5000 cycles, and 3 levels x 10.6 ns x 0.9 = 28.62 cycles."""
    assert drift_cycles(clock(), 7) == Fraction(7, 5000)
    assert residual_cycles(clock(), 3, Fraction(900)) == Fraction(2862, 100)


@pytest.mark.parametrize(
    ("levels", "interval_cycles", "expected"),
    [
        (0, 0, 0),
        (2, 10_000, 24),  # 21.2 + 2 = 23.2
        (4, 629_999, 169),  # 42.4 + 125.9998 = 168.3998
    ],
)
def test_the_stall_of_a_deskew(levels: int, interval_cycles: int, expected: int) -> None:
    """Tests drift and residual at 1000 MHz, by hand; jitter and crossing have no part in it."""
    stall = stall_cycles(clock(), levels=levels, interval_cycles=interval_cycles, clock_mhz=MHZ_1000)
    assert stall == expected


@pytest.mark.parametrize(
    ("offset_ppm", "period", "expected"),
    [
        (100, 252, 629_999),  # 2 x 100e-6 x T < 126: T < 630,000
        (0.5, 252, 125_999_999),  # 1e-6 x T < 126
        (30, 100, 833_333),  # 60e-6 x T < 50: T < 833,333.3
    ],
)
def test_the_longest_interval_between_deskews(offset_ppm: float, period: int, expected: int) -> None:
    """Tests that the drift stays below half a period of the counter, and one cycle more would not."""
    crystal = clock(offset_ppm=offset_ppm, hac_period_cycles=period)
    longest = longest_interval_cycles(crystal)
    assert longest == expected
    assert drift_cycles(crystal, longest) < Fraction(period, 2) <= drift_cycles(crystal, longest + 1)

"""Tests of the guard of a hop and of the stall of a deskew."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.guard import (
    drift_cycles,
    guard_cycles,
    residual_cycles,
    stall_cycles,
    wander_cycles,
)
from lpxsched.clocks.specification import ClockSpecification, load_clock

MHZ_1000 = Fraction(1000)
LEVELS = st.integers(0, 20)
INTERVALS = st.integers(0, 10**7)


def clock(**changes: object) -> ClockSpecification:
    """Return the shipped crystal oscillator with some numbers changed."""
    data = load_clock("xo-100ppm").model_dump()
    return ClockSpecification.model_validate(data | changes)


def guard(
    levels: int, interval_cycles: int | None, *, mhz: Fraction = MHZ_1000, in_hop: bool = False, **changes: object
) -> int:
    """Return the guard of the crystal oscillator with some numbers changed."""
    return guard_cycles(clock(**changes), levels=levels, interval_cycles=interval_cycles, clock_mhz=mhz, in_hop=in_hop)


def stall(depth: int, interval_cycles: int | None) -> int:
    """Return the stall of the crystal oscillator."""
    return stall_cycles(clock(), depth=depth, interval_cycles=interval_cycles, clock_mhz=MHZ_1000)


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
    assert guard(levels, interval_cycles) == expected


@pytest.mark.parametrize(
    ("name", "levels", "expected"),
    [
        # 1.0001 x (10.6 + 21.2 + 84) + 2 - 84 = 33.81; where a crystal of their own and 10^6 cycles ask for 234.
        ("xo-100ppm", 1, 34),
        # 1.0001 x (21.2 + 21.2 + 84) + 2 - 84 = 44.41
        ("xo-100ppm", 2, 45),
        # 0.9978 x (13.3 + 21.2 + 0.0025 x 121 x (1 - 31.5e-6 x 121) + 84) + 2 - 84 = 36.54, 121 = 84 + 37
        ("sris", 1, 37),
        # 1 x (0 + 21.2 + 84) + 1 - 84 = 22.2
        ("common", 1, 23),
    ],
)
def test_the_guard_of_ends_with_one_oscillator(name: str, levels: int, expected: int) -> None:
    """Tests G = f (eps_i + eps_j + X(L + G) + L + J) + Q - L on a link of 84 cycles at 1000 MHz, by hand."""
    named = load_clock(name)
    for interval in (None, 0, 10**6):
        found = guard_cycles(
            named, levels=levels, shared_latency_cycles=84, interval_cycles=interval, clock_mhz=MHZ_1000, in_hop=False
        )
        # A ramp of 0.1 ppm a second takes 1e-16 x 121 x 10^6 = 1e-8 cycles more.
        assert found == expected


@pytest.mark.parametrize(
    ("interval_cycles", "expected"),
    [
        # 0.0106 + 0.0212 + 2 = 2.0318, and 5e-10 x 1003^2 = 0.0005 for the way
        (None, 3),
        (0, 3),
        # A vector that is read right after its way has left at once.
        (1003, 3),
        # 1e-9 x 1013 x (10^7 - 1013) = 10.129 more: 12.161
        (10**7, 13),
        # 1e-9 x 1114 x (10^8 - 1114) = 111.399 more: 113.431
        (10**8, 114),
    ],
)
def test_a_ramp_of_one_oscillator_goes_on_since_the_deskew(interval_cycles: int | None, expected: int) -> None:
    """Tests rho' Y (T - Y), 1e-9 a cycle at 1 MHz, on a link of 1,000 cycles."""
    ramp = clock(offset_ppm=0, drift_ppm_per_s=1000)
    found = guard_cycles(
        ramp, levels=1, shared_latency_cycles=1000, interval_cycles=interval_cycles, clock_mhz=Fraction(1), in_hop=False
    )
    assert found == expected


def test_times_of_the_guard_scale_with_the_clock() -> None:
    """Tests 900 MHz: (10.6 + 21.2) x 0.9 + 2 = 30.62; cycles of a crossing stay cycles."""
    assert guard(1, 0, mhz=Fraction(900)) == 31


def test_a_change_with_temperature_adds_to_the_guard() -> None:
    """Tests dL: 3 ns more at 1000 MHz take 33.8 to 36.8 cycles."""
    assert guard(1, 0, temperature_ns=3) == 37


def test_a_scheduled_hop_contains_jitter_and_crossing() -> None:
    """Tests levels x 10.6 + 2 x 100e-6 x T + dL alone: 21.2 + 2 + 3 = 26.2 where 49.4 stood."""
    assert guard(2, 10_000, in_hop=True, temperature_ns=3) == 27
    assert guard(2, 10_000, temperature_ns=3) == 50


@pytest.mark.parametrize(("name", "expected"), [("common", 23), ("none", 0)])
def test_clocks_that_cannot_drift(name: str, expected: int) -> None:
    """Tests that time and distance do not matter on one oscillator (21.2 + 1 = 22.2), nor on perfect clocks."""
    still = load_clock(name)
    guards = {
        guard_cycles(still, levels=levels, interval_cycles=interval, clock_mhz=MHZ_1000, in_hop=False)
        for levels in (0, 4)
        for interval in (0, 10**6, None)
    }
    assert guards == {expected}
    assert stall_cycles(still, depth=4, interval_cycles=None, clock_mhz=MHZ_1000) == 0


@given(LEVELS, LEVELS, INTERVALS, INTERVALS)
def test_guard_and_stall_never_shrink(levels: int, more_levels: int, interval: int, more_interval: int) -> None:
    """Tests that a longer time and a longer way in the tree never need a smaller guard or stall."""
    assert guard(levels, interval) <= guard(levels + more_levels, interval + more_interval)
    assert stall(levels, interval) <= stall(levels + more_levels, interval + more_interval)


def test_drift_and_residual_are_exact() -> None:
    """Tests 2 x 100e-6 x 7 = 7/5000 cycles, and 3 levels x 10.6 ns x 0.9 = 28.62 cycles."""
    assert drift_cycles(clock(drift_ppm_per_s=0), 7, MHZ_1000) == Fraction(7, 5000)
    assert residual_cycles(clock(), 3, Fraction(900)) == Fraction(2862, 100)


@pytest.mark.parametrize(
    ("interval_cycles", "expected"),
    [
        # d/2 T (1 - f T) with d/2 = 2.5e-3 and f = 1/40,000 a cycle, up to d / (8 f) = 25 from 20,000 cycles on
        (0, 0),
        (4_000, 9),  # 10 x 0.9
        (10_000, Fraction(75, 4)),  # 25 x 3/4
        (20_000, 25),
        (10**6, 25),
        (None, 25),
    ],
)
def test_spread_is_a_phase(interval_cycles: int | None, expected: Fraction) -> None:
    """Tests a down-spread of 5,000 ppm at 25 kHz and 1000 MHz, by hand: its swing does not grow with time."""
    spread = clock(spread_ppm=5000, spread_khz=25, drift_ppm_per_s=0)
    assert wander_cycles(spread, interval_cycles, MHZ_1000) == expected
    steady = 0 if interval_cycles is None else 2 * Fraction(1, 10_000) * interval_cycles / Fraction(9975, 10_000)
    assert drift_cycles(spread, interval_cycles, MHZ_1000) == 2 * expected + steady


def test_the_swing_of_a_triangle_is_what_it_sums_up_to() -> None:
    """Tests the formula against the largest sum of a triangle over a window, which lies around its peak."""
    # Amplitude 2.5e-3, period 400 cycles: falls by 2.5e-3 / 100 a cycle from the peak on both sides.
    triangle = [2.5e-3 * (1 - abs(cycle) / 100) for cycle in range(-400, 401)]
    for window in (10, 80, 199):
        best = sum(triangle[400 - window // 2 : 400 + window - window // 2])
        spread = clock(spread_ppm=5000, spread_khz=1000, drift_ppm_per_s=0)
        # 1000 kHz is 400 cycles at 400 MHz.
        assert abs(float(wander_cycles(spread, window, Fraction(400))) - best) < 2.5e-3


def test_a_ramp_grows_with_the_square_of_time() -> None:
    """Tests 10 ppm a second for 1e6 cycles of 1 ns: 1e-5 / 2 x (1e-3)^2 s = 5e-12 s = 0.005 cycles a clock."""
    assert wander_cycles(clock(drift_ppm_per_s=10), 10**6, MHZ_1000) == Fraction(5, 1000)


def test_a_wrong_calibration_counts_in_the_tree_and_on_the_wire() -> None:
    """Tests 2 levels x (10.6 + 0.5) + 2 + 21.2 + 2 + 0.5 = 47.9 cycles."""
    assert guard(2, 10_000, calibration_ns=0.5) == 48


def test_links_of_a_class_have_their_own_jitter() -> None:
    """Tests 10.6 + 2 + 3 + 2 = 17.6 on the class named, 35.8 on others, and the most where none is named."""
    own = clock(jitter_by_class_ns={"tray": 3})
    guards = [
        guard_cycles(own, levels=1, interval_cycles=10_000, clock_mhz=MHZ_1000, in_hop=False, link_class=of_class)
        for of_class in ("tray", "spine", None)
    ]
    assert guards == [18, 36, 36]


def test_what_a_deskew_costs_beyond_its_stall_comes_on_top() -> None:
    """Tests 23.2 cycles, rounded up, and 20."""
    costly = clock(deskew_cycles=20)
    assert stall_cycles(costly, depth=1, interval_cycles=10_000, clock_mhz=MHZ_1000) == 44


@pytest.mark.parametrize(
    ("depth", "interval_cycles", "expected"),
    [
        (0, 0, 0),
        (1, 10_000, 24),  # 2 x 10.6 + 2 = 23.2
        (2, 10_000, 45),  # 4 x 10.6 + 2 = 44.4
        (2, 400_000, 123),  # 42.4 + 80 = 122.4
    ],
)
def test_the_stall_of_a_deskew(depth: int, interval_cycles: int, expected: int) -> None:
    """Tests 2 rho T + 2 depth residual at 1000 MHz, by hand; jitter and crossing have no part in it."""
    assert stall(depth, interval_cycles) == expected

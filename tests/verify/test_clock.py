"""The clock of the manifest."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from lpxsched.verify.clock import limits_of
from tests.builds import two_chip_build
from tests.verify.changes import breaks

CLOCK = two_chip_build().manifest.clock


def told(**values: Any) -> Any:
    """Return the build of two chips with something else in its manifest."""
    build = two_chip_build()
    return replace(build, manifest=build.manifest.model_copy(update=values))


def test_limits_are_in_exact_cycles() -> None:
    """Tests 900 MHz: 0.9 ns are 0.81 cycles and 2.6 ns 2.34."""
    limits = limits_of(told(clock_mhz="900", clock=CLOCK | {"temperature_ns": {"value": 0.5}}))
    assert (limits.rho, limits.residual_cycles) == (Fraction(1, 10_000), Fraction(81, 100))
    assert (limits.late_cycles, limits.early_cycles) == (Fraction(279, 100), 0)
    assert (limits.crossing_cycles, limits.hac_period_cycles) == (1, 252)


def test_a_hop_that_holds_its_guard_is_no_longer_than_told() -> None:
    """Tests that jitter and crossing then make it shorter; the temperature still makes it longer."""
    limits = limits_of(told(guard_in_hop=True, clock=CLOCK | {"temperature_ns": {"value": 0.5}}))
    assert (limits.late_cycles, limits.crossing_cycles) == (Fraction(1, 2), 0)
    assert limits.early_cycles == Fraction(36, 10)


def test_spread_ramp_and_calibration_enter_the_limits() -> None:
    """Tests a spread of 5,000 ppm at 25 kHz, 10 ppm a second and 1/2 ns of calibration at 1000 MHz."""
    more = {"spread_ppm": 5000, "spread_khz": 25, "drift_ppm_per_s": 10, "calibration_ns": 0.5}
    limits = limits_of(told(clock=CLOCK | {key: {"value": value} for key, value in more.items()}))
    assert (limits.slowest, limits.fastest) == (1 - Fraction(26, 10_000), 1 - Fraction(24, 10_000))
    assert (limits.residual_cycles, limits.early_cycles) == (Fraction(14, 10), Fraction(1, 2))
    # 5e-3 / 2 T (1 - T / 40,000) up to 5e-3 / 8 x 40,000 = 25, and 1e-5 / 2 x T^2 ns a second.
    assert limits.wander_cycles(10_000) == Fraction(75, 4) + Fraction(5, 10**7)
    assert limits.wander_cycles(10**6) == 25 + Fraction(5, 1000)
    assert limits.drift_cycles(10_000) == Fraction(2, 10_000) * 10_000 / Fraction(9975, 10_000) + 2 * (
        Fraction(75, 4) + Fraction(5, 10**7)
    )


def test_classes_of_links_have_their_own_jitter() -> None:
    """Tests 4 ns on the class that is named, 2.6 ns on others."""
    limits = limits_of(told(clock=CLOCK | {"jitter_by_class_ns": {"tray": {"value": 4}}}))
    lates = [limits.lates_cycles[place] for place in limits.late_of(two_chip_build().links.link_class).tolist()]
    assert lates == [4, Fraction(26, 10), 4, *[Fraction(26, 10)] * 3]
    assert limits.late_cycles == 4


def test_a_stall_covers_what_a_deskew_costs() -> None:
    """Tests that two cycles, just what clocks disagree by, do not hold one more."""
    assert breaks(told(clock=CLOCK | {"deskew_cycles": {"value": 1}}), "R9", "deskew 0 of frame 0 comes")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("offset_ppm", {"value": -1.0}),
        ("offset_ppm", {"value": 2e5}),
        ("residual_ns", {"value": "1"}),
        ("residual_ns", {"value": True}),
        ("jitter_peak_to_peak_ns", {}),
        ("crossing_cycles", 1),
        ("spread_ppm", {"value": -1}),
        ("spread_khz", {"value": 0}),
        ("jitter_by_class_ns", {"tray": {"value": "x"}}),
        ("hac_period_cycles", {"value": 0}),
    ],
)
def test_a_clock_that_says_nonsense_is_not_reckoned_with(key: str, value: Any) -> None:
    """Tests numbers out of bounds, no numbers, and none."""
    assert breaks(told(clock=CLOCK | {key: value}), "R8", f"manifest.json: clock {key}")


@pytest.mark.parametrize("clock_mhz", ["0", "-1", "fast", "1/0", "10000000"])
def test_a_clock_rate_that_is_none_is_found(clock_mhz: str) -> None:
    """Tests what is no positive number."""
    assert breaks(told(clock_mhz=clock_mhz), "R8", f"manifest.json: clock_mhz is {clock_mhz!r}, must be above 0")

"""Tests of clock specifications."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.errors import InputError
from tests.fabric.examples import change_shipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "offset_ppm", "residual_ns", "jitter_ns", "crossing_cycles"),
    [
        ("none", 0, 0, 0, 0),
        ("common", 0, 0, 21.2, 1),
        ("xo-100ppm", 100, 10.6, 21.2, 2),
        ("xo-20ppm", 20, 10.6, 21.2, 2),
        ("srns-300ppm", 300, 10.6, 21.2, 2),
        ("sris", 300, 13.3, 21.2, 2),
        ("tcxo-1.5ppm", 1.5, 10.6, 21.2, 2),
        ("ocxo-5ppb", 0.005, 10.6, 21.2, 2),
    ],
)
def test_the_shipped_clocks(
    name: str, offset_ppm: float, residual_ns: float, jitter_ns: float, crossing_cycles: int
) -> None:
    """Tests the numbers of each shipped clock: one oscillator removes offset and residual, but no jitter."""
    clock = load_clock(name)
    assert (clock.name, clock.offset_ppm.value, clock.residual_ns.value) == (name, offset_ppm, residual_ns)
    assert (clock.jitter_peak_to_peak_ns.value, clock.crossing_cycles.value) == (jitter_ns, crossing_cycles)
    assert (clock.temperature_ns.value, clock.hac_period_cycles.value) == (0, 252)
    assert (clock.hac_exchange_cycles.value, clock.hac_step_cycles.value) == (256, 2)
    assert clock.spread_ppm.value == (5000 if name == "sris" else 0)


def test_what_is_not_told_is_not_there() -> None:
    """Tests that a file of the seven numbers that every clock has is one without ramp, spread and calibration."""
    numbers = ("offset_ppm", "residual_ns", "jitter_peak_to_peak_ns", "temperature_ns")
    cycles = {"crossing_cycles": 1, "hac_period_cycles": 252}
    clock = ClockSpecification.model_validate({"name": "x", **dict.fromkeys(numbers, 1.0), **cycles})
    assert (clock.drift_ppm_per_s.value, clock.spread_ppm.value, clock.calibration_ns.value) == (0, 0, 0)
    assert (clock.jitter_by_class_ns, clock.shared_by.value) == ({}, "chip")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"offset_ppm": -1}, "offset_ppm: input should be greater than or equal to 0, got -1"),
        ({"offset_ppm": 100_001}, "offset_ppm: input should be less than or equal to 100000, got 100001"),
        ({"residual_ns": "x"}, "residual_ns: input should be a valid number, got 'x'"),
        (
            {"jitter_by_class_ns": {"tray": -2}},
            "jitter_by_class_ns.tray: input should be greater than or equal to 0, got -2",
        ),
        ({"shared_by": "row"}, "shared_by: input should be 'chip', 'tray' or 'rack', got 'row'"),
        ({"crossing_cycles": 1.5}, "crossing_cycles: input should be a valid integer, got 1.5"),
        ({"hac_period_cycles": 1}, "hac_period_cycles: input should be greater than or equal to 2, got 1"),
        ({"deskew_cycles": 253}, "deskew_cycles: must be at most 252, hac_period_cycles, got 253"),
        ({"hac_step_cycles": 127}, "hac_step_cycles: must be at most 126, half of hac_period_cycles, got 127"),
        ({"offset": 1}, "offset: unknown key; did you mean offset_ppm?"),
    ],
)
def test_a_wrong_clock_is_refused_at_its_key(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Tests that numbers that no clock can have are refused with their position."""
    path = change_shipped(tmp_path, "clock", "xo-100ppm", changes)
    with pytest.raises(InputError, match=r"xo-100ppm\.yaml:\d+:\d+: ") as caught:
        load_clock(path)
    assert str(caught.value).endswith(expected)


def test_what_no_chip_could_tell_is_refused_where_cycles_are_known(tmp_path: Path) -> None:
    """Tests 125 ns and 1 of calibration against half of 252 cycles of 1 ns: 126 are too much, 125.9 and 0 are not.

    At 500 MHz half a period lasts 252 ns; without a clock to count with nothing is said.
    """
    path = change_shipped(tmp_path, "clock", "xo-100ppm", {"residual_ns": 125, "calibration_ns": 1})
    expected = "must be below 126 ns, half of hac_period_cycles at 1000 MHz, together with calibration_ns, got 126"
    with pytest.raises(InputError, match=r"xo-100ppm\.yaml:\d+:\d+: residual_ns: ") as caught:
        load_clock(path, Fraction(1000))
    assert str(caught.value).endswith(expected)
    assert load_clock(path, Fraction(500)) == load_clock(path)
    (tmp_path / "less").mkdir()
    assert load_clock(change_shipped(tmp_path / "less", "clock", "xo-100ppm", {"residual_ns": 125.9}), Fraction(1000))

"""Tests of clocks drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.trials.clocks import NodeClocks, draw_clocks, swing
from tests.builds import two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight, limits_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def drawn(build: Build, runs: int, **limits: float) -> list[NodeClocks]:
    """Return clocks of three nodes and two lanes of the host, in some runs."""
    generator, alignment = np.random.default_rng(0), read_alignment(build)
    return [draw_clocks(generator, alignment, limits_of(clock(**limits))) for _ in range(runs)]  # type: ignore[arg-type]


def aligned(build: Build, runs: int, **limits: float) -> np.ndarray:
    """Return when nodes end deskews, shape (runs, deskews, nodes)."""
    return np.stack([clocks.aligned_cycles for clocks in drawn(build, runs, **limits)])


def test_clocks_keep_their_specification() -> None:
    """Tests that rates and alignment stay within their limits and use most of their range."""
    runs = drawn(two_chip_build(), 1000, ppm=100, residual_ns=2, drift_ppm_per_s=10)
    rates = np.stack([1 / clocks.slowness for clocks in runs])
    assert 0.99e-4 < np.abs(rates - 1).max() <= 1.0000001e-4
    errors = np.stack([clocks.aligned_cycles for clocks in runs])
    # Chip 1 is one level below chip 0, and a lane of the host one below chip 1.
    assert 1.99 < np.abs(errors[:, :, 1]).max() <= 2
    assert 3 < np.abs(errors).max() <= 4
    # 10 ppm a second are 1e-14 of the rate in a cycle of 1 ns.
    assert 0.99e-14 < max(np.abs(clocks.ramp).max() for clocks in runs) <= 1.0000001e-14


def test_clocks_that_spread_run_slower_in_the_mean() -> None:
    """Tests that 5,000 ppm of down-spread are 2,500 ppm in the mean, and 25 kHz at 1000 MHz 1 / 40,000 a cycle."""
    clocks = drawn(two_chip_build(), 1, spread_ppm=5000, spread_khz=25)[0]
    assert np.allclose(1 / clocks.slowness, 0.9975)
    assert (clocks.spread_rate, clocks.swing_cycles) == (1 / 40_000, 100)


def test_the_swing_is_that_of_a_triangle() -> None:
    """Tests a whole turn against the sum of the triangle, from its peak on: d / (2 f) = 100 cycles, d/2 = 1/400."""
    turns = (np.arange(40_000) + 0.5) / 40_000
    triangle = np.where(turns < 0.5, 1 - 4 * turns, 4 * turns - 3) / 400
    summed = np.cumsum(triangle)
    np.testing.assert_allclose(swing((np.arange(40_000) + 1) / 40_000, 100.0), summed, atol=1e-6)
    assert summed.max() - summed.min() == np.ptp(summed) > 24.99


def test_nodes_of_one_oscillator_count_alike() -> None:
    """Tests that chips of a tray then have one rate, phase and ramp, and alignments of their own."""
    build = two_chip_build()
    limits = limits_of(clock(ppm=100, residual_ns=2, spread_ppm=5000, drift_ppm_per_s=1))
    clocks = draw_clocks(np.random.default_rng(0), read_alignment(build, "tray"), limits)
    for numbers in (clocks.slowness[0], clocks.phase[0], clocks.ramp):
        assert numbers[0] == numbers[1] != numbers[3]
    assert clocks.aligned_cycles[0, 0] != clocks.aligned_cycles[0, 1]


def test_the_root_has_no_alignment_error() -> None:
    """Tests that node 0, from which all take their counters, agrees with itself, and that the host itself has none."""
    assert not aligned(two_chip_build(), 10, residual_ns=2)[:, :, [0, 2]].any()


def test_errors_sum_along_the_tree() -> None:
    """Tests that the lane to chip 1, node 4, differs from it by one residual, from the root by up to two."""
    errors = aligned(two_chip_build(), 1000, residual_ns=2)[:, 0]
    assert np.abs(errors[:, 4] - errors[:, 1]).max() <= 2
    assert 3 < np.abs(errors[:, 4]).max() <= 4


def test_the_root_times_later_deskews() -> None:
    """Tests that the second deskew comes 88 cycles of the root's own clock after the first."""
    clocks = drawn(deskewed_in_flight(), 1, ppm=1000)[0]
    # The host itself has no part in it.
    expected = 88 * clocks.slowness[0, [0, 0, 0, 0]]
    np.testing.assert_allclose(clocks.aligned_cycles[1, [0, 1, 3, 4]], expected, rtol=1e-15)

"""Tests of clocks drawn at random."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation import monte_carlo
from lpxsched.simulation.alignment import Alignment, read_alignment
from lpxsched.simulation.drift import NodeClocks, Numbers, draw_clocks
from lpxsched.simulation.egress import read_egress
from lpxsched.simulation.monte_carlo import run_trials
from lpxsched.simulation.propagation import Floats, Limits
from lpxsched.simulation.timeline import read_timeline
from tests.builds import two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight, own_clock

if TYPE_CHECKING:
    import pytest

    from lpxsched.timetable.build import Build


def limits_of(**errors: float) -> Limits:
    """Return the limits of a clock at 1000 MHz, where a cycle is 1 ns."""
    return Limits.of(clock(**errors), Fraction(1000), in_hop=False)  # type: ignore[arg-type]


def drawn(alignment: Alignment, limits: Limits, trials: int) -> NodeClocks:
    """Return clocks of three nodes and two lanes of the host, of eight slots and two ends."""
    numbers = Numbers(nodes=5, deskews=len(alignment.segment), slots=8, ends=2, segments=1)
    return draw_clocks(np.random.default_rng(0), trials, numbers, alignment, limits)


def slacks(build: Build, trials: int) -> Floats:
    """Return the slack of all slots in some trials."""
    alignment, limits = read_alignment(build), Limits.of(own_clock(), Fraction(1000), in_hop=False)
    timeline, egress = read_timeline(build, alignment), read_egress(build, alignment)
    runs = run_trials(timeline, egress, alignment, limits, trials=trials, seed=7)
    return np.array(list(chain.from_iterable(run.slack_cycles for run in runs)))


def test_clocks_keep_their_specification() -> None:
    """Tests that rates, alignment and jitter stay within their limits and use most of their range."""
    clocks = drawn(read_alignment(two_chip_build()), limits_of(ppm=100, residual_ns=2, jitter_ns=3), 1000)
    assert 0.99e-4 < np.abs(clocks.rate - 1).max() <= 1.0000001e-4
    # Chip 1 is one level below chip 0, and a lane of the host one below chip 1.
    assert 1.99 < np.abs(clocks.aligned_cycles[:, :, 1]).max() <= 2
    assert 3 < np.abs(clocks.aligned_cycles).max() <= 4
    assert 2.99 < clocks.delay_cycles.max() <= 3
    assert clocks.delay_cycles.min() >= 0
    assert 2.99 < clocks.arrival_cycles.max() <= 3


def test_the_root_has_no_alignment_error() -> None:
    """Tests that node 0, from which all take their counters, agrees with itself, and that the host itself has none."""
    clocks = drawn(read_alignment(two_chip_build()), limits_of(residual_ns=2), 10)
    assert not clocks.aligned_cycles[:, :, [0, 2]].any()


def test_errors_sum_along_the_tree() -> None:
    """Tests that the lane to chip 1, node 4, differs from it by one residual, from the root by up to two."""
    aligned = drawn(read_alignment(two_chip_build()), limits_of(residual_ns=2), 1000).aligned_cycles[:, 0]
    assert np.abs(aligned[:, 4] - aligned[:, 1]).max() <= 2
    assert 3 < np.abs(aligned[:, 4]).max() <= 4


def test_the_root_times_later_deskews() -> None:
    """Tests that the second deskew comes 88 cycles of the root's own clock after the first."""
    clocks = drawn(read_alignment(deskewed_in_flight()), limits_of(ppm=1000), 10)
    # The host itself has no part in it.
    expected = 88 / clocks.rate[:, [0, 0, 0, 0]]
    np.testing.assert_allclose(clocks.aligned_cycles[:, 1, [0, 1, 3, 4]], expected, rtol=1e-15)


def test_trials_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that one trial at a time sees what all at once see; fewer trials are the first of more."""
    together = slacks(two_chip_build(), 20)
    monkeypatch.setattr(monte_carlo, "NUMBERS_AT_ONCE", 1)
    np.testing.assert_array_equal(slacks(two_chip_build(), 20), together)
    np.testing.assert_array_equal(slacks(two_chip_build(), 5), together[:5])

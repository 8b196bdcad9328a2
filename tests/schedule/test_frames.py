"""Tests of the windows of a layer, who owns them, and the gaps in which its chips deskew."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.errors import NothingFoundError
from lpxsched.schedule.frames import InFlight, frame_of

if TYPE_CHECKING:
    from lpxsched.schedule.frames import Frame

MHZ = Fraction(1000)


def clock(offset_ppm: float = 0, residual_ns: float = 0, depth: int = 0) -> DomainClock:
    """Return clocks without jitter and crossing; a cycle takes one ns."""
    facts = {"offset_ppm": offset_ppm, "residual_ns": residual_ns, "jitter_peak_to_peak_ns": 0}
    facts |= {"crossing_cycles": 0, "temperature_ns": 0, "hac_period_cycles": 252}
    return DomainClock(ClockSpecification.model_validate({"name": "test", **facts}), depth, MHZ, in_hop=False)


def frame(clocks: DomainClock, *, m: int, interval: int | None, outside: int = 1000, runs: int = 260) -> Frame:
    """Return the frame of a layer every 100 cycles, of a makespan of 250, over after 260."""
    return frame_of(
        InFlight(m, Fraction(outside)),
        clocks,
        period_cycles=100,
        makespan_cycles=250,
        runs_cycles=runs,
        interval_cycles=interval,
    )


def test_clocks_that_agree_need_no_gap() -> None:
    """Tests D = 250 + 1,000: 13 windows, 50 cycles of waiting, and 20 windows for 20 micro-batches."""
    few, many = frame(clock(), m=8, interval=None), frame(clock(), m=20, interval=None)
    assert (few.windows, few.step_cycles, few.visit_cycles, few.waiting_cycles) == (13, 1300, 1250, 50)
    assert (few.deskews, few.gaps, few.every_periods) == (0, (), 0)
    assert (many.windows, many.gaps) == (20, ())


def test_a_frame_drains_before_its_deskew() -> None:
    """Tests 100 ppm over 4,032 cycles: a stall of ceil(0.81), two windows left out, for 260 + 1 <= 3 x 100.

    D = 250 + 1 + ceil(1,000 x 1.0001) = 1,252, so N = 13; the deskew takes the last cycle before window 13.
    """
    found = frame(clock(100), m=8, interval=4032)
    assert (found.stall_cycles, found.visit_cycles, found.windows, found.left_out) == (1, 1252, 13, 2)
    assert (found.gaps, found.every_periods, found.deskew_cycle) == ((11, 12), 13, 1299)
    # The last iteration before the gap begins at 1,000 and is over at 1,260.
    assert found.deskew_cycle >= 10 * 100 + 260


def test_gaps_are_owned_by_nobody() -> None:
    """Tests 12 micro-batches beside two windows left out: N = 14, where delays alone need 13."""
    found = frame(clock(100), m=12, interval=4032)
    assert (found.windows, found.gaps) == (14, (12, 13))


def test_a_round_longer_than_clocks_allow_has_several_gaps() -> None:
    """Tests 1 % off: of 62 periods between deskews a stall of 81 leaves out three, so 100 micro-batches need two gaps.

    D = 250 + 81 + 1,010 = 1,341, so that 14 windows would do for the delays.
    """
    found = frame(clock(10_000), m=100, interval=4032)
    assert (found.stall_cycles, found.visit_cycles, found.left_out) == (81, 1341, 3)
    assert (found.windows, found.deskews, found.every_periods) == (106, 2, 53)
    assert found.gaps == (50, 51, 52, 103, 104, 105)


def test_residuals_alone_need_one_deskew_a_round() -> None:
    """Tests clocks that do not drift, two levels of 3 ns: a stall of 12 whatever the interval."""
    found = frame(clock(0, 3, depth=2), m=1000, interval=None)
    assert (found.stall_cycles, found.deskews, found.windows) == (12, 1, 1002)


def test_a_layer_that_does_not_drain_in_time_is_too_long() -> None:
    """Tests 10 % off, 629 cycles between deskews at most, in which 700 cycles of a run do not end."""
    assert frame(clock(100_000), m=1, interval=629, runs=700).between_cycles > 629


def test_more_windows_than_the_format_holds_are_refused() -> None:
    """Tests a second outside: ten million windows."""
    with pytest.raises(NothingFoundError, match="at most 1048576 make a frame"):
        frame(clock(), m=2, interval=None, outside=10**9)


@given(
    m=st.integers(2, 300),
    offset=st.sampled_from((0, 50, 100, 400, 10_000)),
    residual=st.sampled_from((0, 2)),
    outside=st.integers(0, 50_000),
    interval=st.integers(1000, 6000),
)
def test_every_frame_holds_what_it_promises(m: int, offset: int, residual: int, outside: int, interval: int) -> None:
    """Tests random frames: N P >= D, a window for each micro-batch, gaps that drain, intervals within their limit."""
    clocks = clock(offset, residual, 1)
    found = frame(clocks, m=m, interval=interval if offset else None, outside=outside)
    assert found.step_cycles >= found.visit_cycles >= 250 + outside
    assert found.windows - len(found.gaps) >= m
    assert len(found.gaps) == found.deskews * found.left_out
    if found.deskews:
        longest = clocks.longest_interval_cycles()
        assert found.deskews * found.every_periods == found.windows
        assert (found.every_periods - found.left_out - 1) * 100 + 260 <= found.deskew_cycle
        assert longest is None or found.between_cycles <= longest
        assert found.deskew_cycle + found.stall_cycles == found.between_cycles

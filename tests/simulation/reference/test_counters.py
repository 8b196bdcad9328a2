"""Tests of clocks and counters by themselves."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.simulation.reference.counters import Counters, Exchange
from lpxsched.simulation.reference.oscillator import PARTS, TURN, Drawn, Wave

# 1000 MHz: a cycle is 1,000,000 fs.
STILL = Wave(Fraction(10**6), Fraction(0), Fraction(1, 1000), Fraction(0))
# A down-spread of 2 % with periods of 1,000 cycles.
SPREAD = Wave(Fraction(10**6), Fraction(1, 100), Fraction(1, 1000), Fraction(0))


def test_a_fast_clock_ticks_early() -> None:
    """Tests 1 % of 101 cycles: at tick 101 100 cycles have passed."""
    assert STILL.oscillator(Drawn(offset_ppt=10**10)).time_fs(101 * PARTS) == 100 * 10**6


@pytest.mark.parametrize(("cycle", "behind"), [(0, 0), (250, 1.25), (500, 0), (750, -1.25), (1000, 0), (1250, 1.25)])
def test_a_spread_clock_swings_around_its_mean(cycle: int, behind: float) -> None:
    """Tests d / (16 f) = 1.25 cycles behind a quarter turn after its peak, ahead three quarters after it."""
    time_fs = SPREAD.oscillator(Drawn()).time_fs(cycle * PARTS)
    assert abs(time_fs - (Fraction(cycle) / Fraction(99, 100) + Fraction(behind)) * 10**6) <= 1


def test_a_ramp_bends_time() -> None:
    """Tests 1e-9 a cycle: 1000^2 / 2 x 1e-9 cycles early at tick 1,000, 500 fs."""
    wave = Wave(Fraction(10**6), Fraction(0), Fraction(1, 1000), Fraction(1, 10**9))
    assert wave.oscillator(Drawn(ramp_ppt=10**12)).time_fs(1000 * PARTS) == 1000 * 10**6 - 500


@given(st.integers(0, 10**12), st.integers(-(10**9), 10**9), st.integers(0, TURN - 1))
def test_ticks_are_the_inverse_of_times(ticks: int, offset: int, phase: int) -> None:
    """Tests that the tick of a time is found to two millionths of a cycle."""
    oscillator = SPREAD.oscillator(Drawn(offset, phase))
    assert abs(oscillator.ticks_at(oscillator.time_fs(ticks)) - ticks) <= 2


def two(step: int, start: int, jitter: int = 0) -> Counters:
    """Return the counters of a root and its child, 200 cycles away."""
    exchange = Exchange(252, 256, step, 200 * 10**6, 200 * PARTS)
    oscillators = {chip: STILL.oscillator(Drawn()) for chip in (0, 1)}
    return Counters(exchange, {0: 0, 1: 0}, oscillators, lambda child, number: jitter, {1: start})


def test_a_child_takes_the_first_message_as_it_is() -> None:
    """Tests a counter that wakes up 100 cycles ahead."""
    counters = two(2, 100 * PARTS)
    sent = counters.next_exchange_fs(0, 1)
    counters.hear(1, counters.value_at(0, sent), counters.arrival_fs(1, 1, sent))
    assert counters.correction[1] == 0


def test_a_child_then_moves_by_a_step_at_most() -> None:
    """Tests messages that come 10 cycles late: the child falls back by 2 cycles each, down to 10."""
    counters = two(2, 0, 10 * 10**6)
    counters.locked.add(1)
    found = []
    for number in range(1, 8):
        sent = counters.next_exchange_fs(0, number)
        counters.hear(1, counters.value_at(0, sent), counters.arrival_fs(1, number, sent))
        found.append(counters.correction[1] // PARTS)
    assert found == [-2, -4, -6, -8, -10, -10, -10]


def test_counters_are_compared_modulo_their_period() -> None:
    """Tests a child that is 250 cycles ahead: it takes itself for 2 behind, and moves ahead to 252."""
    counters = two(126, 250 * PARTS)
    counters.locked.add(1)
    sent = counters.next_exchange_fs(0, 1)
    counters.hear(1, counters.value_at(0, sent), counters.arrival_fs(1, 1, sent))
    assert counters.correction[1] == 252 * PARTS

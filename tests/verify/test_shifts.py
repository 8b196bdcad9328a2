"""Intervals that must not overlap, against the same question asked cycle by cycle."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.shifts import clashes

Interval = tuple[int, int, int]
INTERVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 6)), max_size=6)


def columns(intervals: list[Interval]) -> list[np.ndarray]:
    """Return holders, starts and lengths."""
    return list(np.array(intervals, dtype=np.int64).reshape(-1, 3).T)


def periods(intervals: list[Interval], period: int) -> np.ndarray:
    """Return the period of each interval."""
    return np.full(len(intervals), period, dtype=np.int64)


def held(interval: Interval, period: int) -> list[tuple[int, int]]:
    """Return the holder with each cycle in which it is held, modulo a period."""
    holder, start, length = interval
    return [(holder, cycle % period if period else cycle) for cycle in range(start, start + length)]


@given(INTERVALS, st.integers(0, 12))
def test_there_are_clashes_when_a_cycle_is_held_twice(intervals: list[Interval], period: int) -> None:
    """Tests that pairs are found exactly when some cycle, modulo the period, is held more than once."""
    one, _ = clashes(*columns(intervals), periods(intervals, period))
    times = Counter(cycle for interval in intervals for cycle in held(interval, period))
    assert bool(len(one)) == (max(times.values(), default=0) > 1)


@given(INTERVALS, st.integers(0, 12))
def test_what_clashes_has_a_cycle_in_common(intervals: list[Interval], period: int) -> None:
    """Tests that each pair overlaps; an interval with itself only when it is longer than the period."""
    for a, b in zip(
        *(column.tolist() for column in clashes(*columns(intervals), periods(intervals, period))), strict=True
    ):
        if a == b:
            assert intervals[a][2] > period > 0
        else:
            assert set(held(intervals[a], period)) & set(held(intervals[b], period))


def test_holders_repeat_with_periods_of_their_own() -> None:
    """Tests [0, 3) and [8, 10): modulo 6 they clash, modulo 11 and once they do not."""
    intervals = [(holder, start, length) for holder in range(3) for start, length in ((0, 3), (8, 2))]
    one, other = clashes(*columns(intervals), np.array([6, 6, 11, 11, 0, 0]))
    assert (one.tolist(), other.tolist()) == ([0], [1])

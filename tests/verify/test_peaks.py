"""How much lies somewhere at once, against the same question asked cycle by cycle."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.peaks import peaks

INTERVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 9)), max_size=8)


def counted(intervals: list[tuple[int, int, int]], period: int) -> dict[int, tuple[int, int]]:
    """Return the most of each holder and the first cycle, modulo a period, in which it is held."""
    held = Counter(
        (holder, cycle % period if period else cycle)
        for holder, start, length in intervals
        for cycle in range(start, start + length)
    )
    most = {holder: max(count for (who, _), count in held.items() if who == holder) for holder, _ in held}
    return {
        holder: (count, min(cycle for (who, cycle), times in held.items() if (who, times) == (holder, count)))
        for holder, count in most.items()
    }


@given(INTERVALS, st.integers(0, 12))
def test_peaks_are_what_is_counted(intervals: list[tuple[int, int, int]], period: int) -> None:
    """Tests the most at once and its first cycle, for numbers of numpy and of Python."""
    holder, start, length = np.array(intervals, dtype=np.int64).reshape(-1, 3).T
    for kind in (np.int64, object):
        found = peaks(holder, start.astype(kind), (start + length).astype(kind), np.full_like(start, period))
        told = zip(found.most.tolist(), found.time.tolist(), strict=True)
        assert dict(zip(found.holder.tolist(), told, strict=True)) == counted(intervals, period)


def test_what_outlives_the_period_counts_once_for_each_iteration() -> None:
    """Tests ceil(life / period) copies: [3, 15) with period 5 is there three times in cycles 3 and 4, else twice."""
    found = peaks(np.zeros(1, dtype=np.int64), np.array([3]), np.array([15]), np.array([5]))
    assert (found.most.tolist(), found.time.tolist()) == ([3], [3])


def test_holders_repeat_with_periods_of_their_own() -> None:
    """Tests [3, 15) of three holders: once, every 5 cycles, and every 12."""
    holder, begin = np.arange(3), np.full(3, 3)
    found = peaks(holder, begin, begin + 12, np.array([0, 5, 12]))
    assert (found.most.tolist(), found.time.tolist()) == ([1, 3, 1], [3, 3, 0])

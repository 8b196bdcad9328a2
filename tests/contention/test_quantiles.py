"""Tests of quantiles of what was seen, and of the intervals around them, against binomial sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.contention.quantiles import interval_of, observed_quantile


def test_a_quantile_is_a_time_that_was_seen() -> None:
    """Tests ten times: half of them are at most the fifth, 99 % at most the last."""
    times = np.arange(10, 101, 10)
    assert [observed_quantile(times, part) for part in (0.5, 0.51, 0.99, 1.0)] == [50, 60, 100, 100]


@pytest.mark.parametrize(
    ("number", "part", "expected"),
    [
        # Of ten fair coins at most one shows heads with 11/1024 = 1.1 %, at most two with 56/1024 = 5.5 %: ranks 2, 9.
        (10, 0.5, (2, 9)),
        # Of five none does with 1/32 = 3.1 %, more than the tail.
        (5, 0.5, (None, None)),
        # All of 100 lie below the 99th percentile with 0.99^100 = 36.6 %; fewer than 97 with 1.8 %, than 98 with 7.9 %.
        (100, 0.99, (97, None)),
        # 0.99^367 = 2.502 %, 0.99^368 = 2.477 %. Fewer than 359 of 367 and than 360 of 368 with 1.3 %, than one more
        # with 3.3 %.
        (367, 0.99, (359, None)),
        (368, 0.99, (360, 368)),
    ],
)
def test_an_interval_has_the_ranks_of_a_binomial_sum(
    number: int, part: float, expected: tuple[int | None, int | None]
) -> None:
    """Tests times that are their own ranks, in another order."""
    times = np.random.Generator(np.random.PCG64(1)).permutation(np.arange(1, number + 1))
    assert interval_of(times, part) == expected


def test_nineteen_of_twenty_intervals_hold_the_quantile() -> None:
    """Tests 2,000 runs of 400 uniform times: no fewer than 95 % hold the 90th percentile, within three deviations."""
    generator = np.random.Generator(np.random.PCG64(2))
    runs = generator.integers(0, 10**6, (2000, 400))
    held = [low <= 900_000 <= high for low, high in (interval_of(run, 0.9) for run in runs) if low and high]
    assert len(held) == 2000
    assert 0.95 - 3 * (0.95 * 0.05 / 2000) ** 0.5 <= np.mean(held) <= 0.98

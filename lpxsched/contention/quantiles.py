"""Quantiles of times that were seen, and between what those of all times lie.

How many of n independent times lie at or below the q-quantile of their distribution is binomial, so the times of ranks
l and u enclose it with a probability of at least P(l <= B < u), whatever the distribution (order statistics; David and
Nagaraja, 2003, section 7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers

QUANTILES = {"p50_ns": 0.5, "p99_ns": 0.99, "p999_ns": 0.999, "largest_ns": 1.0}
# What an interval may leave out on either side.
TAIL = 0.025


def observed_quantile(times: Integers, part: float) -> int:
    """Return the least of the times that a part of all do not exceed; always one that was seen."""
    return int(np.quantile(times, part, method="inverted_cdf"))


def interval_of(times: Integers, part: float) -> tuple[int | None, int | None]:
    """Return between which of the times the quantile of their distribution lies, with a probability of 95 %.

    Parameters
    ----------
    times : ndarray of int64, shape (times,)
        Independent of each other.
    part : float
        From 0 to 1, both left out.

    Returns
    -------
    tuple of int or None
        None where too few were seen to say so.
    """
    ordered, number = np.sort(times), len(times)
    successes = np.arange(number + 1)
    factorial = np.append(0.0, np.cumsum(np.log(np.arange(1, number + 1))))
    logarithm = factorial[number] - factorial - factorial[::-1]
    mass = np.exp(logarithm + successes * np.log(part) + (number - successes) * np.log1p(-part))
    below, above = np.cumsum(mass), np.cumsum(mass[::-1])[::-1]
    # Rank l, from 1, with P(B < l) within the tail, and rank u with P(B >= u) within it.
    low = int(np.searchsorted(below, TAIL, side="right"))
    high = number + 1 - int(np.searchsorted(above[::-1], TAIL, side="right"))
    return int(ordered[low - 1]) if low else None, int(ordered[high - 1]) if high <= number else None

"""Numbers drawn by what they are for: the same seed, slot and vector give the same number wherever it is asked for."""

from __future__ import annotations

import math

import numpy as np

from lpxsched.compiled.kernels import kernel

# Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# Acklam's rational approximation of the normal quantile, relative error below 1.2e-9.
TAIL = 0.02425
NUMERATOR = (
    -39.69683028665376,
    220.9460984245205,
    -275.9285104469687,
    138.3577518672690,
    -30.66479806614716,
    2.506628277459239,
)
DENOMINATOR = (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572)
TAIL_NUMERATOR = (
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
)
TAIL_DENOMINATOR = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416)


@kernel
def mixed(state: np.uint64, word: int) -> np.uint64:
    """Return what a state and a word come to, which looks random."""
    state = (state + np.uint64(word + 1)) * GOLDEN + GOLDEN
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))


@kernel
def part_of(state: np.uint64) -> float:
    """Return a state as a number in (0, 1)."""
    return (float(state >> np.uint64(11)) + 0.5) / 9007199254740992.0


@kernel
def uniform(seed: int, slot: int, vector: int) -> float:
    """Return a number in (0, 1) that looks random."""
    return part_of(mixed(mixed(np.uint64(seed), slot), vector))


@kernel
def normal_quantile(part: float) -> float:
    """Return the value that a standard normal number is below with some probability."""
    outside = min(part, 1 - part)
    if outside < TAIL:
        value = normal_tail_quantile(outside)
        return value if part < 0.5 else -value
    # Odd in q, so no branch on its sign, which no processor could foresee.
    q = part - 0.5
    r = q * q
    above = 0.0
    for factor in NUMERATOR:
        above = above * r + factor
    below = 0.0
    for factor in DENOMINATOR:
        below = below * r + factor
    return above * q / (below * r + 1)


@kernel
def normal_tail_quantile(part: float) -> float:
    """Return the same for a probability below `TAIL`."""
    q = math.sqrt(-2 * math.log(part))
    above = 0.0
    for factor in TAIL_NUMERATOR:
        above = above * q + factor
    below = 0.0
    for factor in TAIL_DENOMINATOR:
        below = below * q + factor
    return above / (below * q + 1)


@kernel
def cut_off(low: float, high: float, deviation: float) -> float:
    """Return how much of a normal number lies on either side of [low, high], around whose middle it is."""
    if deviation <= 0 or high <= low:
        return 0.0
    return 0.5 * math.erfc((high - low) / 2 / deviation / math.sqrt(2.0))


@kernel
def spread_within(low: float, high: float, deviation: float, tail: float, part: float) -> float:
    """Return a number in [low, high]: normal around their middle and cut off there, or uniform without deviation.

    Parameters
    ----------
    low, high, deviation : float
    tail : float
        `cut_off` of these.
    part : float
        How much of all numbers is less, in (0, 1).
    """
    if deviation <= 0 or high <= low:
        return low + (high - low) * part
    value = (low + high) / 2 + deviation * normal_quantile(tail + (1 - 2 * tail) * part)
    return min(max(value, low), high)

"""Functions of operators in the field of residues modulo a prime, where what is smooth on floats has an exact kin.

The exponential is a power of a primitive root, so that a softmax is positive powers over their sum; the inverse root
takes the root of a square, or of minus what is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Flags, Integers

# 7 generates all residues but 0 of 2^31 - 1.
ROOT = 7
DIGITS, DIGIT_BITS = 4, 8
# Powers of the root for each digit of an exponent.
_POWERS = np.array(
    [[pow(ROOT, digit << place * DIGIT_BITS, PRIME) for digit in range(1 << DIGIT_BITS)] for place in range(DIGITS)]
)
# Up to so many numbers it is quicker to take one after the other.
FEW = 64


def exponential(values: Integers) -> Integers:
    """Return the root to the power of residues, number by number."""
    result = np.ones_like(values)
    for place, powers in enumerate(_POWERS):
        result = result * powers[values >> place * DIGIT_BITS & ((1 << DIGIT_BITS) - 1)] % PRIME
    return result


def power(values: Integers, exponent: int) -> Integers:
    """Return residues to one power."""
    if values.size <= FEW:
        powers = [pow(value, exponent, PRIME) for value in values.reshape(-1).tolist()]
        return np.array(powers, dtype=np.int64).reshape(values.shape)
    result, square = np.ones_like(values), values % PRIME
    while exponent:
        if exponent & 1:
            result = result * square % PRIME
        square = square * square % PRIME
        exponent >>= 1
    return result


def inverse(values: Integers) -> Integers:
    """Return what gives 1 times residues; 0 for 0."""
    return power(values, PRIME - 2)


def inverse_root(values: Integers) -> Integers:
    """Return the inverse of a root of residues, or of minus them where they are no squares."""
    return inverse(power(values, (PRIME + 1) // 4))


def sigmoid(values: Integers) -> Integers:
    """Return 1 / (1 + e^-x)."""
    return inverse((1 + inverse(exponential(values))) % PRIME)


def silu(values: Integers) -> Integers:
    """Return x / (1 + e^-x)."""
    return values * sigmoid(values) % PRIME


def softmax(scores: Integers, visible: Flags) -> Integers:
    """Return exponentials of the visible scores over their sum along the last axis; 0 for the others."""
    powers = np.where(visible, exponential(scores), 0)
    total: Integers = powers.sum(axis=-1, keepdims=True) % PRIME
    return powers * inverse(total) % PRIME


def dot(a: Integers, b: Integers) -> Integers:
    """Return the sums of products along the last axis."""
    return np.asarray((a * b % PRIME).sum(axis=-1) % PRIME)

"""Integers modulo a prime: sums are exact in any order, and a wrong vector differs from the right one.

A vector is modelled by a few numbers, its *lanes*. Two different draws of a vector agree with probability
`PRIME` ** -lanes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers

# Products of two residues stay below 2^62.
PRIME = (1 << 31) - 1
HALF_BITS = 16


def generator(*key: int | str) -> np.random.Generator:
    """Return the generator of a key: the same key gives the same numbers on every machine."""
    entropy = [part for word in key for part in ([word] if isinstance(word, int) else [*word.encode(), 256])]
    return np.random.default_rng(entropy)


def drawn(random: np.random.Generator, *shape: int) -> Integers:
    """Return random residues."""
    return random.integers(0, PRIME, size=shape, dtype=np.int64)


def product(a: Integers, b: Integers) -> Integers:
    """Return the matrix product of residues; halves of `a` keep sums of up to 2^16 products below 2^63."""
    high, low = a >> HALF_BITS, a & ((1 << HALF_BITS) - 1)
    return np.asarray((((high @ b) % PRIME << HALF_BITS) + low @ b) % PRIME)

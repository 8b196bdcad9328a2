"""One integer unit of time inside (the cycle of program time); exact conversions at the edges.

Every conversion says in its name which way it rounds. Rates and times that are not whole numbers of cycles are
kept as ``fractions.Fraction``, so that no result depends on floating point. Numbers of things stand here in words, too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A whole number, or a column of them.
Whole = TypeVar("Whole", int, "NDArray[np.int64]")
BITS_PER_BYTE = 8
# No index, no number, no way.
NONE = -1
# A time later than any other.
NEVER = 1 << 60


def exact(number: float) -> Fraction:
    """Return the decimal that a person wrote, not its nearest binary value (``0.1`` is 1/10).

    Parameters
    ----------
    number : float
        A finite number as read from a file or an option.
    """
    return Fraction(repr(number))


def ceil_div(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded up; the denominator is positive."""
    return -(-numerator // denominator)


def lead_cycles(vectors: Whole, arriving: tuple[Whole, Whole], leaving: tuple[Whole, Whole]) -> Whole:
    """Return how much later a relay sends vectors on where they arrive at a longer pitch than they leave at.

    Pitches are in cycles, numerator and denominator: vector k is read k arriving pitches after the first, at the
    latest when it leaves.
    """
    slower = arriving[0] * leaving[1] - leaving[0] * arriving[1]
    return -(-(vectors - 1) * slower * (slower > 0) // (arriving[1] * leaving[1]))


def ceil_cycles(cycles: Fraction) -> int:
    """Return a time in cycles rounded up to a whole cycle."""
    return ceil_div(cycles.numerator, cycles.denominator)


def ns_to_cycles(time_ns: Fraction, clock_mhz: Fraction) -> Fraction:
    """Return a time in ns as an exact number of cycles of a clock in MHz."""
    return time_ns * clock_mhz / 1000


def cycles_to_ns(cycles: int | Fraction, clock_mhz: Fraction) -> Fraction:
    """Return a number of cycles of a clock in MHz as an exact time in ns."""
    return Fraction(cycles) * 1000 / clock_mhz


def vector_time_cycles(wire_bytes: int, gbps: Fraction, clock_mhz: Fraction) -> Fraction:
    """Return the exact time in cycles that one vector occupies a link.

    Parameters
    ----------
    wire_bytes : int
        Bytes of one vector on the wire, framing included.
    gbps : Fraction
        Rate of the link in Gb/s (bits per ns).
    clock_mhz : Fraction
        Clock in which the cycles are counted.
    """
    return ns_to_cycles(wire_bytes * BITS_PER_BYTE / gbps, clock_mhz)


def counted(number: int, noun: str) -> str:
    """Return a number of things as people read it: ``1 chip``, ``1,024 chips``, ``2 batches``, ``3 entries``."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{number:,} {noun}es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}s"

"""A number with the least and the largest that it may be in truth, and sums and products of such numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.units import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lpxsched.files.schema import Tagged


@dataclass(frozen=True, slots=True)
class Ranged:
    """A number with its range."""

    value: Fraction
    low: Fraction
    high: Fraction

    def __add__(self, other: Ranged) -> Ranged:
        """Return the sum, end by end."""
        return Ranged(self.value + other.value, self.low + other.low, self.high + other.high)

    def apply(self, change: Callable[[Fraction], Fraction]) -> Ranged:
        """Return what a growing function makes of each end."""
        return Ranged(change(self.value), change(self.low), change(self.high))

    def times(self, factor: Fraction | int) -> Ranged:
        """Return a multiple; the factor is not negative."""
        return self.apply(lambda end: end * factor)

    def over(self, other: Ranged) -> Ranged:
        """Return the quotient of two that are not negative: the least is over the largest."""
        return Ranged(self.value / other.value, self.low / other.high, self.high / other.low)


NOTHING = Ranged(Fraction(0), Fraction(0), Fraction(0))


def ranged(tagged: Tagged[Any]) -> Ranged:
    """Return a number of a file with its range; without one it is taken to be what it is."""
    low, high = tagged.range or (tagged.value, tagged.value)
    return Ranged(exact(tagged.value), exact(low), exact(high))


def known(number: Fraction | int) -> Ranged:
    """Return a number that is what it is."""
    return Ranged(Fraction(number), Fraction(number), Fraction(number))


def total(numbers: Iterable[Ranged]) -> Ranged:
    """Return the sum of numbers, end by end."""
    return sum(numbers, NOTHING)

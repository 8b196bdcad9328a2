"""Tests of numbers with a range."""

from __future__ import annotations

from fractions import Fraction

from lpxsched.files.ranged import NOTHING, Ranged, known, ranged, total
from lpxsched.files.schema import Tagged


def test_a_number_without_a_range_is_what_it_is() -> None:
    """Tests a tagged number with and without its range, as it was written."""
    assert ranged(Tagged(value=0.1)) == known(Fraction(1, 10))
    assert ranged(Tagged(value=2, range=[1, 3])) == Ranged(Fraction(2), Fraction(1), Fraction(3))


def test_sums_and_multiples_are_end_by_end_and_quotients_crosswise() -> None:
    """Tests 6 (2 to 12) over 3 (2 to 4): the least is 2 / 4, the largest 12 / 2."""
    six, three = Ranged(Fraction(6), Fraction(2), Fraction(12)), Ranged(Fraction(3), Fraction(2), Fraction(4))
    assert total([six, three]) == Ranged(Fraction(9), Fraction(4), Fraction(16))
    assert six.times(2) == Ranged(Fraction(12), Fraction(4), Fraction(24))
    assert six.over(three) == Ranged(Fraction(2), Fraction(1, 2), Fraction(6))
    assert total([]) == NOTHING

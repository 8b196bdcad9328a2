"""Ranges on one axis, against the same questions asked point by point."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify import ranges
from lpxsched.verify.ranges import TimedRanges, covered, repeated, too_early, uncovered

if TYPE_CHECKING:
    import pytest

Interval = tuple[int, int, int, int, int]
INTERVALS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(0, 9), st.integers(0, 5), st.integers(1, 4)),
    max_size=8,
)


def timed(intervals: list[Interval]) -> TimedRanges:
    """Return ranges from (start, length, first, numerator, denominator)."""
    rows = np.array(intervals, dtype=np.int64).reshape(-1, 5)
    return TimedRanges(rows[:, 0], rows[:, 0] + rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4])


def points(interval: Interval) -> dict[int, Fraction]:
    """Return the time of each point of an interval."""
    start, length, first, numerator, denominator = interval
    return {start + k: first + k * Fraction(numerator, denominator) for k in range(length)}


@given(INTERVALS, INTERVALS)
def test_uncovered_is_what_it_is_point_by_point(some: list[Interval], cover: list[Interval]) -> None:
    """Tests that an interval is covered when each point of it lies in an interval of the cover."""
    covered = {point for interval in cover for point in points(interval)}
    expected = [not points(interval).keys() <= covered for interval in some]
    assert uncovered(timed(some), timed(cover)).tolist() == expected


@given(st.lists(st.integers(0, 20)), INTERVALS)
def test_covered_is_what_it_is_point_by_point(some: list[int], cover: list[Interval]) -> None:
    """Tests that a point is covered when it lies in an interval of the cover."""
    inside = {point for interval in cover for point in points(interval)}
    found = covered(np.array(some, dtype=np.int64), timed(cover))
    assert found.tolist() == [point in inside for point in some]


@given(INTERVALS)
def test_points_are_told_one_by_one(some: list[Interval]) -> None:
    """Tests that each point has its interval and the cycle in which it is due."""
    expected = [
        (index, point, math.floor(time))
        for index, interval in enumerate(some)
        for point, time in points(interval).items()
    ]
    assert list(zip(*(column.tolist() for column in timed(some).points()), strict=True)) == expected


@given(INTERVALS)
def test_repeated_finds_common_points_and_only_those(some: list[Interval]) -> None:
    """Tests that pairs have a point in common, and that there is a pair whenever a point is there twice."""
    one, other = repeated(timed(some))
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        assert a != b
        assert points(some[a]).keys() & points(some[b]).keys()
    total = sum(length for _, length, *_ in some)
    distinct = len({point for interval in some for point in points(interval)})
    assert bool(len(one)) == (distinct < total)


def once(some: list[Interval]) -> list[Interval]:
    """Return the intervals without those that begin inside an earlier one."""
    reach, kept = 0, []
    for interval in sorted(some, key=lambda interval: (interval[0], interval[2])):
        if interval[0] >= reach:
            kept.append(interval)
        reach = max(reach, interval[0] + interval[1])
    return kept


@given(INTERVALS, INTERVALS)
def test_too_early_is_what_it_is_point_by_point(readers: list[Interval], sources: list[Interval]) -> None:
    """Tests that first and last common point decide, and that the point named is a witness."""
    expected = {
        index
        for index, reader in enumerate(readers)
        for source in once(sources)
        if any(time < points(source)[point] for point, time in points(reader).items() if point in points(source))
    }
    found = too_early(timed(readers), timed(sources), repeated(timed(sources))[1])
    assert found[0].tolist() == sorted(expected)
    for reader, source, point in zip(*(column.tolist() for column in found), strict=True):
        assert points(readers[reader])[point] < points(sources[source])[point]


def test_too_early_is_the_same_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that cutting the pairs into blocks loses none."""
    readers: list[Interval] = [(start, 3, start % 4, 1, 2) for start in range(12)]
    sources: list[Interval] = [(start, 2, start % 3, 1, 3) for start in range(0, 12, 2)]
    whole = too_early(timed(readers), timed(sources), repeated(timed(sources))[1])
    assert len(whole[0])
    monkeypatch.setattr(ranges, "PAIRS", 2)
    small = too_early(timed(readers), timed(sources), repeated(timed(sources))[1])
    assert [column.tolist() for column in small] == [column.tolist() for column in whole]

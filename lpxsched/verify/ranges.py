"""Ranges of vectors on one axis, and the exact times at which their vectors are somewhere.

A vector of a tensor at a node is one point of the axis, so "is there", "is there twice" and "is there in
time" become questions about intervals. All of them are answered by sorting.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.blocks import sorted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Flags, Integers

# Overlapping pairs that are held in memory at a time.
PAIRS = 1 << 21


@dataclass(frozen=True, eq=False)
class TimedRanges:
    """Intervals ``[start, end)``; their point k (from 0) is due at ``first + k numerator / denominator``.

    Without slots, so that they are sorted once, when that is first asked for.

    Attributes
    ----------
    start, end : ndarray of int64
        Points of the axis; no interval is empty.
    first : ndarray of int64
        Time of the first point, in cycles.
    numerator, denominator : ndarray of int64
        Time from one point to the next, in cycles.
    """

    start: Integers
    end: Integers
    first: Integers
    numerator: Integers
    denominator: Integers

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def order(self) -> Integers:
        """The intervals in the order of their starts."""
        return sorted_rows(self.start)

    def time(self, index: int, point: int) -> Fraction:
        """Return the time of one point of one interval, in cycles."""
        step = Fraction(int(self.numerator[index]), int(self.denominator[index]))
        return int(self.first[index]) + (int(point) - int(self.start[index])) * step

    def points(self) -> tuple[Integers, Integers, Integers]:
        """Return all points one by one: their interval, the point itself, and the whole part of its time."""
        length = self.end - self.start
        index = np.repeat(np.arange(len(length)), length)
        k = np.arange(len(index)) - np.repeat(np.cumsum(length) - length, length)
        return index, self.start[index] + k, self.first[index] + k * self.numerator[index] // self.denominator[index]


def joined(one: TimedRanges, other: TimedRanges) -> TimedRanges:
    """Return the intervals of both, those of `one` first."""
    names = [field.name for field in fields(TimedRanges)]
    return TimedRanges(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in names))


def uncovered(ranges: TimedRanges, cover: TimedRanges) -> Flags:
    """Return, for each interval, whether some point of it lies in no interval of `cover`."""
    lost, order = np.zeros(len(ranges), dtype=np.bool_), ranges.order
    lost[order] = _end_of_cover(ranges.start[order], cover) < ranges.end[order]
    return lost


def covered(point: Integers, cover: TimedRanges) -> Flags:
    """Return whether each point lies in some interval of `cover`."""
    inside, order = np.zeros(len(point), dtype=np.bool_), sorted_rows(point)
    inside[order] = _end_of_cover(point[order], cover) > point[order]
    return inside


def _end_of_cover(point: Integers, cover: TimedRanges) -> Integers:
    """Return the first point from each one on that lies in no interval of `cover`; sorted points are soon found."""
    if not len(cover):
        return point
    start, reach = cover.start[cover.order], np.maximum.accumulate(cover.end[cover.order])
    opens = np.concatenate([[True], start[1:] > reach[:-1]])
    block_start = start[opens]
    block_end = reach[np.concatenate([opens[1:], [True]])]
    block = np.searchsorted(block_start, point, side="right") - 1
    return np.where(block < 0, point, np.maximum(block_end[block], point))


def taken(ranges: TimedRanges, indices: Integers) -> TimedRanges:
    """Return some of the intervals, in the order of the indices."""
    return TimedRanges(*(getattr(ranges, field.name)[indices] for field in fields(TimedRanges)))


def repeated(ranges: TimedRanges) -> tuple[Integers, Integers]:
    """Return pairs (one, other) with a common point: each interval that begins inside an earlier one.

    Of intervals that begin at the same point, the one with the earlier time comes first.
    """
    order = ranges.order
    # Where points are there once, as in all that is right, no two intervals begin alike.
    if not np.diff(ranges.start[order]).all():
        order = sorted_rows(ranges.start, ranges.first)
    start, end = ranges.start[order], ranges.end[order]
    reach = np.maximum.accumulate(end)
    furthest = np.maximum.accumulate(np.where(end == reach, np.arange(len(end)), 0))
    inside = np.flatnonzero(start[1:] < reach[:-1]) + 1
    return order[furthest[inside - 1]], order[inside]


def too_early(readers: TimedRanges, sources: TimedRanges, again: Integers) -> tuple[Integers, Integers, Integers]:
    """Return readers that take a point before its source is due.

    Times are linear in the point, so two intervals are in order when they are at their first and at their
    last common point. Sources in `again`, which repeat points of others (see `repeated`), are left out.

    Parameters
    ----------
    readers, sources : TimedRanges
        Who takes points and from when on they are due.
    again : ndarray of int64
        Rows of `sources` that do not count.

    Returns
    -------
    reader, source, point : ndarray of int64
        One triple for each reader that is too early, in the order of readers.
    """
    kept = np.delete(np.arange(len(sources)), again) if len(again) else None
    if kept is not None:
        sources = taken(sources, kept)
    found = [_early(readers, sources, *pairs) for pairs in _overlaps(readers, sources)]
    reader, source, point = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(reader, kind="stable")
    return reader[order], (source if kept is None else kept[source])[order], point[order]


def latest(readers: TimedRanges, sources: TimedRanges) -> Integers:
    """Return when the last point of each reader that is in a source is due there, rounded up; `NONE` where none is."""
    time = np.full(len(readers), NONE, dtype=np.int64)
    for reader, source in _overlaps(readers, sources):
        steps = np.minimum(readers.end[reader], sources.end[source]) - 1 - sources.start[source]
        due = sources.first[source] - (-steps * sources.numerator[source] // sources.denominator[source])
        np.maximum.at(time, reader, due)
    return time


def _overlaps(readers: TimedRanges, sources: TimedRanges) -> Iterator[tuple[Integers, Integers]]:
    """Yield blocks of pairs with a common point; all pairs of one reader are in one block."""
    order, in_order = sources.order, readers.order
    start, reach = sources.start[order], np.maximum.accumulate(sources.end[order])
    # Sorted readers are found near each other.
    begin = np.searchsorted(reach, readers.start[in_order], side="right")
    counts = np.maximum(np.searchsorted(start, readers.end[in_order], side="left") - begin, 0)
    cuts = np.flatnonzero(np.diff(np.cumsum(counts) // PAIRS)) + 1
    for first, last in pairwise([0, *cuts.tolist(), len(readers)]):
        place = np.repeat(np.arange(first, last), counts[first:last])
        before = np.repeat(np.cumsum(counts[first:last]) - counts[first:last], counts[first:last])
        reader, source = in_order[place], order[begin[place] + np.arange(len(place)) - before]
        common = sources.end[source] > readers.start[reader]
        yield reader[common], source[common]


def _early(
    readers: TimedRanges, sources: TimedRanges, reader: Integers, source: Integers
) -> tuple[Integers, Integers, Integers]:
    one, other = taken(readers, reader), taken(sources, source)
    first, last = np.maximum(one.start, other.start), np.minimum(one.end, other.end) - 1
    early_first = _before(one, other, first)
    early = early_first | _before(one, other, last) if (first < last).any() else early_first
    _, once = np.unique(reader[early], return_index=True)
    point = np.where(early_first, first, last)
    return reader[early][once], source[early][once], point[early][once]


def _before(a: TimedRanges, b: TimedRanges, point: Integers) -> Flags:
    """Return whether intervals of `a` reach a point before those of `b` do, exactly."""
    whole_a, part_a = np.divmod((point - a.start) * a.numerator, a.denominator)
    whole_b, part_b = np.divmod((point - b.start) * b.numerator, b.denominator)
    cycle_a, cycle_b = a.first + whole_a, b.first + whole_b
    fraction_before = part_a * b.denominator < part_b * a.denominator
    return np.asarray((cycle_a < cycle_b) | ((cycle_a == cycle_b) & fraction_before))

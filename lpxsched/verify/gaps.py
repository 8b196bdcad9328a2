"""R9 deskew, third part: a frame that repeats deskews in gaps, windows in which none of its segments runs.

The frame drains: from the first cycle of an iteration to its last, the cycle of its last read included, no deskew
begins or lasts (but for deskews that come in every period: `each_period`). So one deskew aligned both ends of every
slot, and what counts is how long ago it was: for each segment the longest time from the end of a deskew to the
beginning of an iteration before the next one. All times are judged within one round, after which windows and deskews
repeat: the `windows` of the frame times its period.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.clock import limits_of
from lpxsched.verify.each_period import deskewed_each_period, each_period_violations
from lpxsched.verify.frames import repeating
from lpxsched.verify.presence import segment_ends
from lpxsched.verify.shifts import clashes
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R9"


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """All deskews of one round of a frame that repeats, sorted by their beginnings.

    Attributes
    ----------
    cycles : int
        Length of the round.
    deskew, begin, end : ndarray of int64, shape (deskews of the round,)
        Row of ``deskews.parquet``; frame time.
    """

    cycles: int
    deskew: Integers
    begin: Integers
    end: Integers

    def around(self) -> tuple[Integers, Integers]:
        """Return beginnings and ends in the rounds before, now and next."""
        shift = np.repeat(np.arange(-1, 2) * self.cycles, len(self.begin))
        return np.tile(self.begin, 3) + shift, np.tile(self.end, 3) + shift

    def since(self, moment: Integers) -> Integers:
        """Return the time since the last deskew that ended at or before each moment of the round."""
        ends = np.sort(self.around()[1])
        return moment - ends[np.searchsorted(ends, moment, side="right") - 1]

    def next_begin(self, moment: Integers) -> Integers:
        """Return when the first deskew begins that ends after each moment of the round."""
        begin, end = self.around()
        order = np.argsort(end, kind="stable")
        first = np.minimum.accumulate(begin[order][::-1])[::-1]
        return np.asarray(first[np.searchsorted(end[order], moment, side="right")])


def round_of(build: Build, frame: int) -> Round:
    """Return one round of a frame that repeats."""
    deskews, period, windows = build.deskews, int(build.frames.period_cycles[frame]), int(build.frames.windows[frame])
    mine = np.flatnonzero(deskews.frame == frame)
    times = windows // deskews.every_periods[mine]
    row = np.repeat(mine, times)
    number = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    begin = deskews.cycle[row] + number * deskews.every_periods[row] * period
    order = np.argsort(begin, kind="stable")
    return Round(windows * period, row[order], begin[order], (begin + deskews.stall[row])[order])


def beginnings(build: Build, segment: int) -> Integers:
    """Return when the iterations of a segment begin in one round of its frame, which repeats."""
    frames, frame = build.frames, int(build.segments.frame[segment])
    run = np.setdiff1d(np.arange(int(frames.windows[frame])), frames.gaps[frame])
    return np.asarray(build.segments.phase_cycles[segment] + run * frames.period_cycles[frame], dtype=np.int64)


@lru_cache(maxsize=1)
def since_deskew(build: Build) -> Integers:
    """Return the longest time from a deskew to an iteration of each segment after it; one more place, for none.

    0 where a frame runs on demand, or has no deskew.
    """
    since = np.zeros(len(build.segments) + 1, dtype=np.int64)
    for frame in repeating(build).tolist():
        found = round_of(build, frame)
        for segment in np.flatnonzero(build.segments.frame == frame).tolist() if len(found.begin) else ():
            since[segment] = found.since(beginnings(build, segment)).max()
    return since


def gap_violations(build: Build) -> Iterator[Violation]:
    """Yield frames that repeat without the deskews that they need, and deskews that are in the way of something."""
    aligned, ends, each = limits_of(build).align, segment_ends(build), deskewed_each_period(build)
    for frame in repeating(build).tolist():
        found = round_of(build, frame)
        if not len(found.begin):
            if aligned:
                message = f"frame {frame} repeats every {build.frames.period_cycles[frame]} cycles without a deskew"
                yield Violation(RULE, f"{message}: only clocks that need none keep it", rows_of(build.frames, frame))
            continue
        yield from _together(build, found)
        for segment in np.flatnonzero((build.segments.frame == frame) & ~each[frame]).tolist():
            yield from _running(build, segment, found, int(ends[segment]))
    yield from each_period_violations(build)


def _together(build: Build, found: Round) -> Iterator[Violation]:
    always = np.full(len(found.begin), found.cycles)
    pairs = clashes(np.zeros_like(found.begin), found.begin, found.end - found.begin, always)
    for a, b in zip(*(column.tolist() for column in pairs), strict=True):
        one, other = int(found.deskew[a]), int(found.deskew[b])
        message = f"deskew {other} begins at {found.begin[b]}, within deskew {one}, modulo the round of {found.cycles}"
        yield Violation(RULE, message, rows_of(build.deskews, *dict.fromkeys((one, other))))


def _running(build: Build, segment: int, found: Round, lasts: int) -> Iterator[Violation]:
    """Yield the first iteration of a segment during which its frame deskews."""
    begin = beginnings(build, segment)
    deskew = found.next_begin(begin)
    for place in np.flatnonzero(deskew <= begin + lasts)[:1].tolist():
        message = (
            f"an iteration of segment {segment} runs during [{begin[place]}, {begin[place] + lasts}], but frame "
            f"{build.segments.frame[segment]} deskews at {deskew[place]}: its window is no gap"
        )
        yield Violation(RULE, message, rows_of(build.segments, segment))


def round_intervals(build: Build) -> dict[int, int]:
    """Return the longest time before each deskew of frames that repeat, since the one before it, by its row."""
    longest: dict[int, int] = {}
    for frame in repeating(build).tolist():
        found = round_of(build, frame)
        before = np.append(found.end[-1:] - found.cycles, found.end[:-1])
        for row, cycles in zip(found.deskew.tolist(), (found.begin - before).tolist(), strict=True):
            longest[row] = max(longest.get(row, 0), cycles)
    return longest

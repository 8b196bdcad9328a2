"""R9 deskew, fifth part: frames that deskew in every period, while iterations of their segments go on around it.

A deskew that comes again with every period, at one phase, lies at the same places of every iteration: begin = cycle -
phase + k P in the segment's time. As on demand, nothing overlaps it: no departure while its link is held, no read, no
operator. So none meets a slot, and the last deskew before a slot aligned both of its ends unless it flies across one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.frames import repeating, turns
from lpxsched.verify.presence import lasting
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

RULE = "R9"


def deskewed_each_period(build: Build) -> Flags:
    """Return whether each frame repeats and has deskews, all of which come in every period."""
    each = np.zeros(len(build.frames), dtype=np.bool_)
    for frame in repeating(build).tolist():
        every = build.deskews.every_periods[build.deskews.frame == frame]
        each[frame] = len(every) > 0 and bool((every == 1).all())
    return each


def aligned_by(build: Build, segment: Integers, cycle: Integers) -> Integers:
    """Return the end of the last deskew that ended at or before a cycle of segments of such frames, in their time."""
    return _last(build, segment, cycle, build.deskews.cycle + build.deskews.stall)[0]


def each_period_violations(build: Build) -> Iterator[Violation]:
    """Yield what lasts into a deskew that comes in every period."""
    each = deskewed_each_period(build)[build.segments.frame]
    for block in lasting(build) if each.any() else ():
        some = block.take(each[block.segment])
        begin, deskew = _last(build, some.segment, some.start + some.length - 1, build.deskews.cycle)
        ends = begin + build.deskews.stall[deskew]
        for place in np.flatnonzero(some.start < ends).tolist():
            message = (
                f"{some.text(place)}, within the deskew [{begin[place]}, {ends[place]}), which comes in every period"
            )
            rows = (*rows_of(some.table, some.row[place]), *rows_of(build.deskews, int(deskew[place])))
            yield Violation(RULE, message, rows)


def _last(build: Build, segment: Integers, cycle: Integers, moment: Integers) -> tuple[Integers, Integers]:
    """Return the last moment of any deskew of a frame at or before a cycle of its segments, and the deskew."""
    turn, frame = turns(build), build.segments.frame[segment]
    period, phase = np.maximum(turn.period[segment], 1), turn.phase[segment]
    latest, which = np.full(len(segment), np.iinfo(np.int64).min), np.zeros(len(segment), dtype=np.int64)
    for row in np.flatnonzero(build.deskews.every_periods == 1).tolist():
        first = moment[row] - phase
        last = np.where(build.deskews.frame[row] == frame, first + (cycle - first) // period * period, latest)
        which[last > latest] = row
        latest = np.maximum(latest, last)
    return latest, which

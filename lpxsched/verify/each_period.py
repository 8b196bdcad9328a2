"""R9 deskew, fifth part: frames that deskew in every period, while iterations of their segments go on around it.

A deskew that comes again with every period, at one phase, lies at the same places of every iteration: begin = cycle -
phase + k P in the segment's time. As on demand, nothing overlaps it: no departure while its link is held, no read, no
operator. So none meets a slot, and the last deskew before a slot aligned both of its ends unless it flies across one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.frames import repeating, turns
from lpxsched.verify.presence import held_cycles, read_cycles, slot_segments
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers, Table

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
    slots, operators = build.slots, build.operators
    segment, held, reading = slot_segments(build), held_cycles(build), read_cycles(build)
    # Hosts take vectors whenever they come.
    to_chip = ~build.chips.host[build.links.dst[slots.link]]
    yield from _within(build, slots, "departs", (segment, slots.depart, held), segment >= 0)
    yield from _within(build, slots, "is read", (segment, slots.read, reading), (segment >= 0) & to_chip)
    runs = (operators.segment, operators.start, operators.cycles)
    yield from _within(build, operators, "runs", runs, operators.cycles > 0)


def _within(
    build: Build, table: Table, does: str, times: tuple[Integers, Integers, Integers], judged: Flags
) -> Iterator[Violation]:
    """Yield rows of a table that last into a deskew, given segment, start and length of all rows."""
    segment, start, length = times
    each = np.append(deskewed_each_period(build)[build.segments.frame], False)
    rows = np.flatnonzero(judged & each[segment])
    begin, deskew = _last(build, segment[rows], (start + length)[rows] - 1, build.deskews.cycle)
    ends = begin + build.deskews.stall[deskew] if len(rows) else begin
    what = "operator" if table is build.operators else "slot"
    for place in np.flatnonzero(start[rows] < ends).tolist():
        row = rows[place]
        message = (
            f"{what} {row} of segment {segment[row]} {does} during [{start[row]}, {start[row] + length[row]}), within "
            f"the deskew [{begin[place]}, {ends[place]}), which comes in every period"
        )
        yield Violation(RULE, message, (*rows_of(table, row), *rows_of(build.deskews, int(deskew[place]))))


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

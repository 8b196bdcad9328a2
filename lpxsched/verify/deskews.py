"""R9 deskew: segments on demand open with one, nothing overlaps it, and its stall covers how far clocks run apart.

Between two deskews clocks drift apart by 2 rho T / (1 - d/2) at most, and each strays from its mean rate by half its
ramp times T^2 and by the phase of its spread, on top of what the first one left: 2 depth residual. A
chip finds its drift modulo the period of its counter only, so that the sum must stay below half of it; and it can
wait, not hurry, so that the stall must cover the sum. The deskews of a frame on demand are those of each of its
segments, from that segment's time zero on. The first one ends an interval too: the chips ran a segment of the frame
before, from its last deskew to its end, and, where they poll for rows, a pass. A program that is started anew has just
been aligned. What a deskew costs beyond comes on top of its stall. Chips that count with the oscillator of their root,
all of a frame to which no host sends, do not drift.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import Deskews
from lpxsched.units import NONE, ceil_cycles, counted
from lpxsched.verify.clock import limits_of
from lpxsched.verify.gaps import gap_violations, round_intervals
from lpxsched.verify.oscillators import drifting_frames
from lpxsched.verify.polling import polled_segments, polling_violations
from lpxsched.verify.presence import lasting, segment_ends
from lpxsched.verify.reservations import reservation_violations
from lpxsched.verify.shifts import clashes
from lpxsched.verify.violation import Violation, cycles_text, rows_of
from lpxsched.verify.waiting import segment_depths, waiting_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R9"


def deskew_violations(build: Build) -> list[Violation]:
    """Return every deskew that breaks R9, and every segment that lacks one or waits longer than it says."""
    return [
        *_missing(build),
        *gap_violations(build),
        *_together(build),
        *_overlaps(build),
        *_stalls(build),
        *waiting_violations(build),
        *polling_violations(build),
        *reservation_violations(build),
    ]


def last_deskew(deskews: Deskews, moment: Integers, frame: Integers, cycle: Integers) -> Integers:
    """Return the last deskew whose `moment` is at or before a cycle of a frame, elementwise; `NONE` where none is.

    Parameters
    ----------
    deskews : Deskews
        Sorted by frame and moment.
    moment : ndarray of int64, shape (deskews,)
    frame, cycle : ndarray of int64, shape (things,)
    """
    # Cycles beyond the last deskew are all alike, and so fit beside their frame into one key.
    span = int(moment.max(initial=0)) + 2
    found = np.searchsorted(deskews.frame * span + moment, frame * span + np.minimum(cycle, span - 1), side="right")
    last = found - 1
    return np.where(np.append(deskews.frame, NONE)[last] == frame, last, NONE)


def _missing(build: Build) -> Iterator[Violation]:
    opened = build.deskews.frame[build.deskews.cycle == 0]
    if not limits_of(build).align:
        return
    on_demand = build.frames.period_cycles[build.segments.frame] == 0
    for row in np.flatnonzero(on_demand & ~np.isin(build.segments.frame, opened)).tolist():
        yield Violation(RULE, f"segment {row} does not open with a deskew at cycle 0", rows_of(build.segments, row))


def _together(build: Build) -> Iterator[Violation]:
    deskews = build.deskews
    rows = np.flatnonzero(deskews.every_periods == 0)
    once = np.zeros_like(rows)
    pairs = clashes(deskews.frame[rows], deskews.cycle[rows], deskews.stall[rows], once)
    for a, b in zip(*(rows[column].tolist() for column in pairs), strict=True):
        message = f"deskew {b} of frame {deskews.frame[b]} begins at {deskews.cycle[b]}, within deskew {a}"
        yield Violation(RULE, message, rows_of(deskews, a, b))


def _overlaps(build: Build) -> Iterator[Violation]:
    """Yield what lasts into a deskew of a frame on demand: departures while the link is held, reads, and operators."""
    stalling = np.flatnonzero((build.deskews.stall > 0) & (build.deskews.every_periods == 0))
    deskews = Deskews(*(getattr(build.deskews, field.name)[stalling] for field in fields(Deskews)))
    for some in lasting(build):
        # Deskews do not overlap: of those that begin before a row ends, some last into it when the last one does.
        last = last_deskew(deskews, deskews.cycle, build.segments.frame[some.segment], some.start + some.length - 1)
        begin, end = (np.append(column, NONE)[last] for column in (deskews.cycle, deskews.cycle + deskews.stall))
        for place in np.flatnonzero(some.start < end).tolist():
            message = f"{some.text(place)}, within the deskew [{begin[place]}, {end[place]})"
            rows = (*rows_of(some.table, some.row[place]), *rows_of(deskews, stalling[last[place]]))
            yield Violation(RULE, message, rows)


def _stalls(build: Build) -> Iterator[Violation]:
    deskews, limits = build.deskews, limits_of(build)
    if not limits.align:
        return
    drifts = drifting_frames(build)[deskews.frame].tolist()
    for row, (interval, depth) in enumerate(zip(_intervals(build), _depths(build), strict=True)):
        apart = limits.disagreement_cycles(interval if drifts[row] else 0, depth)
        frame, stall = deskews.frame[row], deskews.stall[row]
        deep = counted(depth, "level")
        why = f"{interval} cycles after the one before, {deep} deep: clocks disagree by {cycles_text(apart)}"
        who = f"deskew {row} of frame {frame} comes {why} cycles at most"
        if 2 * apart >= limits.hac_period_cycles:
            message = f"{who}, not below half of the counter's period {limits.hac_period_cycles}"
            yield Violation(RULE, message, rows_of(deskews, row))
        if stall < apart + limits.deskew_cycles:
            message = f"{who}; its stall is {stall}, must be at least {ceil_cycles(apart) + limits.deskew_cycles}"
            yield Violation(RULE, message, rows_of(deskews, row))


def _intervals(build: Build) -> list[int]:
    """Return the longest time before each deskew since the one before it.

    Before the first one on demand lies a whole run of a segment, and a pass of chips that poll for rows. A program that
    is started anew has just aligned its counters when it opens, so its waiting is no time in which clocks drift apart.
    """
    deskews, frame_of = build.deskews, build.segments.frame
    end = deskews.cycle + deskews.stall
    opens = np.append(True, deskews.frame[1:] != deskews.frame[:-1])[: len(deskews)]
    last = np.zeros(len(build.frames), dtype=np.int64)
    last[deskews.frame] = end
    waited = np.zeros(len(build.frames), dtype=np.int64)
    ran = np.maximum(segment_ends(build) - last[frame_of], 0) + build.segments.waiting_cycles * polled_segments(build)
    np.maximum.at(waited, frame_of, ran)
    interval = deskews.cycle - np.append(0, end[:-1])[: len(deskews)]
    interval[opens] = waited[deskews.frame[opens]]
    repeated = round_intervals(build)
    return [max(0, repeated.get(row, cycles)) for row, cycles in enumerate(interval.tolist())]


def _depths(build: Build) -> list[int]:
    """Return the depth of the tree of the chips of each deskew's frame."""
    depth = np.zeros(len(build.frames), dtype=np.int64)
    np.maximum.at(depth, build.segments.frame, segment_depths(build))
    depths: list[int] = depth[build.deskews.frame].tolist()
    return depths

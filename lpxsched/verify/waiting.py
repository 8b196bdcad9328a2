"""R9 deskew, second part: what a segment waits for its time zero is no less than what it waits for.

Rows that come just after chips that poll began a pass wait for the next one. A pass takes whole epochs of the counter,
one at least, and holds all that it does when a flag is missing (`polling`). Chips that do not poll wait for an epoch
and, where clocks align, start up at one more for each level of their tree at least. Where a frame repeats, what comes
just too late for a window waits for the next one, a period at least; a micro-batch that owns windows waits for the next
of its own (`reservations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.clock import limits_of
from lpxsched.verify.frames import turns
from lpxsched.verify.polling import pass_ends, polled_segments
from lpxsched.verify.reservations import in_flight, needed_waiting
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R9"


def waiting_violations(build: Build) -> Iterator[Violation]:
    """Yield segments that wait longer than they say."""
    said, polled, period = build.segments.waiting_cycles, polled_segments(build), limits_of(build).hac_period_cycles
    epochs = np.where(polled, np.maximum(-(-pass_ends(build) // period), 1), 1 + _levels(build))
    repeats = turns(build).period[:-1]
    needed = np.where(repeats > 0, needed_waiting(build), epochs * period)
    for row in np.flatnonzero(said < needed).tolist():
        what = "a pass of its chips, which poll," if polled[row] else "an epoch and the start-up of its chips"
        least = f"takes {needed[row]} at least"
        what = ("its own window" if in_flight(build) > 1 else "the period of its frame") if repeats[row] else what
        message = f"segment {row}: waiting_cycles is {said[row]}, but {what} {least}"
        yield Violation(RULE, message, rows_of(build.segments, row))


def segment_depths(build: Build) -> Integers:
    """Return the depth of the tree of the chips and relays of each segment."""
    depth, graph = build.chips.hac_depth, build.graph
    members = [[chip for group in graph.groups_of(row) for chip in group.members] for row in range(len(build.segments))]
    return np.array([depth[chips].max(initial=0) for chips in members], dtype=np.int64)


def _levels(build: Build) -> Integers:
    return segment_depths(build) if limits_of(build).align else np.zeros(len(build.segments), dtype=np.int64)

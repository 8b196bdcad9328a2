"""R9 deskew, second part: what a segment waits for its time zero is no less than what it waits for.

Chips that poll run the ingress of a segment and its all-gather again and again; rows that come just too late wait for
a whole pass. A pass takes whole epochs of the counter, and holds on each link the slots of what operators at hosts
leave, the vector of flags of every host where chips pass such slots on, and one vector on the lane of a host. Chips
that do not poll wait for an epoch and, where clocks align, start up at one more for each level of their tree at least.
Where a frame repeats, what comes just too late for a window waits for the next one, a period at least; a micro-batch
that owns windows waits for the next of its own (`reservations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.clock import limits_of
from lpxsched.verify.frames import turns
from lpxsched.verify.presence import pitches, slot_segments
from lpxsched.verify.reservations import in_flight, needed_waiting
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

RULE = "R9"


def waiting_violations(build: Build) -> Iterator[Violation]:
    """Yield segments that wait longer than they say."""
    said, polled, period = build.segments.waiting_cycles, polled_segments(build), limits_of(build).hac_period_cycles
    epochs = np.where(polled, np.maximum(-(-_loads(build) // period), 1), 1 + _levels(build))
    repeats = turns(build).period[:-1]
    needed = np.where(repeats > 0, needed_waiting(build), epochs * period)
    for row in np.flatnonzero(said < needed).tolist():
        what = "a pass of its chips, which poll," if polled[row] else "an epoch and the start-up of its chips"
        least = f"takes {needed[row]} at least"
        what = ("its own window" if in_flight(build) > 1 else "the period of its frame") if repeats[row] else what
        message = f"segment {row}: waiting_cycles is {said[row]}, but {what} {least}"
        yield Violation(RULE, message, rows_of(build.segments, row))


def polled_segments(build: Build) -> Flags:
    """Return whether the chips of each segment poll its hosts for rows."""
    resident, graph = build.chips.resident, build.graph
    groups = [graph.groups_of(segment) for segment in range(len(build.segments))]
    polled = [any(group.hosts and resident[group.chips].any() for group in of_segment) for of_segment in groups]
    return np.array(polled, dtype=np.bool_)


def segment_depths(build: Build) -> Integers:
    """Return the depth of the tree of the chips and relays of each segment."""
    depth, graph = build.chips.hac_depth, build.graph
    members = [[chip for group in graph.groups_of(row) for chip in group.members] for row in range(len(build.segments))]
    return np.array([depth[chips].max(initial=0) for chips in members], dtype=np.int64)


def _levels(build: Build) -> Integers:
    return segment_depths(build) if limits_of(build).align else np.zeros(len(build.segments), dtype=np.int64)


def _loads(build: Build) -> NDArray[np.object_]:
    """Return the longest time that a pass of each segment holds one link, in cycles."""
    slots, links, host = build.slots, build.links, build.chips.host
    numerator, denominator = pitches(build)
    segment = slot_segments(build)
    entering = np.flatnonzero((segment >= 0) & host[build.tensors.chip[slots.tensor]])
    pair, place = np.unique(segment[entering] * len(links) + slots.link[entering], return_inverse=True)
    segment, link = np.divmod(pair, max(len(links), 1))
    # Each time fits into int64, their sums need not.
    held = np.zeros(len(pair), dtype=object)
    np.add.at(held, place, -(-slots.vectors * numerator[slots.link] // denominator[slots.link])[entering])
    of_segments = [build.graph.groups_of(row) for row in range(len(build.segments))]
    hosts = np.array(
        [len({host for group in groups for host in group.hosts}) for groups in of_segments], dtype=np.int64
    )[segment]
    # Flags go the way of the rows: from a host its own, between chips those of all hosts, to a host none.
    flags = np.where(host[links.src[link]], 1, np.where(host[links.dst[link]], 0, hosts))
    held += -(-flags * numerator[link] // denominator[link])
    loads = np.zeros(len(build.segments), dtype=object)
    np.maximum.at(loads, segment, held)
    return loads

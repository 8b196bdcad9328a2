"""What follows from the columns of a build: segments of slots, which are polled, how long vectors hold a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

EVERY_SLOT = slice(None)


def slot_segments(build: Build) -> Integers:
    """Return the segment of each slot, shape (slots,): that of the operator which produced its tensor.

    `NONE` where none did, which only a broken build has.
    """
    producer = build.tensors.producer[build.slots.tensor]
    # A tensor without a producer asks for the row -1, which is this last one.
    return np.append(build.operators.segment, NONE)[producer]


def polled_segments(build: Build) -> Flags:
    """Return whether the chips of each segment poll its hosts, shape (segments,): on demand, and able to branch."""
    groups = [build.graph.groups_of(segment) for segment in range(len(build.segments))]
    resident = build.chips.resident
    polled = [any(group.hosts and resident[group.chips].any() for group in mine) for mine in groups]
    on_demand: Flags = build.frames.period_cycles[build.segments.frame] == 0
    return on_demand & np.array(polled, dtype=np.bool_)


def pitch_numerators(build: Build) -> Integers:
    """Return the cycles for which each vector of a slot holds its link, over ``vector_time_denominator``.

    v on pipelined wires; on busy wires a vector holds the link until it is through, v + latency.
    """
    links = build.links
    waits = links.latency_cycles * links.vector_time_denominator
    return links.vector_time_numerator + (waits if build.manifest.wire == "busy" else 0)


def held_cycles(build: Build, rows: Integers | slice = EVERY_SLOT) -> Integers:
    """Return the whole cycles for which slots hold their links, up to the next whole one; shape (rows,)."""
    link, vectors = build.slots.link[rows], build.slots.vectors[rows]
    return -(-vectors * pitch_numerators(build)[link] // build.links.vector_time_denominator[link])

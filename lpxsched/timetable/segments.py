"""Which segment a slot belongs to, and of which segments chips poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers


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

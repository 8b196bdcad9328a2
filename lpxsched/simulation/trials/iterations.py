"""Which iterations of a frame that repeats a run follows: those between two deskews, or the last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build

# Slots of all iterations of frames beyond which the first iterations are left out.
MOST_ROWS = 200_000


def iterations(build: Build, timeline: Timeline) -> tuple[Integers, Integers]:
    """Return the slots of all iterations that are run, and how much earlier each is than in the latest iteration.

    A frame that repeats runs from one deskew to the next; where that are too many slots, its last iterations, no fewer
    than are under way at once.
    """
    frame = build.segments.frame[timeline.segment]
    period = np.maximum(build.frames.period_cycles[frame], 1)
    repeats, aligned = build.frames.period_cycles[frame] > 0, np.isin(frame, build.deskews.frame)
    since = timeline.depart_cycles[0] - build.slots.depart[timeline.row]
    lasts = timeline.read + timeline.vectors * timeline.pitch_cycles - build.slots.depart[timeline.row]
    # Segments of a frame begin within a period of each other.
    at_once = 2 + int((lasts / period)[repeats].max(initial=0))
    most = max(at_once + 1, MOST_ROWS // max(int(repeats.sum()), 1))
    times = np.where(repeats, np.minimum(np.where(aligned, np.maximum(since, 0) // period + 1, at_once), most), 1)
    slot = np.repeat(np.arange(timeline.slots), times)
    number = np.arange(len(slot)) - np.repeat(np.cumsum(times) - times, times)
    return slot, number * period[slot]

"""How many vectors wait in the deskew buffer of a link at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.simulation.propagation import Floats
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

STEPS_PER_CYCLE = 1_000_000


def most_waiting(build: Build, timeline: Timeline, slack_cycles: Floats) -> int:
    """Return the largest number of vectors between arrival and read on one link.

    A vector waits during [arrival, read); one that arrives earlier waits longer and all others as before, so
    the earliest arrivals give the most of all runs. Of a frame that repeats all iterations of all its segments count.

    Parameters
    ----------
    build : Build
    timeline : Timeline
    slack_cycles : ndarray of float64, shape (2, slots)
        Time from arrival to read of the first and last vector of each slot.
    """
    slot = np.repeat(np.arange(timeline.slots), timeline.vectors)
    index = np.arange(len(slot)) - np.repeat(np.cumsum(timeline.vectors) - timeline.vectors, timeline.vectors)
    growth = (slack_cycles[1] - slack_cycles[0]) / np.maximum(timeline.vectors - 1, 1)
    read = timeline.read[slot] + index * timeline.pitch_cycles[slot]
    arrival = read - slack_cycles[0][slot] - index * growth[slot]
    # Whole steps, so that a vector which arrives just when another is read never waits beside it by rounding.
    steps = np.rint(np.stack([arrival, read]) * STEPS_PER_CYCLE).astype(np.int64)
    waits = np.flatnonzero(steps[0] < steps[1])
    segment, (begin, end) = timeline.segment[slot[waits]], steps[:, waits]
    frame = build.segments.frame[segment]
    period, phase = build.frames.period_cycles[frame], build.segments.phase_cycles[segment]
    # Segments of one frame that repeats wait beside each other, others by themselves.
    owner = np.where(period > 0, -1 - frame, segment)
    holder = np.unique(np.stack([timeline.link[slot[waits]], owner]), axis=1, return_inverse=True)[1].reshape(-1)
    since = begin + phase * STEPS_PER_CYCLE
    return _most(*_folded(holder, since, since + end - begin, period * STEPS_PER_CYCLE))


def _folded(
    holder: Integers, begin: Integers, end: Integers, period: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return holder, begin and end of intervals modulo their periods (0: none), and how many last always a holder."""
    repeats, whole = period > 0, np.maximum(period, 1)
    always = np.zeros(1 + int(holder.max(initial=0)), dtype=np.int64)
    np.add.at(always, holder[repeats], ((end - begin) // whole)[repeats])
    first = np.where(repeats, begin % whole, begin)
    last = first + np.where(repeats, (end - begin) % whole, end - begin)
    # What reaches beyond the period is there when it begins.
    again = np.flatnonzero(repeats & (last > period))
    return (
        np.concatenate([holder, holder[again]]),
        np.concatenate([first, np.zeros_like(again)]),
        np.concatenate([np.where(repeats, np.minimum(last, period), last), (last - period)[again]]),
        always,
    )


def _most(holder: Integers, begin: Integers, end: Integers, always: Integers) -> int:
    """Return the most intervals that any holder has at once, with those that last always."""
    who, change = np.tile(holder, 2), np.repeat([-1, 1], len(holder))
    order = np.lexsort((change, np.concatenate([end, begin]), who))
    at_once = np.cumsum(change[order]) + always[who[order]]
    return max(int(at_once.max(initial=0)), int(always.max()))

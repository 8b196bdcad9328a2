"""How many vectors wait in the deskew buffer of a link at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.simulation.propagation import Floats
    from lpxsched.simulation.timeline import Timeline

STEPS_PER_CYCLE = 1_000_000


def most_waiting(timeline: Timeline, slack_cycles: Floats) -> int:
    """Return the largest number of vectors between arrival and read on one link.

    A vector waits during [arrival, read); one that arrives earlier waits longer and all others as before, so
    the earliest arrivals give the most of all runs.

    Parameters
    ----------
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
    steps = np.rint(np.stack([read, arrival]) * STEPS_PER_CYCLE).astype(np.int64)
    waits = steps[1] < steps[0]
    slot, time = np.tile(slot[waits], 2), steps[:, waits].ravel()
    change = np.repeat([-1, 1], int(waits.sum()))
    order = np.lexsort((change, time, timeline.segment[slot], timeline.link[slot]))
    return int(np.cumsum(change[order]).max(initial=0))

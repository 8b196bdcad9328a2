"""Trials on random clocks, a few at a time so that they stay in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.drift import Numbers, draw_clocks, slot_clocks
from lpxsched.simulation.egress import latency_cycles
from lpxsched.simulation.propagation import slack_cycles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.egress import Egress
    from lpxsched.simulation.propagation import Floats, Limits
    from lpxsched.simulation.timeline import Timeline

NUMBERS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What some trials showed.

    Attributes
    ----------
    slack_cycles : ndarray of float64, shape (trials, slots)
        The lesser slack of the first and the last vector of each slot.
    latency_cycles : ndarray of float64, shape (trials,)
        True time of all segments, one after the other.
    """

    slack_cycles: Floats
    latency_cycles: Floats


def run_trials(
    timeline: Timeline, egress: Egress, alignment: Alignment, limits: Limits, *, trials: int, seed: int
) -> Iterator[Observation]:
    """Yield what random clocks do to a timeline; equal seeds give equal trials.

    Parameters
    ----------
    timeline : Timeline
    egress : Egress
    alignment : Alignment
    limits : Limits
    trials, seed : int
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    deskews, segments = len(alignment.segment), len(alignment.first)
    numbers = Numbers(alignment.nodes, deskews, timeline.slots, len(egress.node), segments)
    step = max(1, NUMBERS_AT_ONCE // numbers.total)
    for done in range(0, trials, step):
        clocks = draw_clocks(generator, min(step, trials - done), numbers, alignment, limits)
        slack = slack_cycles(timeline, slot_clocks(timeline, clocks), limits.crossing_cycles)
        yield Observation(slack.min(axis=1), latency_cycles(egress, clocks, limits))

"""Clocks chosen against every slot by itself: both ends stand at the worst corner of the specification."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.propagation import SlotClocks, slack_cycles

if TYPE_CHECKING:
    from lpxsched.simulation.propagation import Floats, Limits
    from lpxsched.simulation.timeline import Timeline


def latest_arrivals(timeline: Timeline, limits: Limits) -> Floats:
    """Return the slack of the first and last vector of each slot at its worst; shape (2, slots).

    The sender is aligned late, the root ends later deskews early, the link takes all of its jitter; of the
    corners of both frequencies the worst is taken (slow sender, fast receiver unless a vector arrives before
    a deskew).
    """
    rho, residual = float(limits.rho), float(limits.residual_cycles)
    misalignment = timeline.levels * residual - timeline.apart_cycles / (1 + rho)
    slack: Floats = _corners(timeline, limits, misalignment, float(limits.delay_cycles)).min(axis=0)
    return slack


def earliest_arrivals(timeline: Timeline, limits: Limits) -> Floats:
    """Return the slack of the first and last vector of each slot at its largest; shape (2, slots)."""
    rho, residual = float(limits.rho), float(limits.residual_cycles)
    misalignment = -timeline.levels * residual - timeline.apart_cycles / (1 - rho)
    slack: Floats = _corners(timeline, limits, misalignment, 0.0).max(axis=0)
    return slack


def _corners(timeline: Timeline, limits: Limits, misalignment: Floats, delay_cycles: float) -> Floats:
    """Return the slack for each choice of both frequencies; shape (4, 2, slots)."""
    rho = float(limits.rho)
    rates = np.array(list(product((1 - rho, 1 + rho), repeat=2)))[:, :, np.newaxis, np.newaxis]
    clocks = SlotClocks(rates[:, 0], rates[:, 1], misalignment, np.array(delay_cycles))
    return slack_cycles(timeline, clocks, limits.crossing_cycles)

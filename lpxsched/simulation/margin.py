r"""The slack that no run within the specification falls short of, in exact arithmetic.

Let P be the time from the sender's deskew to the end of the serialisation of vector k, R from the receiver's
deskew to its read, D from the one deskew to the other (0 for most slots), L the latency, J the delay of the
link, e the difference of the two alignments, Q the crossing. From the formulas of `lpxsched.simulation` the
vector arrives

    B = e + P / (1 + delta_src) - D / (1 + delta_root) + L + J

after the receiver's deskew in true time, and its slack is R - (1 + delta_dst) B - Q. The errors are free of
each other within their limits: |delta| <= rho, |e| <= levels x residual, 0 <= J <= jitter + temperature. B is
largest when e and J are, P goes by a slow clock and D by a fast one:

    B_max = levels residual + P / (1 - rho) - D / (1 + rho) + L + J_max

and (1 + delta_dst) B <= B_max + rho |B_max|, since the left side is linear in delta_dst. So

    slack >= R - B_max - rho |B_max| - Q,

with equality for the clocks just chosen. Written out for D = 0, where no term is dropped and none is added,

    slack >= (R - P - L) - [levels residual + J_max + Q + 2 rho P / (1 - rho) + rho (B_max - P / (1 - rho))],

and the two drift terms are at most 2 rho R / (1 - rho) wherever the right side is not negative: to first
order the 2 rho T of the guard; the rest, 2 rho^2 T / (1 - rho), stays below 0.03 cycles for 100 ppm and a
million cycles. When D is not 0, the root is taken for a third node; where it is the sender, that costs
2 rho D / (1 - rho) at most.

The bound of vector k is the least of functions linear in k, hence concave, hence least at the first or last
vector.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.simulation.propagation import Limits
    from lpxsched.simulation.timeline import Timeline


def proven_slack_cycles(timeline: Timeline, limits: Limits) -> Fraction:
    """Return the least slack of all slots over all clocks within the limits, in cycles.

    Rationals are brought to whole numbers of Python by their common denominators: a cycle is counted as
    `unit`, and 1 / (1 -+ rho) = b (b +- a) / (b^2 - a^2) for rho = a / b.
    """
    a, b = limits.rho.numerator, limits.rho.denominator
    square = b * b - a * a
    unit = _common_unit(timeline, limits)
    sent, due = _exact_times(timeline, unit)
    apart = timeline.apart_cycles.astype(object) * unit
    wires = timeline.latency_cycles.astype(object) * unit + int(limits.delay_cycles * unit)
    wires = wires + timeline.levels.astype(object) * int(limits.residual_cycles * unit)
    latest = square * wires + b * (b * sent + a * np.abs(sent)) - b * (b - a) * apart
    slack = b * square * (due - limits.crossing_cycles * unit) - (b * latest + a * np.abs(latest))
    return Fraction(int(slack.min()), b * square * unit)


def _common_unit(timeline: Timeline, limits: Limits) -> int:
    """Return the number of parts of a cycle in which all times are whole."""
    vector_times = np.unique(timeline.denominator).tolist()
    return lcm(*vector_times, limits.residual_cycles.denominator, limits.delay_cycles.denominator)


def _exact_times(timeline: Timeline, unit: int) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return P and R of the first and last vector of each slot, in parts of a cycle."""
    scale = unit // timeline.denominator.astype(object)
    vector_time = timeline.vector_time_numerator.astype(object) * scale
    pitch = timeline.pitch_numerator.astype(object) * scale
    index = timeline.index.astype(object)
    sent = timeline.depart_cycles.astype(object) * unit + index * pitch + vector_time
    due = timeline.read_cycles.astype(object) * unit + index * pitch
    return sent, due

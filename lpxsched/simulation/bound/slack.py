"""The slack that no run within the specification falls short of; the terms are derived in ``docs/bound.md``.

Let P be the time from the sender's deskew to the end of the serialisation of vector k, R from the receiver's deskew to
its read, D from the one deskew to the other (0 for most slots), L the latency, J the most that the link may take
longer, Q the crossing, and X(T) how far one clock strays from its mean rate in T. A vector arrives at most

    B = levels residual + X(P) + X(R - Q) + X(D) + P / slow - D / fast + L + J

after the receiver's deskew in true time, and its slack is at least R - max(slow B, fast B) - Q. Where both ends count
with one oscillator and were aligned at once, rates and strays cancel but on the way:

    slack >= R - P - max(slow C, fast C) - Q,    C = levels residual + X(R - P) + rho' P (R - P) + L + J.

But for X the slack of vector k is the least of functions linear in k, hence concave, hence least at the first or last
vector; X grows with k, so that of the last vector is taken for both.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lpxsched.simulation.limits import Floats, Limits
    from lpxsched.simulation.timeline import Timeline

# Far above what float64 rounds in a slack, which only says where to reckon exactly.
ROUNDING_CYCLES = 1e-5


class Tightest(NamedTuple):
    """The least slack, exactly, the place of its slot in the timeline, and its vector."""

    slack_cycles: Fraction
    slot: int
    vector: int


def slacks_cycles(timeline: Timeline, limits: Limits) -> Floats:
    """Return the least slack of the first and last vector of each slot, shape (2, slots), in float64."""
    slow, fast = float(limits.slow), float(limits.fast)
    sent, due, apart = timeline.sent_cycles, timeline.due_cycles, timeline.apart_cycles
    wires = timeline.latency_cycles + np.array([float(delay) for delay in limits.delays_cycles])[timeline.delay]
    steady = wires + timeline.levels * float(limits.residual_cycles)
    read = limits.wanders_cycles(due[1] - limits.crossing_cycles)
    strays = limits.wanders_cycles(sent[1]) + read + limits.wanders_cycles(apart[1])
    late = steady + strays + np.where(sent >= 0, sent / slow, sent / fast) - apart / fast
    own = due - np.maximum(slow * late, fast * late)
    ramped = float(limits.ramp) * np.abs((due[1] - sent[1]) * sent[1])
    joint = steady + limits.wanders_cycles(due[1] - sent[1]) + ramped
    together = due - sent - np.maximum(slow * joint, fast * joint)
    found: Floats = np.where(timeline.shared & (apart == 0), together, own) - limits.crossing_cycles
    return found


def largest_slacks_cycles(timeline: Timeline, limits: Limits) -> Floats:
    """Return the largest slack of the first and last vector of each slot, shape (2, slots), in float64."""
    slow, fast = float(limits.slow), float(limits.fast)
    sent, due, apart = timeline.sent_cycles, timeline.due_cycles, timeline.apart_cycles
    strays = limits.wanders_cycles(sent[1]) + limits.wanders_cycles(due[1]) + limits.wanders_cycles(apart[1])
    errors = float(limits.early_cycles) + timeline.levels * float(limits.residual_cycles) + strays
    early = timeline.latency_cycles - errors + np.where(sent >= 0, sent / fast, sent / slow) - apart / slow
    found: Floats = due - np.minimum(slow * early, fast * early)
    return found


def tightest(timeline: Timeline, limits: Limits) -> Tightest:
    """Return the least slack of all slots over all clocks within the limits."""
    slacks = slacks_cycles(timeline, limits)
    vector, slot = np.nonzero(slacks <= slacks.min() + 2 * ROUNDING_CYCLES)
    order = np.lexsort((vector, timeline.row[slot]))
    columns = _columns(timeline, vector[order], slot[order])
    # Equal numbers give equal slacks, of which the first is told.
    kinds, first = np.unique(columns, axis=1, return_index=True)
    found = [(_exact(limits, *kind), place) for kind, place in zip(kinds.T.tolist(), first.tolist(), strict=True)]
    slack, place = min(found)
    at = int(slot[order][place])
    return Tightest(slack, at, int(timeline.index[vector[order][place], at]))


def _columns(timeline: Timeline, vector: np.ndarray, slot: np.ndarray) -> np.ndarray:
    names = ("latency_cycles", "delay", "vector_time_numerator", "pitch_numerator", "denominator", "vectors")
    ends = ("index", "depart_cycles", "read_cycles", "apart_cycles", "levels")
    together = timeline.shared[slot].astype(np.int64)
    return np.stack(
        [
            *(getattr(timeline, name)[slot] for name in names),
            *(getattr(timeline, name)[vector, slot] for name in ends),
            together,
        ]
    )


def _exact(limits: Limits, *numbers: int) -> Fraction:
    latency, delay, vector_time, pitch, parts, vectors, index, depart, read, apart, levels, together = numbers
    passed, left = Fraction(index * pitch, parts), Fraction((vectors - 1 - index) * pitch, parts)
    sent, due = depart + passed + Fraction(vector_time, parts), read + passed
    steady = latency + limits.delays_cycles[delay] + levels * limits.residual_cycles
    if together and not apart:
        ramped = limits.ramp * abs((due - sent) * (sent + left))
        joint = steady + limits.wander_cycles(abs(due - sent)) + ramped
        return due - sent - max(limits.slow * joint, limits.fast * joint) - limits.crossing_cycles
    times = sent + left, due + left - limits.crossing_cycles, Fraction(apart)
    strays = sum(limits.wander_cycles(abs(time)) for time in times)
    late = steady + strays + sent / (limits.slow if sent >= 0 else limits.fast) - apart / limits.fast
    return due - max(limits.slow * late, limits.fast * late) - limits.crossing_cycles

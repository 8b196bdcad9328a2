"""Clocks chosen against one slot: the whole machine runs on them, and every one keeps its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.bound.slack import slacks_cycles
from lpxsched.simulation.trials.clocks import clocks_of, slowest_phase, sum_along_tree, ways_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Floats, Limits
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.timetable.columns import Integers

# Slots against which clocks are chosen: of each class of links the tightest, and the tightest of all.
MOST_SLOTS = 48


def attacks(timeline: Timeline, alignment: Alignment, limits: Limits) -> Iterator[NodeClocks]:
    """Yield clocks against the slots that look worst: of each pair of ends the tightest, the worst pairs first."""
    slacks = attained_cycles(timeline, limits)
    order = np.argsort(slacks, kind="stable")
    _, first = np.unique(timeline.link[order], return_index=True)
    for place in np.sort(first)[:MOST_SLOTS].tolist():
        yield against(timeline, int(order[place]), alignment, limits)


def attained_cycles(timeline: Timeline, limits: Limits) -> Floats:
    """Return the slack that clocks chosen against each slot leave of its last vector, shape (slots,), or nearly.

    The bound takes for the swing of a spread clock the most on the way; what has swung back by then nobody reaches.
    """
    spans = timeline.sent_cycles[1], timeline.due_cycles[1] - limits.crossing_cycles, timeline.apart_cycles[1]
    back = sum(limits.wanders_cycles(span) - limits.swings_cycles(span) for span in spans)
    found: Floats = slacks_cycles(timeline, limits).min(axis=0) + float(limits.fast) * np.where(
        timeline.shared & (timeline.apart_cycles[1] == 0), 0.0, back
    )
    return found


def against(timeline: Timeline, slot: int, alignment: Alignment, limits: Limits) -> NodeClocks:
    """Return the clocks on which the last vector of a slot comes as late as any: a late, slow sender, a fast receiver.

    Where a deskew lies between departure and read, the root's clock is fast if it is neither end.
    """
    timeline = timeline.only(slot)
    src, dst, nodes = int(timeline.src[0]), int(timeline.dst[0]), alignment.nodes
    shared = alignment.oscillator == alignment.oscillator[src]
    slow, fast = float(limits.slow), float(limits.fast)
    apart = int(timeline.src_deskew[1, 0]) != int(timeline.dst_deskew[1, 0])
    # With one oscillator for both ends, it is the time on the way that a fast one makes short.
    together = bool(shared[dst]) and not apart
    rate = np.where(shared & (not together), slow, fast)
    sent, due = float(timeline.sent_cycles[1, 0]), float(timeline.due_cycles[1, 0]) - limits.crossing_cycles
    phase = np.zeros(nodes)
    phase[alignment.oscillator == alignment.oscillator[dst]] = 0.5 + slowest_phase(limits, due)
    phase[shared] = _fastest_phase(limits, sent, due) if together else slowest_phase(limits, sent)
    # The phase is told for the first deskew of the segment.
    phase -= np.where(shared, _passed(timeline.src_deskew, alignment, limits), 0.0)
    phase -= np.where(shared, 0.0, _passed(timeline.dst_deskew, alignment, limits))
    ramp = np.where(shared & (not together), -1.0, 1.0) * float(limits.ramp)
    error = np.zeros((len(alignment.segment), nodes))
    residual, from_deskew, to_deskew = (
        float(limits.residual_cycles),
        int(timeline.src_deskew[1, 0]),
        int(timeline.dst_deskew[1, 0]),
    )
    late, early = ways_apart(alignment, src, dst, apart=apart)
    error[from_deskew, late] = residual
    error[to_deskew, early] = -residual
    return clocks_of(alignment, limits, 1 / rate, phase, ramp, sum_along_tree(error, alignment), 1.0)


def _fastest_phase(limits: Limits, sent_cycles: float, due_cycles: float) -> float:
    """Return the phase with which a clock is fastest between two cycles: half a turn from where it is slowest."""
    middle = (sent_cycles + due_cycles) / 2
    return 0.5 - float(limits.spread_rate) * middle


def _passed(deskew: Integers, alignment: Alignment, limits: Limits) -> float:
    return float(limits.spread_rate) * float(alignment.elapsed_cycles[deskew[1, 0]])

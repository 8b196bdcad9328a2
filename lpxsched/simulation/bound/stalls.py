"""Deskews: how long clocks ran apart before each, and by how much its stall exceeds what they may disagree by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.timeline import produced_segments
from lpxsched.timetable.derived import polled_segments

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Limits
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Stalls:
    """Kinds of deskews: equal ones are told once, by the first of them.

    Attributes
    ----------
    deskew, frame, stall_cycles, interval_cycles, depth : ndarray of int64, shape (kinds,)
        `interval_cycles` is the longest time since the deskew before, `depth` that of the chips of the frame.
    drifts : ndarray of bool, shape (kinds,)
        Not all of a frame count with the oscillator of their root.
    deskew_cycles : int
        What a deskew costs beyond the time by which clocks disagree.
    half_period : Fraction
        The drift and the residuals stay below half the period of the counter.
    """

    deskew: Integers
    frame: Integers
    stall_cycles: Integers
    interval_cycles: Integers
    depth: Integers
    drifts: Flags
    deskew_cycles: int
    half_period: Fraction

    @property
    def longest_interval(self) -> int:
        """The longest time between two deskews of one frame."""
        return int(self.interval_cycles.max(initial=0))

    def least_spare_cycles(self, limits: Limits, extra_cycles: int = 0) -> tuple[Fraction, int]:
        """Return what is left of stalls and half periods at least, and the deskew; below 0 where it is too little.

        Parameters
        ----------
        limits : Limits
        extra_cycles : int
            By how much longer clocks run apart before each.
        """
        columns = self.stall_cycles, self.interval_cycles, self.depth, self.drifts, self.deskew
        found = []
        for stall, interval, depth, drifts, deskew in zip(*(column.tolist() for column in columns), strict=True):
            drift = limits.drift_cycles(interval + extra_cycles) if drifts else 0
            apart = drift + 2 * depth * limits.residual_cycles
            found.append((min(stall - self.deskew_cycles - apart, self.half_period - apart), deskew))
        return min(found, default=(Fraction(2 * self.half_period), -1))


def read_stalls(build: Build, alignment: Alignment, clock: ClockSpecification, runs_cycles: Integers) -> Stalls:
    """Return the deskews of a build.

    Parameters
    ----------
    build : Build
    alignment : Alignment
    clock : ClockSpecification
    runs_cycles : ndarray of int64, shape (segments,)
        From the time zero of each segment until nothing of it goes on.
    """
    deskews, frames = build.deskews, build.frames
    interval = np.zeros(len(deskews), dtype=np.int64)
    depth = np.zeros(len(frames), dtype=np.int64)
    for segment, frame in enumerate(build.segments.frame.tolist()):
        chips = [chip for group in build.graph.groups_of(segment) for chip in group.members]
        depth[frame] = max(depth[frame], int(alignment.tree.depth[chips].max(initial=0)))
    # A program that is started has just been aligned.
    ran = runs_cycles, build.segments.waiting_cycles * polled_segments(build)
    for frame in np.unique(deskews.frame).tolist():
        mine = np.flatnonzero(deskews.frame == frame)
        repeats = frames.period_cycles[frame] > 0
        interval[mine] = _in_rounds(build, frame, mine) if repeats else _on_demand(build, frame, mine, *ran)
    told = np.stack([deskews.stall, interval, depth[deskews.frame], _drifting(build, alignment)[deskews.frame]])
    (stall, longest, levels, drifts), first = np.unique(told, axis=1, return_index=True)
    half, cost = Fraction(clock.hac_period_cycles.value, 2), clock.deskew_cycles.value
    return Stalls(first, deskews.frame[first], stall, longest, levels, drifts > 0, cost, half)


def _drifting(build: Build, alignment: Alignment) -> Flags:
    """Return the frames in which chips, their root or lanes that send to them count with different oscillators."""
    oscillator, root, drifts = alignment.oscillator, alignment.root, np.zeros(len(build.frames), dtype=np.bool_)
    for segment, frame in enumerate(build.segments.frame.tolist()):
        chips = np.array([chip for group in build.graph.groups_of(segment) for chip in group.members], dtype=np.int64)
        drifts[frame] |= (oscillator[chips] != oscillator[root[chips]]).any()
        drifts[frame] |= len(np.unique(oscillator[root[chips]])) > 1
    sent = np.flatnonzero(build.chips.host[build.links.src[build.slots.link]])
    drifts[build.segments.frame[produced_segments(build, sent)]] = True
    return drifts


def _on_demand(build: Build, frame: int, mine: Integers, runs_cycles: Integers, passes_cycles: Integers) -> Integers:
    """Return the time before each deskew of a frame on demand; before the first lie a run of a segment and a pass."""
    begin, end = build.deskews.cycle[mine], (build.deskews.cycle + build.deskews.stall)[mine]
    ran = [
        max(int(runs_cycles[segment] - end[-1]), 0) + int(passes_cycles[segment])
        for segment in np.flatnonzero(build.segments.frame == frame).tolist()
    ]
    return np.append(max(ran, default=0), begin[1:] - end[:-1])


def _in_rounds(build: Build, frame: int, mine: Integers) -> Integers:
    """Return the longest time before each deskew of a frame that repeats, over a round of its windows."""
    deskews, period, windows = build.deskews, int(build.frames.period_cycles[frame]), int(build.frames.windows[frame])
    times = windows // deskews.every_periods[mine]
    row = np.repeat(np.arange(len(mine)), times)
    number = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    begin = deskews.cycle[mine][row] + number * deskews.every_periods[mine][row] * period
    order = np.argsort(begin, kind="stable")
    end = (begin + deskews.stall[mine][row])[order]
    before = np.append(end[-1] - windows * period, end[:-1])
    longest = np.zeros(len(mine), dtype=np.int64)
    np.maximum.at(longest, row[order], begin[order] - before)
    return longest

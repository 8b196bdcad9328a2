"""How long segments, frames and a step take at worst, in ns, while all clocks keep their specification."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import fastest_rate, slowest_rate
from lpxsched.clocks.latency import arrival_ns, segment_levels, segment_wander_cycles, worst_case_ns
from lpxsched.simulation.egress import segment_chips
from lpxsched.timetable.wires import pitch_numerators
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True)
class Latency:
    """Worst cases, in ns.

    Attributes
    ----------
    segments_ns : tuple of Fraction
        From the event to the last result of each segment.
    frames_ns : tuple of Fraction
        The segments of each frame, one after the other.
    step_ns : Fraction
        All segments, one after the other.
    """

    segments_ns: tuple[Fraction, ...]
    frames_ns: tuple[Fraction, ...]
    step_ns: Fraction


def latency_of(build: Build, alignment: Alignment, clock: ClockSpecification, clock_mhz: Fraction) -> Latency:
    """Return the worst cases of a build whose vectors are in time."""
    counts = np.bincount(alignment.segment, minlength=len(build.segments)).tolist()
    since = np.maximum(-alignment.end_cycle[alignment.first], 0).tolist()
    hosts = {operator.layer for operator in build.graph.operators if operator.ends and operator.place == "hosts"}
    arrival = arrival_ns(clock, clock_mhz, in_hop=build.manifest.guard_in_hop)
    segments = []
    for number, chips in enumerate(segment_chips(build)):
        waiting, makespan = (
            int(column[number]) for column in (build.segments.waiting_cycles, build.segments.makespan_cycles)
        )
        worst = worst_case_ns(
            clock,
            clock_mhz,
            waiting_cycles=[waiting],
            makespan_cycles=[makespan],
            levels=[segment_levels(alignment.tree, chips, deskews=counts[number])],
            arrivals_ns=Fraction(0) if hosts.isdisjoint(build.graph.segments[number].layers) else arrival,
        )
        segments.append(worst + _before_ns(clock, clock_mhz, waiting + makespan, since[number]))
    frames = [Fraction(0)] * len(build.frames)
    for frame, worst in zip(build.segments.frame.tolist(), segments, strict=True):
        frames[frame] += worst
    return Latency(tuple(segments), tuple(frames), sum(segments, Fraction(0)))


def runs_cycles(build: Build, segment: Integers, rows: Integers) -> Integers:
    """Return the time from the time zero of each segment until nothing of it goes on.

    Parameters
    ----------
    build : Build
    segment, rows : ndarray of int64, shape (slots to chips,)
        The slots whose reads count, and the segment of each.
    """
    slots, links, operators = build.slots, build.links, build.operators
    pitch = pitch_numerators(build)[slots.link[rows]]
    last_read = slots.read[rows] + (slots.vectors[rows] - 1) * pitch // links.vector_time_denominator[slots.link[rows]]
    runs = np.zeros(len(build.segments), dtype=np.int64)
    np.maximum.at(runs, operators.segment, operators.start + operators.cycles)
    np.maximum.at(runs, segment, last_read)
    return runs


def _before_ns(clock: ClockSpecification, clock_mhz: Fraction, lasting_cycles: int, since_cycles: int) -> Fraction:
    """Return what the drift between a deskew and the iteration of a frame that begins so long after it adds."""
    if not since_cycles:
        return Fraction(0)
    drift = since_cycles * (1 / slowest_rate(clock) - 1 / fastest_rate(clock))
    wander = segment_wander_cycles(clock, clock_mhz, lasting_cycles + since_cycles)
    return cycles_to_ns(drift + wander - segment_wander_cycles(clock, clock_mhz, lasting_cycles), clock_mhz)

"""How long segments, frames and a step take at worst, in ns, while all clocks keep their specification."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.clocks.latency import Run, arrival_ns, reserved_step_ns, segment_levels, worst_case_ns
from lpxsched.compiled.kernels import kernel
from lpxsched.simulation.bound.worst import Columns
from lpxsched.simulation.egress import read_egress, segment_chips
from lpxsched.verify.reservations import in_flight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.timetable.build import Build


Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Latency:
    """Worst cases, in ns.

    Attributes
    ----------
    segments_ns : tuple of Fraction
        From the event to the last result of each segment, of all windows in which it runs.
    frames_ns : tuple of Fraction
        The segments of each frame, one after the other.
    step_ns : Fraction
        All segments, one after the other.
    reserved_ns : Fraction or None
        In flight, from a window to the same one of the next step, what is assumed outside included; None else.
    """

    segments_ns: tuple[Fraction, ...]
    frames_ns: tuple[Fraction, ...]
    step_ns: Fraction
    reserved_ns: Fraction | None = None


def latency_of(build: Build, alignment: Alignment, clock: ClockSpecification, clock_mhz: Fraction) -> Latency:
    """Return the worst cases of a build whose vectors are in time."""
    hosts = {operator.layer for operator in build.graph.operators if operator.ends and operator.place == "hosts"}
    arrival = arrival_ns(clock, clock_mhz, in_hop=build.manifest.guard_in_hop)
    segments = []
    for number, (run, times) in enumerate(zip(_runs(build, alignment), build.graph.windows(), strict=True)):
        arrivals_ns = Fraction(0) if hosts.isdisjoint(build.graph.segments[number].layers) else arrival
        segments.append(times * worst_case_ns(clock, clock_mhz, [run], arrivals_ns=arrivals_ns))
    frames = [Fraction(0)] * len(build.frames)
    for frame, worst in zip(build.segments.frame.tolist(), segments, strict=True):
        frames[frame] += worst
    reserved_ns = _reserved_ns(build, alignment, clock, clock_mhz)
    return Latency(tuple(segments), tuple(frames), sum(segments, Fraction(0)), reserved_ns)


def _runs(build: Build, alignment: Alignment) -> Iterator[Run]:
    """Yield a run of each segment: in a frame that repeats the one that begins longest after its deskew."""
    egress, segments = read_egress(build, alignment), build.segments
    bounds = np.append(egress.first_end, len(egress.node))
    makespans, last = segments.makespan_cycles, alignment.deskew_before(segments.segment, segments.makespan_cycles)
    for number, chips in enumerate(segment_chips(build)):
        ends = egress.node[bounds[number] : bounds[number + 1]].tolist()
        first = int(alignment.first[number])
        yield Run(
            waiting_cycles=int(segments.waiting_cycles[number]),
            makespan_cycles=int(makespans[number]),
            levels=segment_levels(alignment.tree, chips, ends, deskews=1 + int(last[number]) - first),
            since_cycles=int(makespans[number] - alignment.end_cycle[last[number]]),
            before_cycles=max(-int(alignment.end_cycle[first]), 0),
        )


def _reserved_ns(build: Build, alignment: Alignment, clock: ClockSpecification, clock_mhz: Fraction) -> Fraction | None:
    """Return how long N P may take; None where no micro-batches share windows."""
    windows = build.frames.windows * build.frames.period_cycles
    if in_flight(build) == 1 or not windows.any():
        return None
    depth = int(alignment.tree.depth[sorted({chip for chips in segment_chips(build) for chip in chips})].max())
    return reserved_step_ns(clock, clock_mhz, step_cycles=int(windows.max()), depth=depth)


@kernel
def latest_reads(columns: Columns, runs: Integers) -> None:
    """Raise the end of each segment to the cycle of its last read."""
    for row in range(len(columns.link)):
        passed = int((columns.vectors[row] - 1) * columns.pitch[columns.link[row]])
        segment = columns.segment[row]
        runs[segment] = max(runs[segment], columns.read[row] + passed)


def runs_cycles(build: Build, columns: Columns) -> Integers:
    """Return the time from the time zero of each segment until nothing of it goes on."""
    runs, operators = np.zeros(len(build.segments), dtype=np.int64), build.operators
    np.maximum.at(runs, operators.segment, operators.start + operators.cycles)
    latest_reads(columns, runs)
    return runs

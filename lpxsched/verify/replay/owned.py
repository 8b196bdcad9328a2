"""Windows that micro-batches in flight own: whether rows are there when theirs opens, on perfect clocks.

After the window of a segment come its makespan, the way out, GPUs and the way in, each as long as it may be, and the
least window of the next segment from then on. After the last segment the micro-batch must be back for its own window
of the next step, N periods after that of this one. Two micro-batches own no window together.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.units import ceil_cycles, ns_to_cycles
from lpxsched.verify.outside import MOST, outside_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build


def in_flight(build: Build) -> int:
    """Return how many micro-batches a build says to hold; 1 where it says nothing that is a number."""
    told = build.manifest.results.get("in_flight", 1)
    return told if isinstance(told, int) and told > 1 else 1


def window_faults(build: Build) -> Iterator[str]:
    """Yield why micro-batches in flight do not find their rows in windows of their own."""
    if in_flight(build) == 1:
        return
    period, windows = int(build.frames.period_cycles.max(initial=0)), int(build.frames.windows.max(initial=0))
    residues = _numbers(build.manifest.results.get("residues"))
    if not period or not windows or len(residues) != in_flight(build):
        yield f"{in_flight(build)} micro-batches are in flight, and no windows of theirs are told"
        return
    owned = [residue % windows for residue in residues]
    for one in [number for number, residue in enumerate(owned) if residue in owned[:number]]:
        first = owned.index(owned[one])
        yield f"micro-batches {first} and {one} own one window, {owned[one]} modulo {windows}"
    back = _back(build, period)
    opens = int(build.segments.phase_cycles[0]) + windows * period
    if back > opens:
        yield f"a micro-batch is back {back} cycles after it began, its window of the next step opens after {opens}"


def _back(build: Build, period: int) -> int:
    """Return when a micro-batch whose first window is the first of its segment has its rows for the next step."""
    outside, clock_mhz = outside_of(build), Fraction(build.manifest.clock_mhz)
    rests = _numbers(build.manifest.results.get("rest_cycles"))
    rests = rests if len(rests) == len(build.segments) else [0] * len(build.segments)
    around = [0] * len(build.segments)
    if not isinstance(outside, str):
        ends = [attention[MOST] for attention in outside.attention]
        held = [*ends[1:-1], ends[-1] + ends[0]]
        into = [one[MOST] for one in (*outside.into[1:], outside.into[0])]
        stages = zip([one[MOST] for one in outside.out], held, into, strict=True)
        around = [sum(ceil_cycles(ns_to_cycles(one, clock_mhz)) for one in stage) for stage in stages]
    time = int(build.segments.phase_cycles[0])
    for segment, phase in enumerate(build.segments.phase_cycles.tolist()):
        time += (phase - time) % period if segment else 0
        time += int(build.segments.makespan_cycles[segment]) + int(rests[segment]) + around[segment]
    return time


def _numbers(told: Any) -> list[int]:
    """Return a list of whole numbers from 0 on; nothing where it is none."""
    right = isinstance(told, list) and all(isinstance(one, int) and one >= 0 for one in told)
    return told if right else []

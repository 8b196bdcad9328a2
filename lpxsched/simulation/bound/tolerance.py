"""How bad clocks may be before something of a build fails: frequency error, residual, time between deskews.

Each of the three is asked for with the others as they are. Slack, stalls and half periods shrink with each, and buffers
fill, so the largest value with which all hold is found by halving in float64, and confirmed exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.simulation.bound.slack import slacks_cycles, tightest
from lpxsched.simulation.bound.waiting import fullest
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.bound.stalls import Stalls
    from lpxsched.simulation.bound.waiting import Fullest
    from lpxsched.simulation.bound.worst import Walk
    from lpxsched.simulation.limits import Limits
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build

MOST_PPM = 100_000
# Steps in which a tolerance is told: a millionth of a ppm, of a ns.
PARTS = 1_000_000
MOST_CYCLES = 1 << 40


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a build must hold: its slots that may be the tightest, its deskews, its buffers.

    Attributes
    ----------
    aligned : bool
        All chips hang in a tree and deskew, so that they may drift at all.
    fullest : Fullest
        On clocks within the limits.
    """

    build: Build
    alignment: Alignment
    walk: Walk
    timeline: Timeline
    stalls: Stalls
    limits: Limits
    clock_mhz: Fraction
    aligned: bool
    fullest: Fullest


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest value with which all holds, and what fails first beyond it."""

    value: Fraction
    witness: dict[str, Any]


def with_ppm(case: Case) -> Tolerance:
    """Return the largest one-sided frequency error of all clocks, in ppm."""

    def at(step: int) -> tuple[Case, int]:
        return replace(case, limits=case.limits.at_ppm(Fraction(step, PARTS))), 0

    # Slower than nothing no clock runs.
    most = min(MOST_PPM, int(MOST_PPM * 10 * (1 - case.limits.slowdown)) - 1) * PARTS
    return _largest(case, at, most, PARTS)


def with_residual(case: Case) -> Tolerance:
    """Return the largest residual of a level, in ns."""

    def at(step: int) -> tuple[Case, int]:
        cycles = Fraction(step, PARTS) * case.clock_mhz / 1000
        return replace(case, limits=case.limits.at_residual(cycles)), 0

    return _largest(case, at, 10_000 * PARTS, PARTS)


def with_interval(case: Case) -> Tolerance:
    """Return the longest time between two deskews, in cycles: all that is done comes so much later after its deskew."""

    def at(step: int) -> tuple[Case, int]:
        return replace(case, timeline=_later(case.timeline, step)), step

    found = _largest(case, at, MOST_CYCLES, 1)
    return replace(found, value=found.value + case.stalls.longest_interval)


def _later(timeline: Timeline, cycles: int) -> Timeline:
    """Return slots that leave and are read so much later after their deskews; those across one, after the first."""
    across = timeline.apart_cycles != 0
    return replace(
        timeline,
        depart_cycles=timeline.depart_cycles + cycles,
        read_cycles=timeline.read_cycles + np.where(across, 0, cycles),
        apart_cycles=timeline.apart_cycles + np.where(across, cycles, 0),
    )


def _largest(case: Case, at: Callable[[int], tuple[Case, int]], most: int, parts: int) -> Tolerance:
    if not case.aligned:
        what = "no tree of counters holds all chips, as where clocks are perfect: clocks that drift never agree"
        reason = {"what": what}
        return Tolerance(Fraction(0), reason | _of_slot(case))
    if case.fullest.spare_vectors < 0:
        return Tolerance(Fraction(0), failing(case, 0))
    low, high = -1, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        holds = _holds_nearly(*at(middle))
        low, high = (middle, high) if holds else (low, middle)
    # Float64 may err by some steps to either side.
    while low >= 0 and not holds_exactly(*at(low)):
        low -= 1 + max(low - _first(at, low), 0)
    if low > most - 1:
        return Tolerance(Fraction(low, parts), {"what": "nothing fails up to here"} | _of_slot(at(low)[0]))
    return Tolerance(Fraction(max(low, 0), parts), failing(*at(low + 1)))


def _first(at: Callable[[int], tuple[Case, int]], low: int) -> int:
    """Return a step not above `low` from which on to look for one that holds exactly, by doubling downwards."""
    back = 1
    while low - back > 0 and not holds_exactly(*at(low - back)):
        back *= 2
    return max(low - back, 0) + 1


def _holds_nearly(case: Case, extra_cycles: int) -> bool:
    if case.limits.slow <= 0 or case.stalls.least_spare_cycles(case.limits, extra_cycles)[0] < 0:
        return False
    return bool(slacks_cycles(case.timeline, case.limits).min() >= 0)


def holds_exactly(case: Case, extra_cycles: int) -> bool:
    """Return whether no slot is late, no stall too short and no buffer too small."""
    if case.stalls.least_spare_cycles(case.limits, extra_cycles)[0] < 0:
        return False
    if tightest(case.timeline, case.limits).slack_cycles < 0:
        return False
    return _fullest(case).spare_vectors >= 0


def _fullest(case: Case) -> Fullest:
    return fullest(case.build, case.alignment, case.walk, case.limits, exactly=False)


def failing(case: Case, extra_cycles: int) -> dict[str, Any]:
    """Return what fails first, where something does: pair of chips, and slot or deskew or link."""
    late = tightest(case.timeline, case.limits)
    spare, deskew = case.stalls.least_spare_cycles(case.limits, extra_cycles)
    if late.slack_cycles < 0 and late.slack_cycles <= spare:
        return {"what": "a vector may be late"} | _of_slot(case)
    if spare < 0:
        return {"what": "clocks may disagree by more than the stall of a deskew"} | _of_deskew(case, deskew)
    link = _fullest(case).tight_link
    ends = [int(case.build.links.src[link]), int(case.build.links.dst[link])]
    return {"what": "a deskew buffer may overflow", "chips": ends, "link": link}


def _of_slot(case: Case) -> dict[str, Any]:
    """Return the tightest slot for a witness."""
    found, build = tightest(case.timeline, case.limits), case.build
    row = int(case.timeline.row[found.slot])
    link = int(build.slots.link[row])
    return {
        "chips": [int(build.links.src[link]), int(build.links.dst[link])],
        "segment": int(case.timeline.segment[found.slot]),
        "slot": row,
        "vector": found.vector,
        "link": link,
        "depart": int(build.slots.depart[row]),
        "read": int(build.slots.read[row]),
        "slack_cycles": round(float(found.slack_cycles), 6),
    }


def _of_deskew(case: Case, deskew: int) -> dict[str, Any]:
    """Return a deskew, and the root with the chip of its frame that lies farthest below: it waits for the root's time.

    Both alignments of that chip, before and after, may be off by all residuals of its way. A chip that is the root
    itself drifts against lanes of hosts alone.
    """
    build = case.build
    frame = int(build.deskews.frame[deskew]) if deskew != NONE else 0
    segments = np.flatnonzero(build.segments.frame == frame).tolist()
    chips = sorted({chip for segment in segments for group in build.graph.groups_of(segment) for chip in group.members})
    deepest = max(chips, key=lambda chip: (int(case.alignment.tree.depth[chip]), -chip))
    root = int(case.alignment.root[deepest])
    return {
        "chips": [deepest] if root == deepest else [deepest, root],
        "frame": frame,
        "deskew": deskew,
        "cycle": int(build.deskews.cycle[deskew]),
        "stall": int(build.deskews.stall[deskew]),
        "slot": _of_slot(case)["slot"],
    }

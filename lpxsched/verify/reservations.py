"""R9 deskew, fourth part: micro-batches in flight own windows, and each is back for its next one in time.

Each of m micro-batches owns one residue modulo the N windows of its frame, no gap. From a window it is back after

    D = makespan + stall + (assumed + late + crossing / slowest) fastest + stray

cycles at most: clocks of two chips disagree by less than the stall of a deskew, and the fastest clock counts the most
cycles while rows are outside of the fabric, those by which it strays from its mean rate included. Where N P >= D nobody
misses a window of his own, so a step takes N P at most, and whose delays keep their maxima waits N P - D.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.units import ceil_cycles, cycles_to_ns, exact, ns_to_cycles
from lpxsched.verify.clock import limits_of
from lpxsched.verify.violation import MANIFEST_FILE, Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R9"


def in_flight(build: Build) -> int:
    """Return how many micro-batches a build says to hold; 1 where it says nothing, or nothing that is judged."""
    told = build.manifest.results.get("in_flight", 1)
    return told if _is_count(told) else 1


def visit_cycles(build: Build) -> int:
    """Return D of a build of one segment in a frame that repeats."""
    limits, assumed = limits_of(build), build.manifest.results.get("assumed_high_ns", 0)
    outside = ns_to_cycles(exact(assumed if _is_time(assumed) else 0), Fraction(build.manifest.clock_mhz))
    outside += limits.late_cycles + limits.crossing_cycles / limits.slowest
    stall = int(build.deskews.stall.max(initial=0))
    counted = ceil_cycles(outside * limits.fastest + limits.wander_cycles(ceil_cycles(outside)))
    return int(build.segments.makespan_cycles[0]) + stall + counted


def step_cycles(build: Build) -> int:
    """Return N P of the first frame."""
    return int(build.frames.windows[0] * build.frames.period_cycles[0])


def reservation_violations(build: Build) -> Iterator[Violation]:
    """Yield what keeps micro-batches in flight from windows of their own, and steps that are told too short."""
    results, told = build.manifest.results, build.manifest.results.get("in_flight", 1)
    if not _is_count(told):
        yield Violation(RULE, f"{MANIFEST_FILE}: results in_flight is {told!r}, must be a number from 1 on")
    if in_flight(build) == 1:
        return
    if len(build.segments) != 1 or not build.frames.period_cycles[0]:
        message = f"{told} micro-batches are in flight, which only one segment in a frame that repeats can hold"
        yield Violation(RULE, f"{MANIFEST_FILE}: {message}")
        return
    if not _is_time(results.get("assumed_high_ns")):
        message = f"assumed_high_ns is {results.get('assumed_high_ns')!r}, must be what lies outside of the fabric"
        yield Violation(RULE, f"{MANIFEST_FILE}: results {message}, in ns")
    frames, rows = build.frames, rows_of(build.frames, 0)
    windows, gaps, visit, step = int(frames.windows[0]), len(frames.gaps[0]), visit_cycles(build), step_cycles(build)
    if told > windows - gaps:
        yield Violation(RULE, f"{told} micro-batches own a window each, {windows} less {gaps} gaps hold fewer", rows)
    if step < visit:
        why = f"{windows} windows take {step} cycles, a micro-batch may be back for its next one after {visit} only"
        yield Violation(RULE, why, rows)
    clock_mhz, slowest = Fraction(build.manifest.clock_mhz), limits_of(build).slowest
    for key, cycles in (("step_ns", Fraction(step)), ("step_high_ns", step / slowest)):
        least = cycles_to_ns(cycles, clock_mhz)
        if key in results and (not _is_time(results[key]) or exact(results[key]) < least):
            message = f"results {key} is {results[key]!r}, {windows} windows take {float(least):.3f}"
            yield Violation(RULE, f"{MANIFEST_FILE}: {message}")


def needed_waiting(build: Build) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return what each segment of a frame that repeats waits at least: for its own window, else for the next one."""
    period = build.frames.period_cycles[build.segments.frame]
    reserved = in_flight(build) > 1 and len(period) == 1 and period[0] > 0
    return np.array([max(0, step_cycles(build) - visit_cycles(build))], dtype=np.int64) if reserved else period


def _is_count(told: Any) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and told >= 1


def _is_time(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < float("inf")

"""R3 delivery, tenth part: what a manifest tells in parts, or counts of deskews, makes what it tells of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.units import exact
from lpxsched.verify.violation import told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpxsched.timetable.build import Build
    from lpxsched.verify.violation import Violation

RULE = "R3"
# What each of three numbers of a part adds up to.
WHOLES = ("assumed_ns", "assumed_low_ns", "assumed_high_ns")
PICOSECONDS = 1000
LONGEST_NS = 1 << 60


def part_violations(build: Build) -> Iterator[Violation]:
    """Yield sums, quotients and counts that are not those of their parts; what is not told is no fault."""
    yield from _assumed(build.manifest.results)
    yield from _wires(build.manifest.results)
    yield from _deskews(build)


def _assumed(results: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield assumed times that their parts do not sum to; each part was rounded up to a picosecond, as is the sum."""
    parts = results.get("assumed_parts_ns")
    if parts is None:
        return
    rows = list(parts.values()) if isinstance(parts, dict) else []
    if not rows or not all(isinstance(row, list) and len(row) == len(WHOLES) and _are_times(row) for row in rows):
        yield told_wrong(RULE, f"results assumed_parts_ns is {parts!r}, must tell three times of each part")
        return
    for number, key in enumerate(WHOLES):
        total = sum(exact(row[number]) for row in rows)
        if _are_times([results.get(key)]) and not 0 <= (total - exact(results[key])) * PICOSECONDS < len(rows):
            yield told_wrong(RULE, f"results {key} is {results[key]!r}, assumed_parts_ns sum to {float(total):.3f}")


def _wires(results: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield a gap of wires that is not the quotient of makespans and bounds of the problems, each once a layer."""
    problems = results.get("problems")
    if "wire_gap" not in results or not isinstance(problems, list):
        return
    try:
        makespan, bound = (
            sum(len(one["layers"]) * one["wires"][key] for one in problems)
            for key in ("makespan_cycles", "lower_bound_cycles")
        )
        gap = round(makespan / bound, 6)
    except (ArithmeticError, KeyError, TypeError):
        yield told_wrong(RULE, f"results wire_gap is {results['wire_gap']!r}, its problems tell no wires")
        return
    if results["wire_gap"] != gap:
        yield told_wrong(
            RULE, f"results wire_gap is {results['wire_gap']!r}, of {makespan} cycles over {bound} it is {gap}"
        )


def _deskews(build: Build) -> Iterator[Violation]:
    """Yield a number of deskews that is not that of the first frame: in its windows where it has any, else in all."""
    told, deskews, frames = build.manifest.results.get("deskews"), build.deskews, build.frames
    if not isinstance(told, dict) or "count" not in told:
        return
    every = deskews.every_periods[deskews.frame == 0]
    windows = int(frames.windows[0])
    count = int(np.where(every == 1, max(1, windows), 1).sum())
    if type(told["count"]) is not int or told["count"] != count:
        yield told_wrong(RULE, f"results deskews.count is {told['count']!r}, the first frame has {count}")


def _are_times(values: list[Any]) -> bool:
    return all(type(value) in (int, float) and 0 <= value < LONGEST_NS for value in values)

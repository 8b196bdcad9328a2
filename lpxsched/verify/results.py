"""R3 delivery, fourth part: what a build claims of its makespans, bounds and latencies follows from its rows.

What it counts and assumes is in `counts`, windows of experts are in `windows`; here all three come together.

A result that the manifest does not tell is no fault, but for the makespan.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE, ceil_cycles, cycles_to_ns, exact
from lpxsched.verify.asked import asked_violations
from lpxsched.verify.assumptions import assumption_violations
from lpxsched.verify.clock import limits_of
from lpxsched.verify.counts import count_violations
from lpxsched.verify.demand import graph_operators
from lpxsched.verify.each_period import aligned_by, deskewed_each_period
from lpxsched.verify.frames import repeating
from lpxsched.verify.gaps import since_deskew
from lpxsched.verify.parts import part_violations
from lpxsched.verify.reservations import in_flight
from lpxsched.verify.tree import Tree
from lpxsched.verify.violation import Violation, rows_of, told_wrong
from lpxsched.verify.windows import window_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R3"
SUMS = {"step_ns": ("proved_ns", "assumed_ns"), "step_high_ns": ("proved_worst_ns", "assumed_high_ns")}

WAITING = "waiting_ns"
STATUSES = ("optimal", "feasible")


def result_violations(build: Build) -> list[Violation]:
    """Return every claim that does not follow."""
    return [*window_violations(build), *_makespans(build), *_bounds(build), *manifest_violations(build)]


def manifest_violations(build: Build) -> list[Violation]:
    """Return every claim of the manifest that does not follow from the tables."""
    return [
        *_totals(build),
        *_times(build),
        *_steps(build),
        *_rates(build),
        *_proofs(build),
        *count_violations(build),
        *assumption_violations(build),
        *asked_violations(build),
        *part_violations(build),
    ]


def _makespans(build: Build) -> Iterator[Violation]:
    segments, operators, ends = build.segments, build.operators, "operator that ends it"
    last = np.full(len(segments), NONE, dtype=np.int64)
    leaves = np.array([*(operator.ends for operator in build.graph.operators), False])[graph_operators(build)]
    np.maximum.at(last, operators.segment[leaves], operators.start[leaves])
    for row in np.flatnonzero(segments.makespan_cycles != last).tolist():
        said = segments.makespan_cycles[row]
        message = f"segment {row}: makespan_cycles is {said}, its last {ends} starts at {last[row]}"
        if last[row] < 0:
            message = f"segment {row}: makespan_cycles is {said}, but it has no {ends}"
        yield Violation(RULE, message, rows_of(segments, row))


def _objective(build: Build) -> tuple[Integers, Integers]:
    """Return what a schedule makes short (periods of frames, makespans of segments on demand), and bounds of it."""
    segments, frames, rows = build.segments, build.frames, repeating(build)
    on_demand = frames.period_cycles[segments.frame] == 0
    made_short = np.append(frames.period_cycles[rows], segments.makespan_cycles[on_demand])
    return made_short, np.append(frames.lower_bound_cycles[rows], segments.lower_bound_cycles[on_demand])


def _bounds(build: Build) -> Iterator[Violation]:
    segments, frames = build.segments, build.frames
    for row in np.flatnonzero(segments.lower_bound_cycles > segments.makespan_cycles).tolist():
        bound = segments.lower_bound_cycles[row]
        message = f"segment {row}: lower_bound_cycles is {bound}, above makespan_cycles {segments.makespan_cycles[row]}"
        yield Violation(RULE, message, rows_of(segments, row))
    for row in np.flatnonzero(frames.lower_bound_cycles > frames.period_cycles).tolist():
        bound = frames.lower_bound_cycles[row]
        message = f"frame {row}: lower_bound_cycles is {bound}, above period_cycles {frames.period_cycles[row]}"
        yield Violation(RULE, message, rows_of(frames, row))


def _totals(build: Build) -> Iterator[Violation]:
    results, makespan = build.manifest.results, sum(build.segments.makespan_cycles.tolist())
    period, bound = (
        int(column.max(initial=0)) for column in (build.frames.period_cycles, build.frames.lower_bound_cycles)
    )
    yield from _differs(build, "makespan_cycles", makespan, "the segments sum to", said=results.get("makespan_cycles"))
    yield from _differs(build, "lower_bound_cycles", sum(_objective(build)[1].tolist()), "segments and frames sum to")
    yield from _differs(build, "period_cycles", period, "the longest period of the frames is")
    yield from _differs(build, "period_lower_bound_cycles", bound, "the longest bound of the frames is")


def _times(build: Build) -> Iterator[Violation]:
    total = sum(build.segments.makespan_cycles.tolist())
    for key in ("makespan_ns", "proved_ns"):
        yield from _differs(build, key, _picoseconds_up(cycles_to_ns(total, _clock_mhz(build))), "the segments take")
    worst, said = _picoseconds_up(_worst_ns(build)), build.manifest.results.get("proved_worst_ns", NONE)
    value = _number(said)
    if "proved_worst_ns" in build.manifest.results and (value is None or value < worst):
        message = f"results proved_worst_ns is {said!r}, waiting, makespans and clocks may take {_decimal(worst)}"
        yield told_wrong(RULE, message)


def _steps(build: Build) -> Iterator[Violation]:
    results = build.manifest.results
    for key, summed in SUMS.items():
        # Only where windows are reserved does waiting for them belong to a step on perfect clocks.
        parts = (*summed, WAITING) if key == "step_ns" and WAITING in results else summed
        values = [_number(results[part]) for part in parts if part in results]
        if len(values) == len(parts):
            total = sum((value for value in values if value is not None), Fraction(0))
            yield from _differs(build, key, total, f"{' and '.join(parts)} sum to")


def _rates(build: Build) -> Iterator[Violation]:
    """Yield tokens a second that do not follow from steps: of a user, of his least, and of all that are in flight."""
    results, users = build.manifest.results, build.manifest.options.get("batch")
    tokens, step, high = (_number(results.get(key)) for key in ("acceptance_length", "step_ns", "step_high_ns"))
    if tokens is None or not step or not high or not isinstance(users, int):
        return
    rate, count = tokens * 10**9 / step, users * in_flight(build)
    for key, right in (("per_user", rate), ("per_user_low", 10**9 / high), ("", count * rate)):
        name = f"tokens_per_s_{key}".rstrip("_")
        yield from _differs(build, name, Fraction(int(right * 1000), 1000), "a second of steps emits")


def _proofs(build: Build) -> Iterator[Violation]:
    objective, bounds = _objective(build)
    status = build.manifest.results.get("status", STATUSES[1])
    if status not in STATUSES:
        yield told_wrong(RULE, f"results status is {status!r}, must be {' or '.join(STATUSES)}")
    if status == "optimal" and (bounds != objective).any():
        name = "period_cycles" if len(repeating(build)) else "makespan_cycles"
        message = f"results status is 'optimal', but a lower_bound_cycles is not its {name}"
        yield told_wrong(RULE, message)
    if len(bounds):
        gap = Fraction(max(1, sum(objective.tolist())), max(1, sum(bounds.tolist())))
        for key in ("gap", "period_gap"):
            yield from _differs(build, key, exact(round(float(gap), 6)), "segments and frames have")
    yield from _mapping_gap(build)


def _mapping_gap(build: Build) -> Iterator[Violation]:
    """Yield a gap over other mappings without a bound, or that is not the quotient of makespan and bound, rounded."""
    results = build.manifest.results
    gap, bound = (_number(results.get(key)) for key in ("mapping_gap", "mapping_bound_ns"))
    if not gap or not bound:
        if results.get("mapping_gap") is not None:
            message = f"results mapping_gap is {results['mapping_gap']!r}, mapping_bound_ns is"
            yield told_wrong(RULE, f"{message} {results.get('mapping_bound_ns')!r}")
        return
    makespan = cycles_to_ns(sum(build.segments.makespan_cycles.tolist()), _clock_mhz(build))
    rounded = Fraction(1, 10**6) + gap / (1000 * bound)
    if abs(gap - makespan / bound) > rounded or gap < 1:
        message = f"results mapping_gap is {results['mapping_gap']!r}, makespan and mapping_bound_ns make"
        yield told_wrong(RULE, f"{message} {_decimal(makespan / bound)}")


def _differs(build: Build, key: str, value: Fraction | int, why: str, **given: object) -> Iterator[Violation]:
    """Yield a result that is told and is not the value; `said` stands for one that must be told."""
    results = build.manifest.results
    said = given["said"] if given else results.get(key)
    if (given or key in results) and _number(said) != value:
        yield told_wrong(RULE, f"results {key} is {said!r}, {why} {_decimal(value)}")


def _worst_ns(build: Build) -> Fraction:
    """Return how long a token may take within the fabric while all clocks keep their specification, in ns.

    All segments wait and run on the slowest clock, and end on a chip that may be aligned later than the first one by
    a residual a level. On the way to a host jitter, temperature and crossing come on top: no guard covers them. In a
    frame that repeats clocks have drifted apart since its last deskew when the segment begins. A segment runs once more
    for each further window of rows beyond the capacity of experts.
    """
    limits, clock_mhz, segments = limits_of(build), _clock_mhz(build), build.segments
    at_hosts = {operator.layer for operator in build.graph.operators if operator.ends and operator.place == "hosts"}
    windows = build.graph.windows()
    arrivals = sum(
        times * (not at_hosts.isdisjoint(segment.layers))
        for times, segment in zip(windows, build.graph.segments, strict=True)
    )
    aligned = _aligned(build)
    program = int(((segments.waiting_cycles + segments.makespan_cycles) * windows).sum())
    since = int((np.maximum(-aligned[0], 0) * windows).sum())
    slow = (program + arrivals * limits.crossing_cycles + since) / limits.slowest - since / limits.fastest
    errors = int(np.dot(_levels(build, *aligned), windows)) * limits.residual_cycles + arrivals * limits.late_cycles
    return cycles_to_ns(slow + errors + _strays(build, *aligned), clock_mhz)


def _aligned(build: Build) -> tuple[Integers, Integers]:
    """Return when the first and the last deskew of each segment end, in its time; the first may lie before it."""
    segments, deskews = build.segments, build.deskews
    first = -since_deskew(build)[:-1]
    last, makespan = first.copy(), segments.makespan_cycles
    rows = np.flatnonzero(deskewed_each_period(build)[segments.frame])
    last[rows] = aligned_by(build, rows, makespan[rows])
    for frame in np.flatnonzero(build.frames.period_cycles == 0).tolist():
        ends = np.sort((deskews.cycle + deskews.stall)[deskews.frame == frame])
        for row in np.flatnonzero(segments.frame == frame).tolist() if len(ends) else ():
            first[row] = ends[0]
            last[row] = max(ends[0], ends[ends <= makespan[row]].max(initial=0))
    return first, last


def _strays(build: Build, first: Integers, last: Integers) -> Fraction:
    """Return by how much clocks that do not keep their mean rates lengthen all segments, in cycles.

    The root strays from the event to the last deskew, the chip that ends last since that, and where a deskew lies
    before a segment the one that begins first since then: the root has ramped for that time too.
    """
    limits, segments, total = limits_of(build), build.segments, Fraction(0)
    if not limits.wanders:
        return total
    columns = segments.waiting_cycles, segments.makespan_cycles, first, last, np.array(build.graph.windows())
    for waits, makespan, opened, ended, times in zip(*(column.tolist() for column in columns), strict=True):
        before = max(-opened, 0)
        spans = [waits, ended - opened, before] if before else [waits + ended]
        strays = sum(limits.wander_cycles(span) for span in (*spans, makespan - ended))
        total += times * (strays + limits.ramp * before * waits)
    return total


def _levels(build: Build, first: Integers, last: Integers) -> list[int]:
    """Return how many residuals can lie between start and end of each segment: two deskews share no errors."""
    operators, tree, depth = build.operators, Tree.of(build), build.chips.hac_depth
    leaves = np.array([*(operator.ends for operator in build.graph.operators), False])[graph_operators(build)]
    groups, found = build.graph.groups_of_layers(), []
    for segment in range(len(build.segments)):
        rows = np.flatnonzero(leaves & (operators.segment == segment)).tolist()
        # Where it ends at a host, the chip of that shard has sent what the host reads.
        ends = {groups[int(operators.layer[row])].chips[int(operators.shard[row])] for row in rows}
        chips, ending = (np.array(sorted(some), dtype=np.int64) for some in (build.graph.chips_of(segment), ends))
        apart = last[segment] > first[segment]
        deepest = max(depth[chips].max(initial=0), 0) + max(depth[ending].max(initial=0), 0)
        found.append(int(deepest) if apart else _farthest(tree, chips, ending))
    return found


def _farthest(tree: Tree, chips: Integers, ends: Integers) -> int:
    """Return the most edges from a chip of a tree to an end: the one farthest from any is an end of the longest way."""
    if not len(chips) or not len(ends):
        return 0
    one = chips[tree.levels_between(np.full_like(chips, chips[0]), chips).argmax()]
    other = chips[tree.levels_between(np.full_like(chips, one), chips).argmax()]
    ways = [tree.levels_between(np.full_like(ends, chip), ends).max() for chip in (one, other)]
    return max(0, *map(int, ways))


def _clock_mhz(build: Build) -> Fraction:
    return Fraction(build.manifest.clock_mhz)


def _picoseconds_up(time_ns: Fraction) -> Fraction:
    return Fraction(ceil_cycles(time_ns * 1000), 1000)


def _number(said: object) -> Fraction | None:
    """Return a number as it was written; None for what is none."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return Fraction(said) if isinstance(said, int) else exact(said)


def _decimal(value: Fraction | int) -> str:
    """Return a number of at most six decimals for a message."""
    whole, rest = divmod(int(value * 10**6), 10**6)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")

"""R9 deskew, fourth part: micro-batches in flight own windows, and none of them ever comes late for his own.

Layers follow each other as segments. From a window of segment l until its micro-batch is at the next one pass

    D_l = makespan + stall + most(late + crossing / slowest) + rest + most(out) + most(attention) + most(in)
    most(t) = t fastest + stray

cycles at most, each part rounded up: clocks of two chips disagree by less than the stall of a deskew, and the fastest
clock counts the most cycles while rows are outside, those by which it strays from its mean rate included; every hand-
over in counts as the longest of all segments. Where the next segment is in another time domain, a period more. The
chain of one micro-batch takes at each segment the least window at or after w_l + D_l, and closes after N windows. With
N, the phases and the gaps of the frames:

- each micro-batch has a residue of its own, of which no window at any segment is a gap;
- of micro-batches on one server of the GPUs, and of rows on one side of a port, the reserved times do not overlap: on a
  server modulo N P, on a port modulo P.

By induction over reserved times nobody then starts after his reservation, so a step takes N P at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.units import ceil_cycles, cycles_to_ns, exact, ns_to_cycles
from lpxsched.verify.clock import limits_of
from lpxsched.verify.outside import MOST, TYPICAL, Outside, outside_of, tokens_enter
from lpxsched.verify.shifts import clashes
from lpxsched.verify.violation import Violation, rows_of, told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.clock import Limits

RULE = "R9"
# Sums of some of them stay far below 2**63.
MOST_COUNT = 1 << 40


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The windows of residue 0 in one step.

    Attributes
    ----------
    period, windows : int
        P, and the N that the frames tell.
    closes : int
        Windows after which the chain closes; no N may be less.
    start, waits : ndarray of int64, shape (segments,)
        Its window at each segment, and what is waited for it at most.
    leaves, served, lasts : ndarray of int64, shape (segments,)
        When its rows begin to leave their hosts, when they come to the GPUs, and how long they keep them.
    """

    period: int
    windows: int
    closes: int
    start: Integers
    waits: Integers
    leaves: Integers
    served: Integers
    lasts: Integers


def in_flight(build: Build) -> int:
    """Return how many micro-batches a build says to hold; 1 where it says nothing, or nothing that is judged."""
    told = build.manifest.results.get("in_flight", 1)
    return told if _is_count(told) else 1


def reservation_violations(build: Build) -> Iterator[Violation]:
    """Yield what keeps micro-batches in flight from windows of their own, and what is told wrong of them."""
    told = build.manifest.results.get("in_flight", 1)
    if not _is_count(told):
        yield told_wrong(RULE, f"results in_flight is {told!r}, must be a number from 1 on")
    outside = outside_of(build) if build.manifest.outside or in_flight(build) > 1 else None
    if isinstance(outside, str):
        yield told_wrong(RULE, outside)
        return
    if outside is not None:
        yield from _assumed(build, outside)
    if in_flight(build) == 1:
        return
    fault = _unreserved(build)
    if fault:
        yield told_wrong(RULE, fault)
        return
    chain = chain_of(build)
    if chain.windows < chain.closes:
        why = f"{chain.windows} windows of {chain.period} make a step, the chain of a micro-batch closes after"
        yield Violation(RULE, f"{why} {chain.closes} only", rows_of(build.frames, 0))
    yield from _residues(build, chain)
    assert isinstance(outside, Outside)
    yield from _servers(build, chain, outside)
    yield from _ports(build, chain, outside)
    yield from _steps(build, chain)


def needed_waiting(build: Build) -> Integers:
    """Return what each segment of a frame that repeats waits at least: for its own window, else for the next one."""
    if in_flight(build) > 1 and not _unreserved(build) and isinstance(outside_of(build), Outside):
        return chain_of(build).waits
    return build.frames.period_cycles[build.segments.frame]


def _unreserved(build: Build) -> str:
    """Return what a build of several micro-batches lacks to be judged; empty where nothing."""
    frames, results = build.frames, build.manifest.results
    one = all(len(np.unique(column)) == 1 for column in (frames.period_cycles, frames.windows))
    if not one or not frames.period_cycles[0]:
        return f"{in_flight(build)} micro-batches are in flight, but frames have no period and no windows in common"
    lengths = {"residues": in_flight(build), "rest_cycles": len(build.segments)}
    lengths |= {} if tokens_enter(build) else {"servers": in_flight(build)}
    for name, length in lengths.items():
        told = results.get(name)
        if not isinstance(told, list) or len(told) != length or not all(_is_count(one, 0) for one in told):
            return f"results {name} must be a list of {length} whole numbers from 0 on"
    return ""


@lru_cache(maxsize=1)
def chain_of(build: Build) -> Chain:
    """Return the chain of a build whose frames have a period and a number of windows in common."""
    outside = outside_of(build)
    assert isinstance(outside, Outside)
    limits, frames, phases = limits_of(build), build.frames, build.segments.phase_cycles
    late = limits.late_cycles + limits.crossing_cycles / limits.slowest
    stall = int(build.deskews.stall.max(initial=0))
    leaves = build.segments.makespan_cycles + stall + _most_cycles(limits, late)
    leaves = leaves + np.array(build.manifest.results["rest_cycles"], dtype=np.int64)
    out, lasts, back = stage_cycles(build, outside, MOST)
    domain = frames.time_domain[build.segments.frame]
    crosses = (domain != np.roll(domain, -1)) * int(frames.period_cycles[0])
    delays, period = leaves + out + lasts + back + crosses, int(frames.period_cycles[0])
    start, closes = _followed(phases, delays, period)
    ends = start + delays
    step = max(closes, int(frames.windows[0])) * period
    waits = np.append(start[0] + step - ends[-1], start[1:] - ends[:-1])
    return Chain(period, int(frames.windows[0]), closes, start, waits, start + leaves, start + leaves + out, lasts)


def stage_cycles(build: Build, outside: Outside, end: int) -> tuple[Integers, Integers, Integers]:
    """Return hand-over out, time on GPUs and hand-over in after each segment, in cycles of the fastest clock."""
    limits, clock_mhz = limits_of(build), Fraction(build.manifest.clock_mhz)

    def column(times_ns: list[Fraction]) -> Integers:
        cycles = [ns_to_cycles(time_ns, clock_mhz) for time_ns in times_ns]
        return np.array(
            [_most_cycles(limits, one) if end == MOST else ceil_cycles(one) for one in cycles], dtype=np.int64
        )

    attention, into = [one[end] for one in outside.attention], [one[end] for one in outside.into]
    held = [*attention[1:-1], attention[-1] + attention[0]]
    back = [max(into)] * len(into) if end == MOST else [*into[1:], into[0]]
    return column([one[end] for one in outside.out]), column(held), column(back)


def outside_cycles(build: Build, time_ns: Fraction) -> int:
    """Return how many cycles the fastest clock counts at most in a time outside of the fabric."""
    return _most_cycles(limits_of(build), ns_to_cycles(time_ns, Fraction(build.manifest.clock_mhz)))


def _most_cycles(limits: Limits, cycles: Fraction) -> int:
    """Return how many cycles the fastest clock counts at most in a time that is so many on a perfect one."""
    return ceil_cycles(cycles * limits.fastest + limits.wander_cycles(ceil_cycles(cycles)))


def _followed(phases: Integers, delays: Integers, period: int) -> tuple[Integers, int]:
    """Return the windows of a chain, and after how many it closes."""
    start = phases.copy()
    for row in range(1, len(start)):
        time = int(start[row - 1] + delays[row - 1])
        start[row] = time + (int(phases[row]) - time) % period
    time = int(start[-1] + delays[-1])
    return start, max(1, (time + (int(phases[0]) - time) % period - int(start[0])) // period)


def _residues(build: Build, chain: Chain) -> Iterator[Violation]:
    residues = np.array(build.manifest.results["residues"], dtype=np.int64)
    if len(np.unique(residues % chain.windows)) < len(residues):
        yield told_wrong(RULE, f"results residues: two micro-batches own one residue modulo {chain.windows}")
    for row, frame in enumerate(build.segments.frame.tolist()):
        number = (int(chain.start[row]) // chain.period + residues) % chain.windows
        for one in np.flatnonzero(np.isin(number, build.frames.gaps[frame]))[:1].tolist():
            message = f"micro-batch {one} owns window {number[one]} of segment {row}, which is a gap of frame {frame}"
            yield Violation(RULE, message, rows_of(build.segments, row))


def _servers(build: Build, chain: Chain, outside: Outside) -> Iterator[Violation]:
    if not outside.servers:
        return
    results = build.manifest.results
    residues, servers = (np.array(results[name], dtype=np.int64) for name in ("residues", "servers"))
    if servers.max() >= outside.servers:
        yield told_wrong(
            RULE, f"results servers names {servers.max()}, GPUs serve {outside.servers} micro-batches at once"
        )
    begin = (chain.served[np.newaxis] + residues[:, np.newaxis] * chain.period).reshape(-1)
    holder, length = np.repeat(servers, len(chain.served)), np.tile(chain.lasts, len(residues))
    step = np.full(len(begin), max(chain.closes, chain.windows) * chain.period)
    for one, other in zip(*(pairs.tolist() for pairs in clashes(holder, begin, length, step)), strict=True):
        pair = f"{one // len(chain.served)} and {other // len(chain.served)}"
        yield told_wrong(RULE, f"micro-batches {pair} keep server {holder[one]} of the GPUs at once, as reserved")
        break


def _ports(build: Build, chain: Chain, outside: Outside) -> Iterator[Violation]:
    cycles = [
        {host: [outside_cycles(build, time) for time in sides] for host, sides in ports.items()}
        for ports in outside.ports
    ]
    before = max((sides[0] for ports in cycles for sides in ports.values()), default=0)
    rows = [
        (2 * host + side, begin, sides[side], row)
        for row, ports in enumerate(cycles)
        for host, sides in ports.items()
        for side, begin in enumerate((int(chain.start[row]) - before, int(chain.leaves[row])))
    ]
    holder, begin, length, row_of = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    pairs = clashes(holder, begin, length, np.full(len(rows), chain.period))
    for one, other in zip(*(column.tolist() for column in pairs), strict=True):
        side = ("in", "out")[int(holder[one]) % 2]
        what = f"rows of segments {row_of[one]} and {row_of[other]} hold the Ethernet port of host {holder[one] // 2}"
        yield told_wrong(RULE, f"{what}, {side}, at once, as reserved modulo the period {chain.period}")
        break


def _steps(build: Build, chain: Chain) -> Iterator[Violation]:
    """Yield steps that are told too short: the nominal one, and N P on the slowest clock; and another N or N P.

    Between the same window of two steps the root strays, and the first chip since each of two deskews, which leave it
    an error for each level.
    """
    results, outside = build.manifest.results, outside_of(build)
    assert isinstance(outside, Outside)
    out, lasts, back = stage_cycles(build, outside, TYPICAL)
    delays = build.segments.makespan_cycles + out + lasts + back
    limits, period = limits_of(build), chain.period
    nominal, longest = _followed(build.segments.phase_cycles, delays, period)[1] * period, chain.windows * period
    levels = 2 * int(build.chips.hac_depth[_chips(build)].max(initial=0)) if limits.align else 0
    errors = levels * limits.residual_cycles + 3 * limits.wander_cycles(longest)
    for key, cycles in (("step_ns", Fraction(nominal)), ("step_high_ns", longest / limits.slowest + errors)):
        least = cycles_to_ns(cycles, Fraction(build.manifest.clock_mhz))
        if not _is_time(results.get(key)) or exact(results[key]) < least:
            yield told_wrong(RULE, f"results {key} is {results.get(key)!r}, its windows take {float(least):.3f}")
    perfect = Fraction(ceil_cycles(cycles_to_ns(longest, Fraction(build.manifest.clock_mhz)) * 1000), 1000)
    for key, value in (("windows", Fraction(chain.windows)), ("longest_step_ns", perfect)):
        said = results.get(key)
        if said is not None and (not _is_time(said) or exact(said) != value):
            yield told_wrong(RULE, f"results {key} is {said!r}, the frames have {float(value):g}")


def _chips(build: Build) -> list[int]:
    return sorted({chip for row in range(len(build.segments)) for chip in build.graph.chips_of(row)})


def _assumed(build: Build, outside: Outside) -> Iterator[Violation]:
    """Yield assumed times that are told and do not follow from the descriptions."""
    for end, key in enumerate(("assumed_ns", "assumed_low_ns", "assumed_high_ns")):
        said, derived = build.manifest.results.get(key), Fraction(ceil_cycles(outside.assumed_ns(end) * 1000), 1000)
        if said is not None and (not _is_time(said) or exact(said) != derived):
            yield told_wrong(RULE, f"results {key} is {said!r}, GPUs and hand-over make {float(derived):.3f}")


def _is_count(told: Any, least: int = 1) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and least <= told <= MOST_COUNT


def _is_time(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < float("inf")

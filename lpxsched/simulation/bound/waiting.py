"""How many vectors wait in the deskew buffer of a link at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import kernel
from lpxsched.simulation.bound.slack import ROUNDING_CYCLES, largest_slacks_cycles
from lpxsched.simulation.bound.worst import Columns, deskew_before
from lpxsched.simulation.timeline import read_timeline
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.bound.worst import Walk
    from lpxsched.simulation.limits import Limits
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

STEPS_PER_CYCLE = 1_000_000
# Vectors beyond which no more are counted one by one; links are then taken at their bound.
MOST_VECTORS = 1 << 19


class Rates(NamedTuple):
    """Numbers of the clocks for a kernel."""

    slow: float
    fast: float
    slowdown: float
    spread_rate: float
    ramp: float


class Waits(NamedTuple):
    """Of each link its latency, that and the time of a vector, and by how much residuals and jitter make it earlier."""

    latency: Floats
    nominal: Floats
    errors: Floats


@dataclass(frozen=True, slots=True)
class Fullest:
    """The most vectors that wait on one link at once, the link, and what is left of its buffer at least.

    Attributes
    ----------
    vectors, link : int
    spare_vectors : int
        Below 0 where a buffer may overflow; that of `tight_link`.
    tight_link : int
    """

    vectors: int
    link: int
    spare_vectors: int
    tight_link: int


def fullest(build: Build, alignment: Alignment, walk: Walk, limits: Limits, *, exactly: bool = True) -> Fullest:
    """Return how full the buffers of links get at worst.

    Vectors of one link leave v or more apart, so where none waits longer than W no more than W / v and one wait at
    once, but for what clocks drift meanwhile. Links are counted exactly, from those that may be too full and the
    fullest on, until that can change nothing or too many vectors would be counted. Unless `exactly` links that their
    bound already shows to hold are told at that bound.
    """
    most = most_waiting(build, walk, limits)
    depth = build.chips.deskew_buffer_vectors[build.links.dst]
    used, vectors = most > 0, walk.vectors
    order = np.lexsort((-most, most <= depth))
    counted = np.zeros(len(build.links), dtype=np.bool_)
    begin, step, left = 0, 16, MOST_VECTORS
    while begin < np.count_nonzero(used):
        links = order[begin : begin + step]
        left -= int(vectors[links].sum())
        told = not exactly or most[links[0]] <= most[counted].max(initial=0)
        settled = most[links[0]] <= depth[links[0]] and told
        if left < 0 or settled:
            break
        timeline = read_timeline(build, alignment, limits, walk.rows_on(links))
        most[links] = waiting_by_link(build, timeline, largest_slacks_cycles(timeline, limits))[links]
        counted[links] = True
        begin, step = begin + step, 4 * step
    most = np.where(np.isfinite(most), most, vectors)
    spare = np.where(used, depth - most, NEVER)
    link, tight = int(most.argmax()), int(spare.argmin())
    return Fullest(int(most[link]), link, int(spare[tight]), tight)


@kernel
def longest_waits(columns: Columns, links: Waits, rates: Rates, longest: Floats) -> None:
    """Write the longest time for which a vector waits on each link; infinite where slots fly across a deskew.

    The first vector of a slot waits longest, but for what clocks stray until the last.
    """
    for row in range(len(columns.link)):
        link, segment = columns.link[row], columns.segment[row]
        passed = (columns.vectors[row] - 1) * columns.pitch[link]
        before = deskew_before(columns, segment, columns.depart[row])
        if before != deskew_before(columns, segment, columns.read[row] + passed):
            longest[link] = np.inf
        since = columns.read[row] + passed - columns.ends[before]
        turns = rates.spread_rate * since
        phase = since * (1 - turns) if 2 * turns < 1 else 1 / (4 * rates.spread_rate)
        stray = rates.slowdown * phase + rates.ramp * since * since / 2
        drift = (1 - rates.slow / rates.fast) * since + rates.slowdown * links.latency[link] + 2 * stray
        wait = columns.read[row] - columns.depart[row] - links.nominal[link] + links.errors[link] + drift
        longest[link] = max(longest[link], wait)


def most_waiting(build: Build, walk: Walk, limits: Limits) -> Floats:
    """Return a number of vectors that no link exceeds, infinite where none is known, 0 on links without slots."""
    links, levels = build.links, np.zeros(len(build.links))
    levels[walk.used] = walk.levels
    latency, v = links.latency_cycles.astype(np.float64), links.vector_time_numerator / links.vector_time_denominator
    errors = levels * float(limits.residual_cycles) + float(limits.early_cycles)
    rates = Rates(*(float(getattr(limits, name)) for name in Rates._fields))
    longest = np.full(len(links), -np.inf)
    longest_waits(walk.columns, Waits(latency, latency + v, errors), rates, longest)
    lasting = int(walk.columns.read.max(initial=0)) - min(0, int(walk.columns.ends.min(initial=0)))
    apart = float(limits.slow / limits.fast - 2 * (limits.slowdown + limits.ramp * lasting))
    if apart <= 0:
        return np.where(np.isfinite(longest), np.inf, longest)
    most: Floats = np.where(np.isfinite(longest), np.floor(longest / (v * apart) + ROUNDING_CYCLES) + 1, longest)
    return np.maximum(most, 0)


def waiting_by_link(build: Build, timeline: Timeline, slack_cycles: Floats) -> Integers:
    """Return the largest number of vectors between arrival and read at once, of each link.

    A vector waits during [arrival, read); one that arrives earlier waits longer and all others as before, so
    the earliest arrivals give the most of all runs. Of a frame that repeats all iterations of all its segments count.

    Parameters
    ----------
    build : Build
    timeline : Timeline
    slack_cycles : ndarray of float64, shape (2, slots)
        Time from arrival to read of the first and last vector of each slot.
    """
    slot = np.repeat(np.arange(timeline.slots), timeline.vectors)
    index = np.arange(len(slot)) - np.repeat(np.cumsum(timeline.vectors) - timeline.vectors, timeline.vectors)
    growth = (slack_cycles[1] - slack_cycles[0]) / np.maximum(timeline.vectors - 1, 1)
    read = timeline.read[slot] + index * timeline.pitch_cycles[slot]
    arrival = read - slack_cycles[0][slot] - index * growth[slot]
    # Whole steps, so that a vector which arrives just when another is read never waits beside it by rounding.
    steps = np.rint(np.stack([arrival, read]) * STEPS_PER_CYCLE).astype(np.int64)
    waits = np.flatnonzero(steps[0] < steps[1])
    segment, (begin, end) = timeline.segment[slot[waits]], steps[:, waits]
    frame = build.segments.frame[segment]
    period, phase = build.frames.period_cycles[frame], build.segments.phase_cycles[segment]
    # Segments of one frame that repeats wait beside each other, others by themselves.
    owner = np.where(period > 0, -1 - frame, segment)
    holders, holder = np.unique(np.stack([timeline.link[slot[waits]], owner]), axis=1, return_inverse=True)
    since = begin + phase * STEPS_PER_CYCLE
    of_links = np.zeros(len(build.links), dtype=np.int64)
    most = _most(*_folded(holder.reshape(-1), since, since + end - begin, period * STEPS_PER_CYCLE))
    np.maximum.at(of_links, holders[0], most)
    return of_links


def _folded(
    holder: Integers, begin: Integers, end: Integers, period: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return holder, begin and end of intervals modulo their periods (0: none), and how many last always a holder."""
    repeats, whole = period > 0, np.maximum(period, 1)
    always = np.zeros(1 + int(holder.max(initial=0)), dtype=np.int64)
    np.add.at(always, holder[repeats], ((end - begin) // whole)[repeats])
    first = np.where(repeats, begin % whole, begin)
    last = first + np.where(repeats, (end - begin) % whole, end - begin)
    # What reaches beyond the period is there when it begins.
    again = np.flatnonzero(repeats & (last > period))
    return (
        np.concatenate([holder, holder[again]]),
        np.concatenate([first, np.zeros_like(again)]),
        np.concatenate([np.where(repeats, np.minimum(last, period), last), (last - period)[again]]),
        always,
    )


def _most(holder: Integers, begin: Integers, end: Integers, always: Integers) -> Integers:
    """Return the most intervals that each holder has at once, with those that last always."""
    who, change = np.tile(holder, 2), np.repeat([-1, 1], len(holder))
    order = np.lexsort((change, np.concatenate([end, begin]), who))
    at_once = np.cumsum(change[order])
    most = np.zeros_like(always)
    # Each holder's changes sum up to nothing.
    np.maximum.at(most, who[order], at_once)
    return most + always

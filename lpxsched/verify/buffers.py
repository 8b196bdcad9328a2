"""R8 reads, second part: no more vectors wait on a link than the deskew buffer of its chip holds.

A vector waits from its earliest arrival (see ``hops``) to its read. Vectors of one link leave v or more apart (R1), so
the earliest arrivals of two of them lie at least v slow / fast apart in the receiver's cycles, less what two clocks may
stray meanwhile; with W the longest wait, no more than floor(W / that) + 1 wait at once. Links where this exceeds the
buffer are counted exactly.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.frames import turns
from lpxsched.verify.hops import exact_arrivals
from lpxsched.verify.peaks import peaks
from lpxsched.verify.shifts import modulo
from lpxsched.verify.violation import Violation, cycles_text, named_link, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.clock import Limits
    from lpxsched.verify.frames import Turns
    from lpxsched.verify.hops import Hops

RULE = "R8"
# Vectors that cross a link beyond which they are not counted one by one.
MOST_VECTORS = 1 << 22
# Far above what float64 rounds in the bound of a link, which only says where to count.
ROUNDING = 1e-3


def overfull(build: Build, hops: Hops, limits: Limits) -> Iterator[Violation]:
    """Yield links on which more vectors wait at once than the buffer at their end holds.

    Parameters
    ----------
    build : Build
    hops : Hops
        Slots to chips, both ends of which hang from one root where clocks must align.
    limits : Limits
    """
    depth = np.where(build.chips.host, NONE, build.chips.deskew_buffer_vectors)[build.links.dst]
    most = _at_most(build, hops, limits)
    suspect = (depth != NONE) & ~(most <= depth)
    vectors = np.zeros(len(build.links), dtype=np.int64)
    np.add.at(vectors, hops.link, hops.vectors)
    for link in np.flatnonzero(suspect & (vectors > MOST_VECTORS)).tolist():
        message = f"{vectors[link]} vectors cross link {link}, more than {MOST_VECTORS} are not counted"
        yield Violation(RULE, message, rows_of(build.links, link), lacks_room=True)
    suspect &= vectors <= MOST_VECTORS
    for link, count, time, period in _counted(hops.take(np.flatnonzero(suspect[hops.link])), limits, turns(build)):
        if count > depth[link]:
            where = f"link {link} ({named_link(build, link)}) at {cycles_text(time)}{modulo(period)}"
            message = f"{count} vectors wait on {where}, its deskew buffer holds {depth[link]}"
            yield Violation(RULE, message, rows_of(build.links, link), lacks_room=True)


def _at_most(build: Build, hops: Hops, limits: Limits) -> np.ndarray:
    """Return a number of vectors that no link exceeds; infinite where its slots fly across a deskew."""
    slow, fast, v = float(limits.slowest), float(limits.fastest), hops.vector_time / hops.denominator
    interval = hops.last_read + 1 - hops.aligned
    drift = (fast - slow) * interval / fast + float(limits.slowdown) * hops.latency
    drift += 2 * float(limits.wander_cycles(int(interval.max(initial=0))))
    strays = 2 * float(limits.slowdown + limits.ramp * int(interval.max(initial=0)))
    errors = float(limits.early_cycles) + np.maximum(hops.levels, 0) * float(limits.residual_cycles)
    wait = (hops.read - hops.depart - hops.latency) - v + errors + drift
    apart = slow / fast - strays
    waiting = np.floor(wait / (v * apart) + ROUNDING) + 1 if apart > 0 else np.full(len(hops), np.inf)
    most = np.zeros(len(build.links))
    np.maximum.at(most, hops.link, np.where(hops.at_once, waiting, np.inf))
    return most


def _counted(hops: Hops, limits: Limits, turn: Turns) -> Iterator[tuple[int, int, Fraction, int]]:
    """Yield each link with the most vectors that wait there at once, when, and modulo which period."""
    row = np.repeat(np.arange(len(hops)), hops.vectors)
    vector: Integers = np.arange(len(row)) - np.repeat(np.cumsum(hops.vectors) - hops.vectors, hops.vectors)
    hops = hops.take(row)
    arrivals = exact_arrivals(hops, vector, limits)
    since = (hops.realigned + turn.phase[hops.segment]).astype(object) * arrivals.parts
    periods = turn.period[hops.segment]
    holder, first = turn.holders(hops.link, hops.segment), since + arrivals.earliest
    found = peaks(holder, first, since + arrivals.due, periods.astype(object) * arrivals.parts)
    row = first_rows(holder, found.holder)
    columns = (hops.link[row].tolist(), found.most.tolist(), found.time.tolist(), periods[row].tolist())
    for link, count, time, period in zip(*columns, strict=True):
        yield link, count, Fraction(time, arrivals.parts), period


def first_rows(holder: Integers, wanted: Integers) -> Integers:
    """Return the first row of each holder; all of them are there."""
    keys, first = np.unique(holder, return_index=True)
    return np.asarray(first[np.searchsorted(keys, wanted)])

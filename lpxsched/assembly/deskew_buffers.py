"""Whether what waits on each link between its arrival and its read fits into the deskew buffer there.

A vector waits from its earliest arrival to its read: W = read - depart - v - latency, and how much earlier than nominal
it may come: the residuals between the ends of its link and the drift since the last deskew. Vectors follow each other
on a link by a pitch p at least, so that of those that wait W at most no more than ceil(W / p) wait at once, nor more
than there are in one burst: slots of which each departs less than W after the one before has left. In a frame that
repeats bursts of several iterations may follow each other, so there ceil(W / p) alone counts.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS, drift_cycles, residual_cycles
from lpxsched.clocks.tree import AlignmentTree
from lpxsched.errors import NothingFoundError
from lpxsched.timetable.wires import pitch_numerators
from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def refuse_full_buffers(build: Build, clock: ClockSpecification) -> None:
    """Refuse a build in which more vectors may wait on a link than its deskew buffer holds.

    Raises
    ------
    NothingFoundError
        With link, vectors and depth: another schedule may read earlier.
    """
    links, slots = build.links, build.slots
    into = np.unique(slots.link[~build.chips.host[links.dst[slots.link]]])
    depth = build.chips.deskew_buffer_vectors[links.dst]
    early = _early_cycles(build, clock, into)
    pitch = pitch_numerators(build)
    for link, first_cycles in zip(into.tolist(), early, strict=True):
        # Slots are sorted by link and departure.
        mine = slice(*slots.link.searchsorted([link, link + 1]))
        v, of = int(links.vector_time_numerator[link]), int(links.vector_time_denominator[link])
        longest = int((slots.read[mine] - slots.depart[mine]).max()) - int(links.latency_cycles[link])
        waits = longest - Fraction(v, of) + first_cycles
        waiting = ceil_cycles(waits / Fraction(int(pitch[link]), of))
        repeats = bool(build.frames.period_cycles.max(initial=0))
        if waiting > depth[link] and (repeats or _largest_burst(build, mine, waits) > depth[link]):
            ends = f"chip {links.src[link]} -> chip {links.dst[link]}"
            raise NothingFoundError(
                f"up to {waiting} vectors would wait on link {link} ({ends}) between arrival and read, a deskew buffer "
                f"holds {depth[link]}",
                remedy="try fewer vectors, a clock with a shorter guard, or say how much deskew_buffer_vectors are",
            )


def _early_cycles(build: Build, clock: ClockSpecification, into: Integers) -> list[Fraction]:
    """Return how much earlier than nominal a vector may come on some links, in cycles."""
    links, clock_mhz = build.links, Fraction(build.manifest.clock_mhz)
    tree = AlignmentTree(build.chips.hac_parent, build.chips.hac_depth)
    source, destination = links.src[into], links.dst[into]
    from_host = build.chips.host[source]
    levels = np.where(
        from_host, HOST_LEVELS, tree.levels_between(np.where(from_host, destination, source), destination)
    )
    # Since the last deskew: of a frame that repeats at most as long as until the next one.
    frames, deskews = build.frames, build.deskews
    interval = int((deskews.every_periods * frames.period_cycles[deskews.frame]).max(initial=0))
    drift = drift_cycles(clock, max(interval, int(build.slots.read.max(initial=0))))
    return [drift + residual_cycles(clock, level, clock_mhz) for level in levels.tolist()]


def _largest_burst(build: Build, mine: slice, waits: Fraction) -> int:
    """Return the vectors of the largest burst of the slots of one link."""
    slots = build.slots
    depart, vectors, link = slots.depart[mine], slots.vectors[mine], int(slots.link[mine.start])
    pitch, of = int(pitch_numerators(build)[link]), int(build.links.vector_time_denominator[link])
    left = depart + -(-vectors * pitch // of)
    opens = np.append(True, depart[1:] - left[:-1] >= waits)
    return int(np.add.reduceat(vectors, np.flatnonzero(opens)).max())

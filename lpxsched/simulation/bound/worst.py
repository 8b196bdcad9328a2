"""The slots among which the tightest is, whatever the clocks are: a walk over all of them that keeps few.

Aligned once, on links of one kind (latency, rate, levels, class), a slot has less slack the less time lies between its
departure and its read, and the later its last vector leaves after the deskew. So of the slots that are no worse in both
than another of their kind none is needed. Slots in flight across a deskew are all kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import kernel
from lpxsched.simulation.timeline import levels_of_links, produced_segments, slots_to_chips
from lpxsched.timetable.derived import pitch_numerators

if TYPE_CHECKING:
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Limits
    from lpxsched.timetable.build import Build

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
# Slots that have so much more time than the tightest of their kind are looked at last.
WIDTH = 4096


class Columns(NamedTuple):
    """Slots, what their links are, and when the deskews of their segments end, from `first` to before `last`."""

    link: Integers
    vectors: Integers
    depart: Integers
    read: Integers
    segment: Integers
    kind: Integers
    pitch: Floats
    ends: Integers
    first: Integers
    last: Integers


@kernel
def deskew_before(columns: Columns, segment: int, cycle: float) -> int:
    """Return the last deskew of a segment that ends at or before a cycle, or its first."""
    low, high = int(columns.first[segment]), int(columns.last[segment])
    while high - low > 1:
        middle = (low + high) // 2
        if columns.ends[middle] <= cycle:
            low = middle
        else:
            high = middle
    return low


@kernel
def latest_slots(columns: Columns, least: Integers, latest: Floats, slot: Integers) -> None:
    """Find the slot of each kind and time to its read whose last vector leaves latest after the deskew.

    Parameters
    ----------
    columns : Columns
    least : ndarray of int64, shape (kinds,)
        Shortest time from departure to read; far beyond any at first.
    latest, slot : ndarray, shape (kinds, WIDTH)
        That of the slots found; -1 where there is none.
    """
    for row in range(len(columns.link)):
        kind = columns.kind[columns.link[row]]
        least[kind] = min(least[kind], columns.read[row] - columns.depart[row])
    for row in range(len(columns.link)):
        kind, passed = columns.kind[columns.link[row]], (columns.vectors[row] - 1) * columns.pitch[columns.link[row]]
        before = deskew_before(columns, columns.segment[row], columns.depart[row])
        place = min(columns.read[row] - columns.depart[row] - least[kind], WIDTH - 1)
        since = columns.depart[row] + passed - columns.ends[before]
        if since > latest[kind, place]:
            latest[kind, place], slot[kind, place] = since, row


@kernel
def undominated(columns: Columns, least: Integers, latest: Floats, slot: Integers, kept: Integers) -> int:
    """Write the slots that no other of their kind is worse than into `kept`; return how many."""
    count = 0
    for kind in range(len(least)):
        worst = -1.0
        for place in range(WIDTH - 1):
            if latest[kind, place] > worst:
                worst = latest[kind, place]
                kept[count] = slot[kind, place]
                count += 1
        latest[kind, WIDTH - 1] = worst
    for row in range(len(columns.link)):
        kind, passed = columns.kind[columns.link[row]], (columns.vectors[row] - 1) * columns.pitch[columns.link[row]]
        before = deskew_before(columns, columns.segment[row], columns.depart[row])
        after = deskew_before(columns, columns.segment[row], columns.read[row] + passed)
        since = columns.depart[row] + passed - columns.ends[before]
        loose = columns.read[row] - columns.depart[row] - least[kind] >= WIDTH - 1 and since > latest[kind, WIDTH - 1]
        early = columns.depart[row] < columns.ends[before]
        if before != after or loose or early:
            kept[count] = row
            count += 1
    return count


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """The rows of the timetable that lead to chips, in columns for kernels.

    Attributes
    ----------
    rows : ndarray of int64, shape (slots to chips,)
    columns : Columns
    kinds : int
        Kinds of links.
    used : ndarray of int64, shape (used links,)
        Links with slots.
    levels : ndarray of int64, shape (used links,)
        Tree edges between their ends.
    vectors : ndarray of int64, shape (links,)
        Vectors that cross each link.
    """

    rows: Integers
    columns: Columns
    kinds: int
    used: Integers
    levels: Integers
    vectors: Integers

    def rows_on(self, links: Integers) -> Integers:
        """Return the rows on some links."""
        chosen = np.zeros(len(self.vectors), dtype=np.bool_)
        chosen[links] = True
        return self.rows[chosen[self.columns.link]]


def read_walk(build: Build, alignment: Alignment, limits: Limits) -> Walk:
    """Return the slots of a build to walk over.

    Raises
    ------
    InputError
        As `slots_to_chips`, `produced_segments` and `levels_of_links`.
    """
    rows, slots, links = slots_to_chips(build), build.slots, build.links
    link, crossing = slots.link[rows], slots.vectors[rows]
    vectors = np.bincount(link, weights=crossing, minlength=len(links)).astype(np.int64)
    used, kind = np.flatnonzero(vectors), np.zeros(len(links), dtype=np.int64)
    levels = levels_of_links(build, alignment, used)
    src, dst = alignment.sender[used], links.dst[used]
    told = (
        links.latency_cycles[used],
        links.vector_time_numerator[used],
        links.vector_time_denominator[used],
        levels,
        limits.place_of(links.link_class[used]),
        (alignment.oscillator[src] == alignment.oscillator[dst]).astype(np.int64),
    )
    kinds, kind[used] = np.unique(np.stack(told), axis=1, return_inverse=True)
    sizes = np.bincount(alignment.segment, minlength=len(build.segments))
    columns = Columns(
        link=link,
        vectors=crossing,
        depart=slots.depart[rows],
        read=slots.read[rows],
        segment=produced_segments(build, rows),
        kind=kind,
        pitch=pitch_numerators(build) / links.vector_time_denominator,
        ends=alignment.end_cycle,
        first=alignment.first,
        last=alignment.first + sizes,
    )
    return Walk(rows, columns, kinds.shape[1], used, levels, vectors)


def worst_rows(walk: Walk) -> Integers:
    """Return the rows of the timetable among which is the one with the least slack, for any clocks."""
    least = np.full(walk.kinds, np.iinfo(np.int64).max, dtype=np.int64)
    latest, slot = np.full((walk.kinds, WIDTH), -1.0), np.full((walk.kinds, WIDTH), -1, dtype=np.int64)
    latest_slots(walk.columns, least, latest, slot)
    kept = np.empty(len(walk.rows) + walk.kinds * WIDTH, dtype=np.int64)
    found = undominated(walk.columns, least, latest, slot, kept)
    return np.unique(walk.rows[kept[:found]])

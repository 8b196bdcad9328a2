"""R7 ports: no more vectors begin, or end, at a node in a cycle than its limits allow.

A vector begins at the node where its tensor was produced, each time it leaves that node: vector k of a slot in
the cycle floor(depart + k pitch). It ends at a node where it is an operand, when it is read: in the cycle
floor(read + k pitch). Vectors that only pass a node on their way count for neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import counted
from lpxsched.verify.blocks import sorted_rows
from lpxsched.verify.frames import turns
from lpxsched.verify.presence import arrivals, departures, places, reads, slot_segments
from lpxsched.verify.ranges import PAIRS, covered, taken
from lpxsched.verify.shifts import modulo
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.ranges import TimedRanges

RULE = "R7"
# Vectors at one node beyond which they are not counted one by one.
MOST_VECTORS = 1 << 27


def port_violations(build: Build) -> list[Violation]:
    """Return every cycle in which a node exceeds one of its limits."""
    return [*_beginning(build), *_ending(build)]


def _beginning(build: Build) -> Iterator[Violation]:
    slots, limit = build.slots, build.chips.inject_per_cycle
    for place in places(build) if (limit >= 0).any() else ():
        node = build.links.src[slots.link[place.leaving]]
        rows = place.leaving[(limit[node] >= 0) & (build.tensors.chip[slots.tensor[place.leaving]] == node)]
        yield from _exceeded(build, _Moving(rows, build.links.src[slots.link[rows]], departures(build, rows)), None)


def _ending(build: Build) -> Iterator[Violation]:
    slots, limit = build.slots, build.chips.eject_per_cycle
    for place in places(build) if (limit >= 0).any() else ():
        rows = place.arriving[limit[build.links.dst[slots.link[place.arriving]]] >= 0]
        moving = _Moving(rows, build.links.dst[slots.link[rows]], arrivals(build, rows, relay=False))
        yield from _exceeded(build, moving, reads(build, place.read))


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    """Some slots, sorted by the node at one of their ends, with what they move there."""

    slot: Integers
    node: Integers
    ranges: TimedRanges

    def take(self, rows: Integers) -> _Moving:
        """Return some of the slots, in their order."""
        return _Moving(self.slot[rows], self.node[rows], taken(self.ranges, rows))


def _exceeded(build: Build, moving: _Moving, only: TimedRanges | None) -> Iterator[Violation]:
    """Yield the cycles in which too many vectors begin at a node, or of those in `only`, where it is given, end."""
    what = "begin" if only is None else "end"
    length = moving.ranges.end - moving.ranges.start
    vectors = np.zeros(len(build.chips), dtype=np.int64)
    np.add.at(vectors, moving.node, length)
    for node in np.flatnonzero(vectors > MOST_VECTORS).tolist():
        where = named(build, node)
        message = f"{vectors[node]} vectors {what} at {where} or pass it, more than {MOST_VECTORS} are not counted"
        yield Violation(RULE, message)
    few = np.flatnonzero(vectors[moving.node] <= MOST_VECTORS)
    for block_rows in _blocks(moving.node[few], length[few]):
        block = moving.take(few[block_rows])
        row, point, cycle = block.ranges.points()
        if only is not None:
            inside = covered(point, only)
            row, cycle = row[inside], cycle[inside]
        yield from _crowded(build, what, block.slot[row], block.node[row], cycle)


def _blocks(node: Integers, vectors: Integers) -> list[Integers]:
    """Return runs of rows, sorted by node, that hold about `PAIRS` vectors; each node is in one of them."""
    opens = np.flatnonzero(np.append(True, node[1:] != node[:-1])[: len(node)])
    before = (np.cumsum(vectors) - vectors)[opens]
    return np.split(np.arange(len(node)), opens[np.flatnonzero(np.diff(before // PAIRS)) + 1])


def _crowded(build: Build, what: str, slot: Integers, node: Integers, cycle: Integers) -> Iterator[Violation]:
    """Yield the cycles in which more of some vectors, one a row, begin or end at a node than may."""
    limit = build.chips.inject_per_cycle if what == "begin" else build.chips.eject_per_cycle
    turn, segment = turns(build), slot_segments(build, slot)
    period, moment = turn.period[segment], cycle + turn.phase[segment]
    moment = np.where(period > 0, moment % np.maximum(period, 1), moment)
    holder = turn.holders(node, segment)
    order = sorted_rows(holder, moment, slot)
    slot, node, moment, holder, period = (column[order] for column in (slot, node, moment, holder, period))
    opens = np.append(True, (holder[1:] != holder[:-1]) | (moment[1:] != moment[:-1]))[: len(node)]
    first = np.flatnonzero(opens)
    count = np.diff(np.append(first, len(node)))
    for place in np.flatnonzero(count > limit[node[first]]).tolist():
        begin, many = first[place], int(count[place])
        at, when = node[begin], moment[begin]
        most = f"at most {limit[at]} may{modulo(period[begin])}"
        do = f"{what}s" if many == 1 else what
        message = f"{counted(many, 'vector')} {do} at {named(build, int(at))} in cycle {when}, {most}"
        yield Violation(RULE, message, rows_of(build.slots, *dict.fromkeys(slot[begin : begin + many].tolist())))

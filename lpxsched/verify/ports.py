"""R7 ports: no more vectors begin, or end, at a node in a cycle than its limits allow.

A vector begins at the node where its tensor was produced, each time it leaves that node: vector k of a slot in
the cycle floor(depart + k pitch). It ends at a node where it is an operand, when it is read: in the cycle
floor(read + k pitch). Vectors that only pass a node on their way count for neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.frames import turns
from lpxsched.verify.presence import arrivals, departures, reads, slot_segments
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
    node = build.links.src[slots.link]
    rows = np.flatnonzero((limit[node] >= 0) & (build.tensors.chip[slots.tensor] == node))
    yield from _exceeded(build, "begin", limit, _Moving.of(rows, node, departures(build)), None)


def _ending(build: Build) -> Iterator[Violation]:
    limit = build.chips.eject_per_cycle
    node = build.links.dst[build.slots.link]
    rows = np.flatnonzero(limit[node] >= 0)
    yield from _exceeded(build, "end", limit, _Moving.of(rows, node, arrivals(build, relay=False)), reads(build))


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    """Some slots, sorted by the node at one of their ends, with what they move there."""

    slot: Integers
    node: Integers
    ranges: TimedRanges

    @classmethod
    def of(cls, rows: Integers, node: Integers, ranges: TimedRanges) -> _Moving:
        """Return some rows of the columns of all slots."""
        rows = rows[np.argsort(node[rows], kind="stable")]
        return cls(rows, node[rows], taken(ranges, rows))

    def take(self, places: Integers) -> _Moving:
        """Return some of the slots, in their order."""
        return _Moving(self.slot[places], self.node[places], taken(self.ranges, places))


def _exceeded(
    build: Build, what: str, limit: Integers, moving: _Moving, only: TimedRanges | None
) -> Iterator[Violation]:
    """Yield the cycles in which too many vectors, of those in `only` if it is given, begin or end at a node."""
    length = moving.ranges.end - moving.ranges.start
    vectors = np.zeros(len(build.chips), dtype=np.int64)
    np.add.at(vectors, moving.node, length)
    for node in np.flatnonzero(vectors > MOST_VECTORS).tolist():
        where = named(build, node)
        message = f"{vectors[node]} vectors {what} at {where} or pass it, more than {MOST_VECTORS} are not counted"
        yield Violation(RULE, message)
    counted = np.flatnonzero(vectors[moving.node] <= MOST_VECTORS)
    for places in _blocks(moving.node[counted], length[counted]):
        block = moving.take(counted[places])
        row, point, cycle = block.ranges.points()
        if only is not None:
            inside = covered(point, only)
            row, cycle = row[inside], cycle[inside]
        yield from _crowded(build, what, limit, block.slot[row], block.node[row], cycle)


def _blocks(node: Integers, vectors: Integers) -> list[Integers]:
    """Return runs of rows, sorted by node, that hold about `PAIRS` vectors; each node is in one of them."""
    opens = np.flatnonzero(np.append(True, node[1:] != node[:-1])[: len(node)])
    before = (np.cumsum(vectors) - vectors)[opens]
    return np.split(np.arange(len(node)), opens[np.flatnonzero(np.diff(before // PAIRS)) + 1])


def _crowded(
    build: Build, what: str, limit: Integers, slot: Integers, node: Integers, cycle: Integers
) -> Iterator[Violation]:
    """Yield the cycles in which more of some vectors, one a row, begin or end at a node than may."""
    turn, segment = turns(build), slot_segments(build)[slot]
    period, moment = turn.period[segment], cycle + turn.phase[segment]
    moment = np.where(period > 0, moment % np.maximum(period, 1), moment)
    holder = turn.holders(node, segment)
    order = np.lexsort((slot, moment, holder))
    slot, node, moment, holder, period = (column[order] for column in (slot, node, moment, holder, period))
    opens = np.append(True, (holder[1:] != holder[:-1]) | (moment[1:] != moment[:-1]))[: len(node)]
    first = np.flatnonzero(opens)
    count = np.diff(np.append(first, len(node)))
    for place in np.flatnonzero(count > limit[node[first]]).tolist():
        begin, many = first[place], count[place]
        at, when = node[begin], moment[begin]
        most = f"at most {limit[at]} may{modulo(period[begin])}"
        message = f"{many} vectors {what} at {named(build, int(at))} in cycle {when}, {most}"
        yield Violation(RULE, message, rows_of(build.slots, *dict.fromkeys(slot[begin : begin + many].tolist())))

"""R6 memory: weights, live tensors and transit fit into the SRAM of each chip at each cycle.

A vector lies at a node from its read, or from the start of the operator that produces it there, to the end of the
last operator that reads it there and of its last departure, the cycle in which it departs included. Inputs and
outputs of an operator lie whole for its duration; one that takes no time holds them in the cycle in which it starts.
Weights lie always. Hosts have no limit.

Most chips could hold at once all that ever comes to them, which one sum over rows shows. On the others every vector
is followed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.frames import turns
from lpxsched.verify.peaks import peaks
from lpxsched.verify.presence import (
    arrivals,
    departures,
    made_ranges,
    moved_operands,
    produced_tensors,
    reads,
    tensor_segments,
)
from lpxsched.verify.ranges import TimedRanges, joined, taken
from lpxsched.verify.shifts import modulo
from lpxsched.verify.violation import Violation, named, rows_of
from lpxsched.verify.work import weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R6"
# Vectors that come to one chip beyond which they are not followed one by one.
MOST_VECTORS = 1 << 27
# Tensors that a message names, the largest first.
NAMED = 3


def memory_violations(build: Build) -> list[Violation]:
    """Return every chip whose SRAM does not hold what lies there, at the first cycle in which most does."""
    chips, weights = build.chips, weight_bytes(build)
    free = (chips.sram_bytes - weights) // build.manifest.vector_bytes
    there = _presence(build)
    ever = np.zeros(len(chips), dtype=np.int64)
    np.add.at(
        ever,
        there.node,
        (there.ranges.end - there.ranges.start) * _iterations(build)[tensor_segments(build, there.tensor)],
    )
    suspects = np.flatnonzero(~chips.host & ((free < 0) | (ever > free)))
    if not len(suspects):
        return []
    used = _uses(build)
    return [found for chip in suspects.tolist() for found in _overfull(build, chip, int(weights[chip]), there, used)]


@dataclass(frozen=True, slots=True, eq=False)
class _Lying:
    """Ranges of vectors, each at one node, node by node."""

    node: Integers
    tensor: Integers
    ranges: TimedRanges

    @classmethod
    def of(cls, node: Integers, tensor: Integers, ranges: TimedRanges) -> _Lying:
        """Bring ranges into the order of nodes."""
        order = np.argsort(node, kind="stable")
        return cls(node[order], tensor[order], taken(ranges, order))

    def at(self, node: int) -> _Lying:
        """Return those at one node."""
        rows = np.arange(*np.searchsorted(self.node, (node, node + 1)))
        return _Lying(self.node[rows], self.tensor[rows], taken(self.ranges, rows))


def _lasting(build: Build, operator: Integers) -> Integers:
    """Return for how many cycles operators hold what they read and write."""
    return np.maximum(build.operators.cycles[operator], 1)


def _presence(build: Build) -> _Lying:
    """Return what comes to each node, due when it begins to lie there: what is read, then what is produced."""
    made = produced_tensors(build)
    start = build.operators.start[build.tensors.producer[made]]
    return _Lying.of(
        np.concatenate([build.links.dst[build.slots.link], build.tensors.chip[made]]),
        np.concatenate([build.slots.tensor, made]),
        joined(arrivals(build, relay=False), made_ranges(build, start)),
    )


def _uses(build: Build) -> _Lying:
    """Return what departs, what operators read, and what they produce, due when it need lie there no longer."""
    leaving, taking, made = departures(build), reads(build), produced_tensors(build)
    rows = moved_operands(build)
    reader, producer = build.operands.operator[rows], build.tensors.producer[made]
    taking = replace(taking, first=taking.first + _lasting(build, reader))
    ready = made_ranges(build, build.operators.start[producer] + _lasting(build, producer))
    return _Lying.of(
        np.concatenate([build.links.src[build.slots.link], build.operators.chip[reader], build.tensors.chip[made]]),
        np.concatenate([build.slots.tensor, build.operands.tensor[rows], made]),
        joined(joined(replace(leaving, first=leaving.first + 1), taking), ready),
    )


def _iterations(build: Build) -> Integers:
    """Return of how many iterations of each segment a vector may lie somewhere at once."""
    period = turns(build).period
    ends = build.operators.start + build.operators.cycles
    last = max(int(column.max(initial=0)) for column in (build.slots.read, build.slots.depart, ends))
    return np.where(period > 0, 2 + last // np.maximum(period, 1), 1)


def _overfull(build: Build, chip: int, weights: int, there: _Lying, used: _Lying) -> Iterator[Violation]:
    mine, uses = there.at(chip), used.at(chip)
    vectors = int(sum((ranges.end - ranges.start).sum() for ranges in (mine.ranges, uses.ranges)))
    if vectors > MOST_VECTORS:
        message = f"{named(build, chip)}: {vectors} vectors come and go, more than {MOST_VECTORS} are not followed"
        yield Violation(RULE, message, rows_of(build.chips, chip), lacks_room=True)
        return
    row, begin, end = _lives(mine, uses)
    turn, segment = turns(build), tensor_segments(build, mine.tensor[row])
    begin, end, period, owner = begin + turn.phase[segment], end + turn.phase[segment], *turn.of(segment)
    found = peaks(owner, begin, end, period)
    most, cycle, fullest = 0, 0, NONE
    if len(found.most):
        # Of segments on demand one runs at a time.
        first = int(found.most.argmax())
        most, cycle, fullest = (int(column[first]) for column in (found.most, found.time, found.holder))
    total, capacity = weights + most * build.manifest.vector_bytes, int(build.chips.sram_bytes[chip])
    if total > capacity:
        with_it = np.flatnonzero(owner == fullest)
        every = int(period[with_it].max(initial=0))
        lying = _named_bytes(
            build, chip, mine.tensor[row[with_it]], _copies(begin[with_it], end[with_it], cycle, every)
        )
        what = ", ".join(f"{name} {size}" for name, size in lying.most_common(NAMED))
        message = f"{named(build, chip)} holds {total} bytes in cycle {cycle}{modulo(every)}, its SRAM has {capacity}"
        yield Violation(RULE, f"{message}; most of it {what}", rows_of(build.chips, chip), lacks_room=True)


def _copies(begin: Integers, end: Integers, cycle: int, period: int) -> Integers:
    """Return in how many iterations each vector lies there in a cycle."""
    if period:
        return (end - 1 - cycle) // period - (begin - 1 - cycle) // period
    return ((begin <= cycle) & (cycle < end)).astype(np.int64)


def _named_bytes(build: Build, chip: int, tensor: Integers, copies: Integers) -> Counter[str]:
    """Return the bytes that lie at a chip by the names of tensors, weights included."""
    tensors, lying = build.tensors, Counter[str]()
    for row in np.flatnonzero((tensors.chip == chip) & (tensors.producer == NONE)).tolist():
        lying[str(tensors.name[row])] += int(tensors.bytes[row])
    rows, inverse = np.unique(tensor, return_inverse=True)
    vectors = np.zeros(len(rows), dtype=np.int64)
    np.add.at(vectors, inverse, copies)
    for row, count in zip(rows.tolist(), vectors.tolist(), strict=True):
        lying[str(tensors.name[row])] += count * build.manifest.vector_bytes
    return lying


def _lives(there: _Lying, uses: _Lying) -> tuple[Integers, Integers, Integers]:
    """Return each vector that comes to a chip: the row of its range, and when it begins and ends to lie there."""
    row, point, begin = there.ranges.points()
    _, used, until = uses.ranges.points()
    order = np.lexsort((until, used))
    used, until = used[order], until[order]
    last = np.searchsorted(used, point, side="right") - 1
    found = (last >= 0) & (np.append(used, NONE)[last] == point)
    return row, begin, np.where(found, np.append(until, 0)[last], begin + 1)

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
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.blocks import blocks, sorted_rows
from lpxsched.verify.frames import turns
from lpxsched.verify.peaks import peaks
from lpxsched.verify.presence import (
    arrivals,
    departures,
    made_ranges,
    place_of,
    reads,
    slot_segments,
    tensor_segments,
)
from lpxsched.verify.ranges import joined
from lpxsched.verify.shifts import modulo
from lpxsched.verify.violation import Violation, named, rows_of
from lpxsched.verify.work import weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.presence import Place
    from lpxsched.verify.ranges import TimedRanges

RULE = "R6"
# Vectors that come to one chip beyond which they are not followed one by one.
MOST_VECTORS = 1 << 27
# Tensors that a message names, the largest first.
NAMED = 3


def memory_violations(build: Build) -> list[Violation]:
    """Return every chip whose SRAM does not hold what lies there, at the first cycle in which most does."""
    chips, weights = build.chips, weight_bytes(build)
    free = (chips.sram_bytes - weights) // build.manifest.vector_bytes
    suspects = np.flatnonzero(~chips.host & ((free < 0) | (_ever(build) > free)))
    return [found for chip in suspects.tolist() for found in _overfull(build, chip, int(weights[chip]))]


def _ever(build: Build) -> Integers:
    """Return how many vectors ever come to each node, in all iterations that may be there at once."""
    ever, iterations = np.zeros(len(build.chips), dtype=np.int64), _iterations(build)
    for slots in blocks(len(build.slots)):
        node, vectors = build.links.dst[build.slots.link[slots]], build.slots.vectors[slots]
        np.add.at(ever, node, vectors * iterations[slot_segments(build, slots)])
    made = np.flatnonzero(build.tensors.producer >= 0)
    np.add.at(ever, build.tensors.chip[made], build.tensors.vectors[made] * iterations[tensor_segments(build, made)])
    return ever


def _presence(build: Build, place: Place) -> tuple[Integers, TimedRanges]:
    """Return what comes to a node, its tensors and when it begins to lie there: what is read, then what is produced."""
    tensor = np.concatenate([build.slots.tensor[place.arriving], place.made])
    made = made_ranges(build, place.made, build.operators.start)
    return tensor, joined(arrivals(build, place.arriving, relay=False), made)


def _uses(build: Build, place: Place) -> TimedRanges:
    """Return what departs, what operators read, and what they produce, due when it need lie there no longer."""
    leaving, taking = departures(build, place.leaving), reads(build, place.read)
    lasting = np.maximum(build.operators.cycles, 1)
    taking = replace(taking, first=taking.first + lasting[build.operands.operator[place.read]])
    ready = made_ranges(build, place.made, build.operators.start + lasting)
    return joined(joined(replace(leaving, first=leaving.first + 1), taking), ready)


def _iterations(build: Build) -> Integers:
    """Return of how many iterations of each segment a vector may lie somewhere at once."""
    period = turns(build).period
    ends = build.operators.start + build.operators.cycles
    last = max(int(column.max(initial=0)) for column in (build.slots.read, build.slots.depart, ends))
    return np.where(period > 0, 2 + last // np.maximum(period, 1), 1)


def _overfull(build: Build, chip: int, weights: int) -> Iterator[Violation]:
    place = place_of(build, chip)
    (tensor, there), uses = _presence(build, place), _uses(build, place)
    vectors = int(sum((ranges.end - ranges.start).sum() for ranges in (there, uses)))
    if vectors > MOST_VECTORS:
        message = f"{named(build, chip)}: {vectors} vectors come and go, more than {MOST_VECTORS} are not followed"
        yield Violation(RULE, message, rows_of(build.chips, chip), lacks_room=True)
        return
    row, begin, end = _lives(there, uses)
    turn, segment = turns(build), tensor_segments(build, tensor[row])
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
        lying = _named_bytes(build, chip, tensor[row[with_it]], _copies(begin[with_it], end[with_it], cycle, every))
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


def _lives(there: TimedRanges, uses: TimedRanges) -> tuple[Integers, Integers, Integers]:
    """Return each vector that comes to a chip: the row of its range, and when it begins and ends to lie there."""
    row, point, begin = there.points()
    _, used, until = uses.points()
    order = sorted_rows(used, until)
    used, until = used[order], until[order]
    last = np.searchsorted(used, point, side="right") - 1
    found = (last >= 0) & (np.append(used, NONE)[last] == point)
    return row, begin, np.where(found, np.append(until, 0)[last], begin + 1)

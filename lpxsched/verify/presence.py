"""Where the vectors are and when, as timed ranges: what departs, arrives, is produced and is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.ranges import TimedRanges, at_once, joined

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def departures(build: Build) -> TimedRanges:
    """Return what each slot takes from the source of its link; one range a slot."""
    slots = build.slots
    return _of_slots(build, build.links.src[slots.link], slots.depart)


def arrivals(build: Build, *, relay: bool) -> TimedRanges:
    """Return what each slot brings to the destination of its link; one range a slot.

    With `relay`, the time is that from which the node may send a vector on, not that of its read.
    """
    node = build.links.dst[build.slots.link]
    turnaround = build.chips.turnaround_cycles[node] if relay else 0
    return _of_slots(build, node, build.slots.read + turnaround)


def produced_tensors(build: Build) -> Integers:
    """Return the tensors of at least one vector that an operator produced."""
    return np.flatnonzero((build.tensors.producer >= 0) & (build.tensors.vectors > 0))


def made_ranges(build: Build, cycle: Integers) -> TimedRanges:
    """Return the `produced_tensors`, each whole at a cycle."""
    tensor = produced_tensors(build)
    start = _point(build, build.tensors.chip[tensor], tensor)
    return at_once(start, start + build.tensors.vectors[tensor], cycle)


def sources(build: Build) -> TimedRanges:
    """Return all that is anywhere and from when on its node may use it: the arrivals, then the `produced_tensors`."""
    producer = build.tensors.producer[produced_tensors(build)]
    end_of_operator = build.operators.start[producer] + build.operators.cycles[producer]
    return joined(arrivals(build, relay=False), made_ranges(build, end_of_operator))


def moved_operands(build: Build) -> Integers:
    """Return the operands that are not weights."""
    return np.flatnonzero(build.operands.role != WEIGHT)


def reads(build: Build) -> TimedRanges:
    """Return what operators read on their nodes when they start; one range for each of `moved_operands`."""
    row = moved_operands(build)
    operator = build.operands.operator[row]
    start = _point(build, build.operators.chip[operator], build.operands.tensor[row]) + build.operands.first_vector[row]
    return at_once(start, start + build.operands.vectors[row], build.operators.start[operator])


def vectors_at(build: Build, tensor: Integers, point: Integers) -> Integers:
    """Return which vectors of some tensors some points of the axis are."""
    vectors = build.tensors.vectors
    return np.asarray(point % max(int(vectors.sum()), 1) - (np.cumsum(vectors) - vectors)[tensor])


def pitches(build: Build) -> tuple[Integers, Integers]:
    """Return the time from one vector of a slot to the next on each link, numerator and denominator in cycles.

    A vector holds a pipelined wire while it enters it, and a busy wire until it is through.
    """
    links = build.links
    numerator, denominator = links.vector_time_numerator, links.vector_time_denominator
    if build.manifest.wire == "pipelined":
        return numerator, denominator
    return numerator + links.latency_cycles * denominator, denominator


def slot_segments(build: Build) -> Integers:
    """Return the segment of each slot: that of the operator that produced its tensor; `NONE` when none did."""
    return tensor_segments(build, build.slots.tensor)


def tensor_segments(build: Build, tensor: Integers) -> Integers:
    """Return the segment of the operator that produced each of some tensors; `NONE` where none did."""
    producer = build.tensors.producer[tensor]
    return np.where(producer >= 0, np.append(build.operators.segment, NONE)[producer], NONE)


def segment_ends(build: Build) -> Integers:
    """Return the cycle after which nothing happens in each segment."""
    slots, operators = build.slots, build.operators
    numerator, denominator = (column[slots.link] for column in pitches(build))
    ends = np.zeros(len(build.segments), dtype=np.int64)
    np.maximum.at(ends, operators.segment, operators.start + operators.cycles)
    segment = slot_segments(build)
    mine = np.flatnonzero(segment >= 0)
    last_read = slots.read + (slots.vectors - 1) * numerator // denominator
    np.maximum.at(ends, segment[mine], last_read[mine])
    return ends


def held_cycles(build: Build) -> Integers:
    """Return for how long each slot holds its link, rounded up: ceil(n v), or ceil(n (v + latency)) on busy wires."""
    numerator, denominator = (column[build.slots.link] for column in pitches(build))
    return -(-build.slots.vectors * numerator // denominator)


def read_cycles(build: Build) -> Integers:
    """Return in how many cycles each slot is read; the last vector in the cycle that holds its time."""
    numerator, denominator = (column[build.slots.link] for column in pitches(build))
    return (build.slots.vectors - 1) * numerator // denominator + 1


def _of_slots(build: Build, node: Integers, first: Integers) -> TimedRanges:
    slots = build.slots
    start = _point(build, node, slots.tensor) + slots.first_vector
    numerator, denominator = pitches(build)
    return TimedRanges(start, start + slots.vectors, first, numerator[slots.link], denominator[slots.link])


def _point(build: Build, node: Integers, tensor: Integers) -> Integers:
    """Return the point of the first vector of a tensor at a node: node after node, in each all tensors."""
    vectors = build.tensors.vectors
    return np.asarray(node * int(vectors.sum()) + (np.cumsum(vectors) - vectors)[tensor])

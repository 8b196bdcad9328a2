"""Where the vectors are and when, as timed ranges: what departs, arrives, is produced and is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.blocks import ALL, Grouped, blocks, grouped, runs
from lpxsched.verify.ranges import TimedRanges, joined
from lpxsched.verify.violation import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers, Operators, Slots


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What happens at one or some nodes: rows of tables, in the order of nodes and, at each node, in their own.

    Attributes
    ----------
    leaving, arriving : ndarray of int64
        Slots.
    made : ndarray of int64
        Tensors of at least one vector that an operator produced.
    read : ndarray of int64
        Operands that are not weights.
    """

    leaving: Integers
    arriving: Integers
    made: Integers
    read: Integers


def places(build: Build) -> Iterator[Place]:
    """Yield blocks of whole nodes, in their order, at least one."""
    groups = _by_node(build)
    for first, last in runs(*groups):
        yield Place(*(group.of(first, last) for group in groups))


def place_of(build: Build, node: int) -> Place:
    """Return what happens at one node."""
    return Place(*(group.of(node, node + 1) for group in _by_node(build)))


@lru_cache(maxsize=1)
def _by_node(build: Build) -> tuple[Grouped, Grouped, Grouped, Grouped]:
    """Return the rows of a `Place` by node."""
    slots, links, tensors, nodes = build.slots, build.links, build.tensors, len(build.chips)
    made = np.flatnonzero((tensors.producer >= 0) & (tensors.vectors > 0))
    read = np.flatnonzero(build.operands.role != WEIGHT)
    return (
        grouped(links.src[slots.link], nodes),
        grouped(links.dst[slots.link], nodes),
        grouped(tensors.chip[made], nodes).among(made),
        grouped(build.operators.chip[build.operands.operator[read]], nodes).among(read),
    )


def slots_by_link(build: Build) -> Iterator[Integers]:
    """Yield the slots in blocks of whole links, in their order, at least one."""
    links = grouped(build.slots.link, len(build.links))
    for first, last in runs(links):
        yield links.of(first, last)


def departures(build: Build, slots: Integers) -> TimedRanges:
    """Return what slots take from the sources of their links."""
    return _of_slots(build, slots, build.links.src[build.slots.link[slots]], build.slots.depart[slots])


def arrivals(build: Build, slots: Integers, *, relay: bool) -> TimedRanges:
    """Return what slots bring to the destinations of their links.

    With `relay`, the time is that from which the node may send a vector on, not that of its read.
    """
    node, read = build.links.dst[build.slots.link[slots]], build.slots.read[slots]
    return _of_slots(build, slots, node, read + build.chips.turnaround_cycles[node] if relay else read)


def made_ranges(build: Build, tensors: Integers, cycle: Integers) -> TimedRanges:
    """Return tensors that operators produced, each whole at the cycle that is told of its operator."""
    start = _point(build, build.tensors.chip[tensors], tensors)
    return _at_once(start, build.tensors.vectors[tensors], cycle[build.tensors.producer[tensors]])


def sources(build: Build, place: Place) -> TimedRanges:
    """Return all that is at a place and from when on its nodes may use it: the arrivals, then what is made there."""
    ready = build.operators.start + build.operators.cycles
    return joined(arrivals(build, place.arriving, relay=False), made_ranges(build, place.made, ready))


def source_row(build: Build, place: Place, source: int) -> Row:
    """Return the slot or the tensor that a range of what arrives at a place and is made there stands for."""
    arriving = len(place.arriving)
    if source < arriving:
        return Row(build.slots.file, int(place.arriving[source]))
    return Row(build.tensors.file, int(place.made[source - arriving]))


def reads(build: Build, operands: Integers) -> TimedRanges:
    """Return what operators read on their nodes when they start."""
    operator = build.operands.operator[operands]
    point = _point(build, build.operators.chip[operator], build.operands.tensor[operands])
    return _at_once(
        point + build.operands.first_vector[operands], build.operands.vectors[operands], build.operators.start[operator]
    )


def vectors_at(build: Build, tensor: Integers, point: Integers) -> Integers:
    """Return which vectors of some tensors some points of the axis are."""
    before = _before(build)
    return np.asarray(point % max(int(before[-1]), 1) - before[tensor])


def pitches(build: Build) -> tuple[Integers, Integers]:
    """Return the time from one vector of a slot to the next on each link, numerator and denominator in cycles.

    A vector holds a pipelined wire while it enters it, and a busy wire until it is through.
    """
    links = build.links
    numerator, denominator = links.vector_time_numerator, links.vector_time_denominator
    if build.manifest.wire == "pipelined":
        return numerator, denominator
    return numerator + links.latency_cycles * denominator, denominator


def slot_segments(build: Build, rows: Integers | slice = ALL) -> Integers:
    """Return the segment of slots: that of the operator that produced its tensor; `NONE` when none did."""
    return tensor_segments(build, build.slots.tensor[rows])


def tensor_segments(build: Build, tensor: Integers) -> Integers:
    """Return the segment of the operator that produced each of some tensors; `NONE` where none did."""
    return _segments(build)[tensor]


@lru_cache(maxsize=1)
def _segments(build: Build) -> Integers:
    producer = build.tensors.producer
    return np.where(producer >= 0, np.append(build.operators.segment, NONE)[producer], NONE)


@lru_cache(maxsize=1)
def segment_ends(build: Build) -> Integers:
    """Return the cycle after which nothing happens in each segment."""
    operators = build.operators
    ends = np.zeros(len(build.segments) + 1, dtype=np.int64)
    np.maximum.at(ends, operators.segment, operators.start + operators.cycles)
    for rows in blocks(len(build.slots)):
        # What belongs to no segment falls into the last place.
        np.maximum.at(ends, slot_segments(build, rows), build.slots.read[rows] + read_cycles(build, rows) - 1)
    return ends[:-1]


def held_cycles(build: Build, rows: Integers | slice = ALL) -> Integers:
    """Return for how long slots hold their links, rounded up: ceil(n v), or ceil(n (v + latency)) on busy wires."""
    numerator, denominator = (column[build.slots.link[rows]] for column in pitches(build))
    return -(-build.slots.vectors[rows] * numerator // denominator)


def read_cycles(build: Build, rows: Integers | slice = ALL) -> Integers:
    """Return in how many cycles slots are read; the last vector in the cycle that holds its time."""
    numerator, denominator = (column[build.slots.link[rows]] for column in pitches(build))
    return (build.slots.vectors[rows] - 1) * numerator // denominator + 1


class Lasting(NamedTuple):
    """Rows of one table that last for some cycles, in segments that are known; see `lasting`."""

    table: Slots | Operators
    does: str
    row: Integers
    segment: Integers
    start: Integers
    length: Integers

    def take(self, places: Integers | Flags) -> Lasting:
        """Return some of the rows."""
        return Lasting(self.table, self.does, *(column[places] for column in self[2:]))

    def text(self, place: int) -> str:
        """Return what a message says of one of the rows."""
        what, start = "operator" if self.does == "runs" else "slot", self.start[place]
        during = f"[{start}, {start + self.length[place]})"
        return f"{what} {self.row[place]} of segment {self.segment[place]} {self.does} during {during}"


def lasting(build: Build) -> Iterator[Lasting]:
    """Yield, in blocks, departures while the link is held, reads on chips, and operators that take time."""
    slots, operators = build.slots, build.operators
    # Hosts take vectors whenever they come.
    to_chip = ~build.chips.host[build.links.dst]
    for rows in blocks(len(slots)):
        departing = (slot_segments(build, rows), slots.depart[rows], held_cycles(build, rows))
        yield Lasting(slots, "departs", rows, *departing).take(departing[0] >= 0)
    for every in blocks(len(slots)):
        rows = every[to_chip[slots.link[every]]]
        reading = (slot_segments(build, rows), slots.read[rows], read_cycles(build, rows))
        yield Lasting(slots, "is read", rows, *reading).take(reading[0] >= 0)
    rows = np.flatnonzero(operators.cycles > 0)
    yield Lasting(operators, "runs", rows, operators.segment[rows], operators.start[rows], operators.cycles[rows])


def _of_slots(build: Build, slots: Integers, node: Integers, first: Integers) -> TimedRanges:
    table = build.slots
    link, start = table.link[slots], _point(build, node, table.tensor[slots]) + table.first_vector[slots]
    numerator, denominator = pitches(build)
    return TimedRanges(start, start + table.vectors[slots], first, numerator[link], denominator[link])


def _at_once(start: Integers, vectors: Integers, cycle: Integers) -> TimedRanges:
    """Return ranges whose vectors are all due at one cycle."""
    return TimedRanges(start, start + vectors, cycle, np.zeros_like(start), np.ones_like(start))


def _point(build: Build, node: Integers, tensor: Integers) -> Integers:
    """Return the point of the first vector of a tensor at a node: node after node, in each all tensors."""
    before = _before(build)
    return np.asarray(node * before[-1] + before[tensor])


@lru_cache(maxsize=1)
def _before(build: Build) -> Integers:
    """Return how many vectors the tensors before each one have, and at last how many all have."""
    return np.append(0, np.cumsum(build.tensors.vectors))

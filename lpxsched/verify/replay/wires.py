"""Every vector of every slot: when it leaves, when it is read, and whether the wire carries it.

Times are exact: whole numbers of parts of a cycle, the least common multiple of what the links divide it into.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.replay.circles import followers

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

# Beyond these a replay takes more memory, or finer times, than there are.
MOST_VECTORS = 1 << 27
LARGEST_TIME = 1 << 62
BUSY = "busy"


@dataclass(frozen=True, slots=True, eq=False)
class Flights:
    """Vectors of slots, one a row, those of a slot together.

    Attributes
    ----------
    slot, point : ndarray of int64, shape (flights,)
        Row of the timetable; the vector, counted over all tensors.
    leaves, read : ndarray of int64, shape (flights,)
        In parts of a cycle.
    whole : ndarray of bool, shape (slots,)
        Whether a slot arrives as it left: its link is up, no other slot holds it too or is read in its place, no read
        comes before the arrival.
    """

    slot: Integers
    point: Integers
    leaves: Integers
    read: Integers
    whole: Flags


def expanded(first: Integers, vectors: Integers) -> tuple[Integers, Integers, Integers]:
    """Return row, number within its row, and value of each element of the ranges ``first .. first + vectors - 1``."""
    row = np.repeat(np.arange(len(vectors)), vectors)
    k = np.arange(len(row)) - np.repeat(np.cumsum(vectors) - vectors, vectors)
    return row, k, first[row] + k


def total_points(build: Build) -> int:
    """Return how many vectors operators produce, and one more that stands for what none produced."""
    return int(build.tensors.vectors[build.tensors.producer != NONE].sum()) + 1


def points_of(build: Build, tensor: Integers, vector: Integers) -> Integers:
    """Return the number, over all that operators produce, of some vectors of some tensors."""
    made = build.tensors.producer != NONE
    sizes = np.where(made, build.tensors.vectors, 0)
    return np.where(made[tensor], (np.cumsum(sizes) - sizes)[tensor] + vector, total_points(build) - 1)


def parts_of_a_cycle(build: Build) -> int:
    """Return into how many parts a cycle is divided, so that all times are whole.

    Raises
    ------
    InputError
        When the build is too large, or its times too fine, to be replayed.
    """
    read = build.operands.vectors[build.operands.role != WEIGHT]
    whole = sum(tensor.vectors for tensor in build.graph.tensors)
    moved = int(build.slots.vectors.sum()) + total_points(build) + int(read.sum()) + whole
    if moved > MOST_VECTORS:
        raise InputError(build.slots.file, f"{moved} vectors move or are read, more than {MOST_VECTORS} to replay")
    used = np.unique(build.slots.link)
    parts = lcm(*np.unique(build.links.vector_time_denominator[used]).tolist())
    spans = [column.max(initial=0) for column in (build.slots.depart, build.slots.read, build.operators.start)]
    spans += [column.max(initial=0) for column in (build.operators.cycles, build.chips.turnaround_cycles)]
    steps = _pitches(build)[used].max(initial=0) * int(build.slots.vectors.max(initial=0))
    if (sum(map(int, spans)) + int(build.links.latency_cycles.max(initial=0)) + int(steps)) * parts > LARGEST_TIME:
        raise InputError(build.links.file, f"times in parts of 1/{parts} cycle are too large to replay")
    return parts


def flights(build: Build, parts: int) -> Flights:
    """Return all vectors of all slots.

    Parameters
    ----------
    build : Build
    parts : int
        From `parts_of_a_cycle`.
    """
    slots = build.slots
    slot, k, vector = expanded(slots.first_vector, slots.vectors)
    passed = k * (_pitches(build) * (parts // _denominators(build, parts)))[slots.link[slot]]
    leaves, read = (column[slot] * parts + passed for column in (slots.depart, slots.read))
    whole = ~build.links.down[slots.link] & ~_disturbed(build) & ~_read_early(build, parts)
    return Flights(slot, points_of(build, slots.tensor[slot], vector), leaves, read, whole)


def _denominators(build: Build, parts: int) -> Integers:
    """Return the denominators of vector times; `parts` on links that no slot takes, whose times may be finer."""
    denominator = build.links.vector_time_denominator
    return np.where(parts % denominator == 0, denominator, parts)


def _pitches(build: Build) -> Integers:
    """Return the time from one vector to the next, over the denominator of the link."""
    links = build.links
    waits = links.latency_cycles * links.vector_time_denominator
    return links.vector_time_numerator + (waits if build.manifest.wire == BUSY else 0)


def _read_early(build: Build, parts: int) -> Flags:
    """Return whether each slot is read before its vectors can be there."""
    links, slots = build.links, build.slots
    flight = links.vector_time_numerator * (parts // _denominators(build, parts)) + links.latency_cycles * parts
    return np.asarray((slots.read - slots.depart) * parts < flight[slots.link])


def _disturbed(build: Build) -> Flags:
    """Return slots that hold a link together with another one, or overtake it: a link delivers in order.

    Slots of all iterations are judged. Neighbours in time alone are compared: where some slots of a link meet, two
    neighbours do, and both carry noise. What a host takes has no time of its own.
    """
    slots, links = build.slots, build.links
    rows = np.arange(len(slots))
    pairs = followers(build, rows, slots.link, slot_segments(build), slots.depart)
    numerator, denominator = _pitches(build)[slots.link], links.vector_time_denominator[slots.link]
    held = -(-slots.vectors * numerator // denominator)
    meet = held[pairs.one] > pairs.apart
    one, other = pairs.one, pairs.other
    behind = (slots.read[other] - slots.depart[other] + pairs.apart) * denominator[one]
    last = (slots.read[one] - slots.depart[one]) * denominator[one] + (slots.vectors[one] - 1) * numerator[one]
    meet |= (last >= behind) & (one != other) & ~build.chips.host[links.dst[slots.link[one]]]
    disturbed = np.zeros(len(slots), dtype=np.bool_)
    disturbed[one[meet]] = disturbed[other[meet]] = True
    return disturbed


def slot_segments(build: Build) -> Integers:
    """Return the segment of each slot, that of its tensor's producer; `NONE` where nothing produced it."""
    producer = build.tensors.producer[build.slots.tensor]
    return np.asarray(np.append(build.operators.segment, NONE)[producer])

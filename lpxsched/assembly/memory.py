"""Whether what lies on each chip fits into its SRAM, cycle by cycle, before a timetable is told or proved.

A *stay* is a row's worth of vectors on a chip: those of a slot from its read, those of an operator's result from its
start, until the last operator that reads any of them there has ended and the last of them has departed, the cycle of
the departure included. An operator that takes no time holds its operands for one cycle. Weights lie always. In a
timetable that repeats, a stay counts once for each iteration that it reaches into.

Nearly every chip could hold all that ever comes to it at once, which one sum over the rows shows; only the stays of
the others are followed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.timetable.columns import WEIGHT
from lpxsched.timetable.wires import pitch_numerators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

# What a message names of that which lies on a chip, the largest first.
NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Vectors of one tensor on one node, there during ``[since, until)``; equal segments share a time zero.

    Attributes
    ----------
    node, tensor, first_vector, vectors, segment, since, until : ndarray of int64, shape (stays,)
    """

    node: Integers
    tensor: Integers
    first_vector: Integers
    vectors: Integers
    segment: Integers
    since: Integers
    until: Integers

    def taken(self, rows: Integers | Flags | slice) -> Stays:
        """Return some of the stays."""
        return Stays(*(getattr(self, field.name)[rows] for field in fields(self)))


def refuse_overfull(build: Build, *, remedy: str) -> None:
    """Refuse a build with a chip on which more lies at once than its SRAM holds.

    Parameters
    ----------
    build : Build
    remedy : str
        What may find a timetable that fits.

    Raises
    ------
    NothingFoundError
        With chip, cycle, bytes and the largest things there: another schedule may fit.
    """
    there, weights = _arrivals(build), _weight_bytes(build)
    ever = weights.copy()
    np.add.at(ever, there.node, there.vectors * build.manifest.vector_bytes * _iterations(build))
    suspect = (ever > build.chips.sram_bytes) & ~build.chips.host
    if not suspect.any():
        return
    stays = _followed(build, there.taken(suspect[there.node]))
    stays = stays.taken(np.argsort(stays.node, kind="stable"))
    for chip in np.flatnonzero(suspect).tolist():
        first, last = stays.node.searchsorted([chip, chip + 1])
        _refuse_full_chip(build, chip, int(weights[chip]), stays.taken(slice(first, last)), remedy)


def _refuse_full_chip(build: Build, chip: int, weight_bytes: int, stays: Stays, remedy: str) -> None:
    period, capacity = _period(build), int(build.chips.sram_bytes[chip])
    fullest, cycle = Counter({"weights": weight_bytes}), 0
    for segment in np.unique(stays.segment).tolist():
        mine = stays.taken(stays.segment == segment)
        at = _fullest_cycle(mine, period)
        lying = Counter({"weights": weight_bytes})
        copies = _copies(mine, at, period)
        for row in np.flatnonzero(copies).tolist():
            size = int(copies[row] * mine.vectors[row]) * build.manifest.vector_bytes
            lying[str(build.tensors.name[mine.tensor[row]])] += size
        if lying.total() > fullest.total():
            fullest, cycle = lying, at
    if fullest.total() > capacity:
        named = ", ".join(f"{name} {size:,}" for name, size in fullest.most_common(NAMED) if size)
        every = f" of every {period}" if period else ""
        raise NothingFoundError(
            f"chip {chip} would hold {fullest.total():,} bytes in cycle {cycle}{every}, its SRAM holds {capacity:,}; "
            f"most of it {named}",
            remedy=remedy,
        )


def _arrivals(build: Build) -> Stays:
    """Return what comes to each node, not yet followed: what slots bring and what operators leave."""
    slots, operators, tensors = build.slots, build.operators, build.tensors
    made = np.flatnonzero(tensors.producer != NONE)
    tensor = np.concatenate([slots.tensor, made])
    producer = tensors.producer[made]
    start = operators.start[producer]
    return Stays(
        node=np.concatenate([build.links.dst[slots.link], tensors.chip[made]]),
        tensor=tensor,
        first_vector=np.concatenate([slots.first_vector, np.zeros_like(made)]),
        vectors=np.concatenate([slots.vectors, tensors.vectors[made]]),
        segment=operators.segment[tensors.producer[tensor]],
        since=np.concatenate([slots.read, start]),
        until=np.concatenate([slots.read + 1, start + _held_cycles(build, producer)]),
    )


def _held_cycles(build: Build, operator: Integers) -> Integers:
    return np.maximum(build.operators.cycles[operator], 1)


def _weight_bytes(build: Build) -> Integers:
    weights = np.flatnonzero(build.tensors.producer == NONE)
    held = np.zeros(len(build.chips), dtype=np.int64)
    np.add.at(held, build.tensors.chip[weights], build.tensors.bytes[weights])
    return held


def _period(build: Build) -> int:
    """Return the period of the only frame of what repeats; 0 for what runs on demand."""
    return int(build.frames.period_cycles.max(initial=0))


def _iterations(build: Build) -> int:
    """Return in how many iterations anything can lie somewhere at once."""
    period = _period(build)
    if not period:
        return 1
    ends = (build.slots.read, build.slots.depart, build.operators.start + build.operators.cycles)
    return 2 + max(int(column.max(initial=0)) for column in ends) // period


def _followed(build: Build, stays: Stays) -> Stays:
    """Return stays with their ends: those of the last use of any of their vectors."""
    node, tensor, first, vectors, until = _uses(build)
    # All tensors of all nodes one after the other on one axis; what lies on a node comes to it once.
    keys, group = np.unique(stays.node * len(build.tensors) + stays.tensor, return_inverse=True)
    sizes = build.tensors.vectors[keys % len(build.tensors)]
    offset = np.cumsum(sizes) - sizes
    place = np.searchsorted(keys, node * len(build.tensors) + tensor)
    known = np.append(keys, NONE)[place] == node * len(build.tensors) + tensor
    start = offset[place[known]] + first[known]
    use_end, until = start + vectors[known], until[known]
    begin = offset[group] + stays.first_vector
    order = np.argsort(begin, kind="stable")
    low = np.searchsorted((begin + stays.vectors)[order], start, side="right")
    pairs = np.maximum(np.searchsorted(begin[order], use_end, side="left") - low, 0)
    use = np.repeat(np.arange(len(pairs)), pairs)
    stay = order[np.arange(len(use)) - np.repeat(np.cumsum(pairs) - pairs - low, pairs)]
    last = stays.until.copy()
    np.maximum.at(last, stay, until[use])
    return Stays(stays.node, stays.tensor, stays.first_vector, stays.vectors, stays.segment, stays.since, last)


def _uses(build: Build) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Return node, tensor, first vector, vectors and end of all that departs and of all that operators read."""
    slots, links, operands = build.slots, build.links, build.operands
    rows = np.flatnonzero(operands.role != WEIGHT)
    reader = operands.operator[rows]
    numerator, denominator = pitch_numerators(build)[slots.link], links.vector_time_denominator[slots.link]
    departed = slots.depart + (slots.vectors - 1) * numerator // denominator + 1
    return (
        np.concatenate([links.src[slots.link], build.operators.chip[reader]]),
        np.concatenate([slots.tensor, operands.tensor[rows]]),
        np.concatenate([slots.first_vector, operands.first_vector[rows]]),
        np.concatenate([slots.vectors, operands.vectors[rows]]),
        np.concatenate([departed, build.operators.start[reader] + _held_cycles(build, reader)]),
    )


def _fullest_cycle(stays: Stays, period: int) -> int:
    """Return the first cycle in which most vectors lie there."""
    since, until, vectors = stays.since, stays.until, stays.vectors
    if period:
        # Whole periods count the same in every cycle; what reaches beyond the end of a period is there when it begins.
        begin = since % period
        end = begin + (until - since) % period
        again = end > period
        since = np.concatenate([begin, np.zeros_like(begin[again])])
        until = np.concatenate([np.minimum(end, period), end[again] - period])
        vectors = np.concatenate([vectors, vectors[again]])
    time, change = np.concatenate([until, since]), np.concatenate([-vectors, vectors])
    # What ends in a cycle makes room for what begins in it.
    order = np.argsort(time, kind="stable")
    return int(time[order][np.argmax(np.cumsum(change[order]))])


def _copies(stays: Stays, cycle: int, period: int) -> Integers:
    """Return in how many iterations each stay is there in a cycle."""
    if period:
        return (stays.until - 1 - cycle) // period - (stays.since - 1 - cycle) // period
    return ((stays.since <= cycle) & (cycle < stays.until)).astype(np.int64)

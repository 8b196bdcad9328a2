"""Where vectors get: what each operand finds at its chip when its operator starts, by the rows of the timetable alone.

A node *holds* a vector from the end of the operator that produced it there, or from its read there. A slot carries, for
each of its vectors, what its source then holds: the latest of what came there by then, a turnaround ago. If that is
nothing, or nothing that began at a producer, what arrives is noise. Noise is passed on like anything else, so of each
vector that arrives there is a root: the producer, or the slot that had nothing to carry.

All iterations of a timetable that repeats do the same, a period later, each with its own vectors; what they share are
links (`wires`) and memory (`rotation`), which are judged for all of them. So one pass tells of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.replay.holding import held_of, keys_of, paid_for
from lpxsched.verify.replay.rotation import copies_needed, overwritten, uses_of
from lpxsched.verify.replay.wires import expanded, flights, parts_of_a_cycle, points_of, total_points

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers
    from lpxsched.verify.replay.holding import HeldVectors
    from lpxsched.verify.replay.rotation import Copies
    from lpxsched.verify.replay.wires import Flights


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """What operands find, one vector of an operand a row, those of an operand together, in their order.

    Attributes
    ----------
    operand : ndarray of int64, shape (vectors,)
        Row of ``operands.parquet``.
    k : ndarray of int64, shape (vectors,)
        Number within the operand.
    point : ndarray of int64, shape (vectors,)
        The vector that is asked for, counted over all tensors.
    got : ndarray of bool, shape (vectors,)
        Whether it is what the operand finds.
    culprit : ndarray of int64, shape (vectors,)
        The slot that had nothing to carry, where noise is found; `NONE` elsewhere.
    comes : ndarray of int64, shape (vectors,)
        Where nothing is found, the cycle (rounded up) at which it first comes; `NONE` where it never does.
    overwritten : ndarray of int64, shape (vectors,)
        Where a later iteration has written over it, the cycle (rounded down) in which; `NONE` elsewhere.
    robbed : ndarray of bool, shape (slots,)
        Whether a later iteration has written over something that a slot takes.
    unused : ndarray of int64
        Slots that bring vectors which nothing there reads or passes on.
    whole : ndarray of bool, shape (slots,)
        As of `Flights`.
    """

    operand: Integers
    k: Integers
    point: Integers
    got: Flags
    culprit: Integers
    comes: Integers
    overwritten: Integers
    robbed: Flags
    unused: Integers
    whole: Flags


class _Ways(NamedTuple):
    """All vectors of slots, all that is held, and what of it operands find and slots take; times in `parts`."""

    parts: int
    sent: Flights
    operand: Integers
    k: Integers
    key: Integers
    point: Integers
    held: HeldVectors
    found: Integers
    taken: Integers


def movement(build: Build, copies: Copies | None = None) -> Movement:
    """Return what every operand finds.

    Parameters
    ----------
    build : Build
    copies : mapping, optional
        How often a tensor lies at a node, by both; None for as often as `copies_of` asks for.
    """
    ways = _ways(build)
    sent, held, found, taken = ways.sent, ways.held, ways.found, ways.taken
    uses, reads = uses_of(build, held, ways.operand, found, sent, taken, ways.parts), len(found)
    late = overwritten(build, uses, copies_needed(build, uses) if copies is None else copies)
    lost = late >= 0
    root = _roots(held, taken, sent.whole[sent.slot] & ~lost[reads:])
    origin = np.append(root, NONE)[found]
    noise = origin >= held.made
    slot = np.append(np.full(held.made, NONE), sent.slot)
    robbed = np.zeros(len(build.slots), dtype=np.bool_)
    robbed[sent.slot[lost[reads:]]] = True
    return Movement(
        operand=ways.operand,
        k=ways.k,
        point=ways.point,
        got=(origin != NONE) & ~noise & ~lost[:reads],
        culprit=np.where(noise, slot[origin], NONE),
        comes=_comes(held, ways.key, found, ways.parts),
        overwritten=np.where(lost, late // ways.parts, NONE)[:reads],
        robbed=robbed,
        unused=_unused(held, sent, np.concatenate([found, taken])),
        whole=sent.whole,
    )


def copies_of(build: Build) -> Copies:
    """Return how often each tensor must lie at each node at least, by node and tensor; tensors of more than once."""
    ways = _ways(build)
    uses = uses_of(build, ways.held, ways.operand, ways.found, ways.sent, ways.taken, ways.parts)
    return copies_needed(build, uses)


def _ways(build: Build) -> _Ways:
    parts = parts_of_a_cycle(build)
    sent = flights(build, parts)
    operand, k, key, point = _asked(build)
    held = held_of(build, sent, parts)
    start = build.operators.start[build.operands.operator[operand]] * parts
    found = _last(held.key, held.there, key, start)
    held = paid_for(build, held, operand, found, parts)
    taken = _last(held.key, held.leaves, keys_of(build, build.links.src, sent.slot, sent.point), sent.leaves)
    return _Ways(parts, sent, operand, k, key, point, held, found, taken)


def _asked(build: Build) -> tuple[Integers, Integers, Integers, Integers]:
    """Return operand, number within it, key and point of every vector that operators read, weights left out."""
    operands, tensors = build.operands, build.tensors
    rows = np.flatnonzero(operands.role != WEIGHT)
    row, k, vector = expanded(operands.first_vector[rows], operands.vectors[rows])
    operand = rows[row]
    point = points_of(build, operands.tensor[operand], vector)
    operator = operands.operator[operand]
    # Times of another segment are no times here: what it produced is not found at all.
    producer = tensors.producer[operands.tensor[operand]]
    foreign = np.append(build.operators.segment, NONE)[producer] != build.operators.segment[operator]
    key = build.operators.chip[operator] * total_points(build) + point
    return operand, k, np.where(foreign, NONE, key), point


def _last(held_key: Integers, held_time: Integers, key: Integers, time: Integers) -> Integers:
    """Return the latest of what is held under each key by each time; `NONE` where there is nothing."""
    held = len(held_key)
    by_key = np.argsort(held_key)
    sorted_keys = held_key[by_key]
    if held and (sorted_keys[1:] > sorted_keys[:-1]).all():
        # Nothing is held twice, as in every sound build: there is no latest to look for.
        one = by_key[np.minimum(np.searchsorted(sorted_keys, key), held - 1)]
        return np.where((held_key[one] == key) & (held_time[one] <= time), one, NONE)
    keys, times = np.concatenate([held_key, key]), np.concatenate([held_time, time])
    asks = np.arange(len(keys)) >= held
    order = np.lexsort((asks, times, keys))
    last = np.maximum.accumulate(np.where(asks[order], NONE, np.arange(len(order))))
    before = np.where(last < 0, NONE, order[last])
    found = np.full(len(keys), NONE, dtype=np.int64)
    found[order] = np.where((before >= 0) & (keys[before] == keys[order]), before, NONE)
    return found[held:]


def _roots(held: HeldVectors, taken: Integers, carries: Flags) -> Integers:
    """Return where each thing held began: a made vector, or the arrival that broke the way.

    Every arrival is later than what it was taken from, so ways have an end and are halved until they are followed.
    """
    arrivals = np.arange(held.made, len(held.key))
    root = np.concatenate([np.arange(held.made), np.where(carries & (taken != NONE), taken, arrivals)])
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further


def _comes(held: HeldVectors, key: Integers, found: Integers, parts: int) -> Integers:
    """Return, where nothing is found, the cycle at which something first comes under the key."""
    comes = np.full(len(key), NONE, dtype=np.int64)
    missing = np.flatnonzero(found == NONE)
    if not len(missing):
        return comes
    order = np.lexsort((held.there, held.key))
    keys = held.key[order]
    place = np.minimum(np.searchsorted(keys, key[missing]), max(0, len(keys) - 1))
    if len(keys):
        later = keys[place] == key[missing]
        comes[missing] = np.where(later, -(-held.there[order[place]] // parts), NONE)
    return comes


def _unused(held: HeldVectors, sent: Flights, used: Integers) -> Integers:
    """Return the slots that bring something which nothing takes."""
    takes = np.zeros(len(held.key), dtype=np.bool_)
    takes[used[used != NONE]] = True
    return np.unique(sent.slot[~takes[held.made :]])

"""Where vectors get: what each operand finds at its chip when its operator starts, by the rows of the timetable alone.

A node *holds* a vector from the end of the operator that produced it there, or from its read there. A slot carries, for
each of its vectors, what its source then holds: the latest of what came there by then, a turnaround ago. If that is
nothing, or nothing that began at a producer, what arrives is noise. Noise is passed on like anything else, so of each
vector that arrives there is a root: the producer, or the slot that had nothing to carry.

All iterations of a timetable that repeats do the same, a period later, each with its own vectors; what they share are
the links, which `wires` judges for all of them. So one pass tells of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NEVER, NONE
from lpxsched.verify.replay.placement import ADD
from lpxsched.verify.replay.wires import expanded, flights, parts_of_a_cycle, points_of, total_points

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers
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
    unused: Integers
    whole: Flags


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """What nodes hold: first what operators produced, then what slots brought; times in parts of a cycle."""

    made: int
    key: Integers
    point: Integers
    there: Integers
    leaves: Integers


def movement(build: Build) -> Movement:
    """Return what every operand finds."""
    parts = parts_of_a_cycle(build)
    sent = flights(build, parts)
    operand, k, key, point = _asked(build)
    held = _held(build, sent, parts)
    start = build.operators.start[build.operands.operator[operand]] * parts
    found = _last(held.key, held.there, key, start)
    held = _paid_for(build, held, operand, found, parts)
    taken = _last(held.key, held.leaves, _keys(build, build.links.src, sent.slot, sent.point), sent.leaves)
    root = _roots(held, taken, sent.whole[sent.slot])
    origin = np.append(root, NONE)[found]
    noise = origin >= held.made
    slot = np.append(np.full(held.made, NONE), sent.slot)
    return Movement(
        operand=operand,
        k=k,
        point=point,
        got=(origin != NONE) & ~noise,
        culprit=np.where(noise, slot[origin], NONE),
        comes=_comes(held, key, found, parts),
        unused=_unused(held, sent, np.concatenate([found, taken])),
        whole=sent.whole,
    )


def owners(build: Build) -> Integers:
    """Return the operator that produces each vector; `NONE` for the last, which stands for what none produced."""
    producer = build.tensors.producer
    made = producer != NONE
    return np.append(np.repeat(producer[made], build.tensors.vectors[made]), NONE)


def _keys(build: Build, end: Integers, slot: Integers, point: Integers) -> Integers:
    """Return node and vector as one number, for vectors of slots at an end of their links."""
    return np.asarray(end[build.slots.link[slot]] * total_points(build) + point)


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


def _held(build: Build, sent: Flights, parts: int) -> _Held:
    """Return what is held, sums as if they might leave at once; a host passes nothing on."""
    tensors, operators = build.tensors, build.operators
    made = np.flatnonzero(tensors.producer != NONE)
    made = made[tensors.chip[made] == operators.chip[tensors.producer[made]]]
    row, _, vector = expanded(np.zeros(len(made), dtype=np.int64), tensors.vectors[made])
    point, producer = points_of(build, made[row], vector), tensors.producer[made[row]]
    end = (operators.start[producer] + operators.cycles[producer]) * parts
    node = build.links.dst[build.slots.link[sent.slot]]
    arriving = _keys(build, build.links.dst, sent.slot, sent.point)
    turned = sent.read + build.chips.turnaround_cycles[node] * parts
    return _Held(
        made=len(row),
        key=np.concatenate([operators.chip[producer] * total_points(build) + point, arriving]),
        point=np.concatenate([point, sent.point]),
        there=np.concatenate([end, sent.read]),
        leaves=np.concatenate([end, np.where(build.chips.host[node], NEVER << 2, turned)]),
    )


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


def _paid_for(build: Build, held: _Held, operand: Integers, found: Integers, parts: int) -> _Held:
    """Let sums pay like relays: none leaves before what it adds might have left, and the sum.

    What one sum needs may be another one on the same chip; no chain is longer than there are sums.
    """
    adds = build.operators.kind == ADD
    operator = build.operands.operator[operand]
    reads = np.flatnonzero(adds[operator] & (found != NONE))
    # The producer of each made vector, in the order of `held`.
    owner = owners(build)[held.point[: held.made]]
    end = (build.operators.start + build.operators.cycles) * parts
    leaves = held.leaves.copy()
    for _ in range(int(adds.sum()) + 1):
        least = end.copy()
        paid = leaves[found[reads]] + (build.operators.cycles * parts)[operator[reads]]
        np.maximum.at(least, operator[reads], np.where(leaves[found[reads]] < NEVER << 1, paid, NONE))
        if np.array_equal(leaves[: held.made], least[owner]):
            break
        leaves[: held.made] = least[owner]
    return _Held(held.made, held.key, held.point, held.there, leaves)


def _roots(held: _Held, taken: Integers, carries: Flags) -> Integers:
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


def _comes(held: _Held, key: Integers, found: Integers, parts: int) -> Integers:
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


def _unused(held: _Held, sent: Flights, used: Integers) -> Integers:
    """Return the slots that bring something which nothing takes."""
    takes = np.zeros(len(held.key), dtype=np.bool_)
    takes[used[used != NONE]] = True
    return np.unique(sent.slot[~takes[held.made :]])

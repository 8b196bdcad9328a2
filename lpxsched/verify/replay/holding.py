"""What nodes hold: a vector, from the end of the operator that produced it there or from its read there on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NEVER, NONE
from lpxsched.verify.replay.placement import ADD
from lpxsched.verify.replay.wires import expanded, points_of, total_points

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.wires import Flights


@dataclass(frozen=True, slots=True, eq=False)
class HeldVectors:
    """What nodes hold: first what operators produced, then what slots brought; times in parts of a cycle.

    Attributes
    ----------
    made : int
        How many of them operators produced.
    key : ndarray of int64, shape (held,)
        Node and vector as one number.
    point : ndarray of int64, shape (held,)
        The vector, counted over all tensors.
    there, leaves : ndarray of int64, shape (held,)
        From when on operators may read it, and slots take it.
    """

    made: int
    key: Integers
    point: Integers
    there: Integers
    leaves: Integers


def held_of(build: Build, sent: Flights, parts: int) -> HeldVectors:
    """Return what is held, sums as if they might leave at once; a host passes nothing on."""
    tensors, operators = build.tensors, build.operators
    made = np.flatnonzero(tensors.producer != NONE)
    made = made[tensors.chip[made] == operators.chip[tensors.producer[made]]]
    row, _, vector = expanded(np.zeros(len(made), dtype=np.int64), tensors.vectors[made])
    point, producer = points_of(build, made[row], vector), tensors.producer[made[row]]
    end = (operators.start[producer] + operators.cycles[producer]) * parts
    node = build.links.dst[build.slots.link[sent.slot]]
    arriving = keys_of(build, build.links.dst, sent.slot, sent.point)
    turned = sent.read + build.chips.turnaround_cycles[node] * parts
    return HeldVectors(
        made=len(row),
        key=np.concatenate([operators.chip[producer] * total_points(build) + point, arriving]),
        point=np.concatenate([point, sent.point]),
        there=np.concatenate([end, sent.read]),
        leaves=np.concatenate([end, np.where(build.chips.host[node], NEVER << 2, turned)]),
    )


def owners(build: Build) -> Integers:
    """Return the operator that produces each vector; `NONE` for the last, which stands for what none produced."""
    producer = build.tensors.producer
    made = producer != NONE
    return np.append(np.repeat(producer[made], build.tensors.vectors[made]), NONE)


def paid_for(build: Build, held: HeldVectors, operand: Integers, found: Integers, parts: int) -> HeldVectors:
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
    return HeldVectors(held.made, held.key, held.point, held.there, leaves)


def keys_of(build: Build, end: Integers, slot: Integers, point: Integers) -> Integers:
    """Return node and vector as one number, for vectors of slots at an end of their links."""
    return np.asarray(end[build.slots.link[slot]] * total_points(build) + point)

"""Memory of a timetable that repeats: a tensor that a node needs for longer than a period lies there several times.

Iteration i writes copy i mod c. So what iteration i wrote at a time t is overwritten at t + c P by iteration i + c, and
whoever uses it later finds something else. A vector is written when it is read from its link, or from the start of the
operator that makes it; an operator uses what it reads to its end, a slot each vector for the cycle in which it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.replay.holding import owners
from lpxsched.verify.replay.placement import axes
from lpxsched.verify.replay.wires import total_points

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.holding import HeldVectors
    from lpxsched.verify.replay.wires import Flights

# How often a tensor lies at a node, by node and row of ``tensors.parquet``; once where nothing is said.
Copies = Mapping[tuple[int, int], int]


class Uses(NamedTuple):
    """Uses of vectors at nodes, one a row: by operands in their order, then by slots.

    Attributes
    ----------
    key : ndarray of int64, shape (uses,)
        Node and tensor as one number.
    begin, until : ndarray of int64, shape (uses,)
        When the vector was written and until when it is used, in parts of a cycle.
    period : ndarray of int64, shape (uses,)
        In parts of a cycle; 0 where nothing repeats, or nothing is there to be used.
    """

    key: Integers
    begin: Integers
    until: Integers
    period: Integers


def uses_of(
    build: Build, held: HeldVectors, operand: Integers, found: Integers, sent: Flights, taken: Integers, parts: int
) -> Uses:
    """Return what operands and slots use.

    Parameters
    ----------
    build : Build
    held : HeldVectors
    operand, found : ndarray of int64, shape (vectors,)
        Row of ``operands.parquet``, and the row of `held` that it finds; `NONE` for nothing.
    sent : Flights
    taken : ndarray of int64, shape (flights,)
        The row of `held` that a slot takes; `NONE` for nothing.
    parts : int
        Of a cycle.
    """
    operators, tensors, used = build.operators, build.tensors, np.concatenate([found, taken])
    producer, made = owners(build)[held.point], np.flatnonzero(tensors.producer != NONE)
    begin = held.there.copy()
    begin[: held.made] -= operators.cycles[producer[: held.made]] * parts
    tensor = np.append(np.repeat(made, tensors.vectors[made]), NONE)[held.point]
    period = np.append(axes(build)[2], 0)[np.append(operators.segment, NONE)[producer]]
    reader = build.operands.operator[operand]
    lasting = operators.start[reader] + np.maximum(operators.cycles[reader], 1)
    return Uses(
        key=np.append(held.key // total_points(build) * len(tensors) + tensor, NONE)[used],
        begin=np.append(begin, 0)[used],
        until=np.concatenate([lasting * parts, sent.leaves + parts]),
        period=np.append(period, 0)[used] * parts,
    )


def copies_needed(build: Build, uses: Uses) -> Copies:
    """Return how often each tensor must lie at each node at least, by both; tensors of more than once."""
    copies = np.where(uses.period > 0, -(-(uses.until - uses.begin) // np.maximum(uses.period, 1)), 1)
    rows = np.flatnonzero(copies > 1)
    keys, place = np.unique(uses.key[rows], return_inverse=True)
    most = np.ones(len(keys), dtype=np.int64)
    np.maximum.at(most, place, copies[rows])
    pairs = (divmod(key, len(build.tensors)) for key in keys.tolist())
    return dict(zip(pairs, most.tolist(), strict=True))


def overwritten(build: Build, uses: Uses, copies: Copies) -> Integers:
    """Return when what is used was overwritten by a later iteration, in parts of a cycle; `NONE` where it was not.

    Parameters
    ----------
    build : Build
    uses : Uses
    copies : mapping
    """
    said = sorted((node * len(build.tensors) + tensor, copy) for (node, tensor), copy in copies.items())
    keys, number = np.array(said, dtype=np.int64).reshape(-1, 2).T
    place = np.searchsorted(keys, uses.key)
    there = np.append(keys, NONE)[place] == uses.key
    last = uses.begin + np.where(there, np.append(number, 1)[place], 1) * uses.period
    return np.where((uses.period > 0) & (uses.until > last), last, NONE)

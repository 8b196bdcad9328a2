"""Blocks: runs of vectors of one tensor at one node, and when they lie there.

The rule of memory (R6) follows vectors one by one; a program names a run of them by one address. So a block lies from
the first of its vectors to the last of them, no shorter than each: a vector lies at a node from its read, or from the
start of the operator that produces it there, to the end of the last operator that reads it there and of its last
departure, the cycle in which it departs included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.timetable.derived import pitch_numerators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """All blocks, sorted by node, tensor and first vector.

    Attributes
    ----------
    node, tensor, first, vectors : ndarray of int64, shape (blocks,)
        Vectors ``first .. first + vectors - 1`` of a tensor at a node.
    segment : ndarray of int64, shape (blocks,)
        In whose time they lie there.
    begin, end : ndarray of int64, shape (blocks,)
        ``[begin, end)`` in cycles of the segment's time.
    """

    node: Integers
    tensor: Integers
    first: Integers
    vectors: Integers
    segment: Integers
    begin: Integers
    end: Integers

    def find(self, node: Integers, tensor: Integers, vector: Integers) -> Integers:
        """Return the block in which each of some vectors lies; `NONE` where none does."""
        if not len(self.node):
            return np.full(len(node), NONE, dtype=np.int64)
        tensors = int(max(self.tensor.max(initial=0), tensor.max(initial=0))) + 1
        vectors = int(max((self.first + self.vectors).max(initial=0), vector.max(initial=0))) + 1
        mine = (self.node * tensors + self.tensor) * vectors + self.first
        asked = (node * tensors + tensor) * vectors + vector
        row = np.searchsorted(mine, asked, side="right") - 1
        found = np.maximum(row, 0)
        inside = (
            (row >= 0)
            & (self.node[found] == node)
            & (self.tensor[found] == tensor)
            & (vector < self.first[found] + self.vectors[found])
        )
        return np.where(inside, found, NONE)


class _Uses(NamedTuple):
    """Runs of vectors at nodes, and cycles in which they must lie there at least."""

    node: Integers
    tensor: Integers
    first: Integers
    vectors: Integers
    begin: Integers
    end: Integers


def blocks_of(build: Build) -> Blocks:
    """Return the blocks of a sound build."""
    arriving, uses = _arriving(build), [_made(build), _leaving(build), _read(build)]
    there = _Uses(*(np.concatenate(columns) for columns in zip(arriving, uses[0], strict=True)))
    order = np.lexsort((there.first, there.tensor, there.node))
    there = _Uses(*(column[order] for column in there))
    opens = _opens(there)
    ends = np.maximum.reduceat(there.first + there.vectors, opens) if len(opens) else opens
    tensor, producer = there.tensor[opens], build.tensors.producer[there.tensor[opens]]
    blocks = Blocks(
        there.node[opens],
        tensor,
        there.first[opens],
        ends - there.first[opens],
        build.operators.segment[producer],
        np.minimum.reduceat(there.begin, opens) if len(opens) else opens,
        np.maximum.reduceat(there.end, opens) if len(opens) else opens,
    )
    for use in uses[1:]:
        row = blocks.find(use.node, use.tensor, use.first)
        np.maximum.at(blocks.end, row[row >= 0], use.end[row >= 0])
    return blocks


def _opens(there: _Uses) -> Integers:
    """Return where a run begins that no earlier one reaches, of runs that are sorted."""
    changes = np.append(True, (there.node[1:] != there.node[:-1]) | (there.tensor[1:] != there.tensor[:-1]))
    reach, far = there.first + there.vectors, int((there.first + there.vectors).max(initial=0)) + 1
    owner = np.cumsum(changes[: len(reach)]) * far
    reached = np.maximum.accumulate(reach + owner)
    gap = np.append(True, (there.first + owner)[1:] > reached[:-1])
    return np.flatnonzero(gap[: len(reach)])


def _arriving(build: Build) -> _Uses:
    slots = build.slots
    node, last = build.links.dst[slots.link], _last(build, slots.read)
    return _Uses(node, slots.tensor, slots.first_vector, slots.vectors, slots.read, last + 1)


def _leaving(build: Build) -> _Uses:
    slots = build.slots
    node, last = build.links.src[slots.link], _last(build, slots.depart)
    return _Uses(node, slots.tensor, slots.first_vector, slots.vectors, slots.depart, last + 1)


def _last(build: Build, first: Integers) -> Integers:
    """Return the cycle of the last vector of each slot, given that of its first."""
    link, numerator = build.slots.link, pitch_numerators(build)
    return first + (build.slots.vectors - 1) * numerator[link] // build.links.vector_time_denominator[link]


def _made(build: Build) -> _Uses:
    tensor = np.flatnonzero((build.tensors.producer != NONE) & (build.tensors.vectors > 0))
    start, end = _running(build, build.tensors.producer[tensor])
    return _Uses(build.tensors.chip[tensor], tensor, np.zeros_like(tensor), build.tensors.vectors[tensor], start, end)


def _read(build: Build) -> _Uses:
    operands = build.operands
    row = np.flatnonzero(operands.role != WEIGHT)
    operator = operands.operator[row]
    start, end = _running(build, operator)
    node = build.operators.chip[operator]
    return _Uses(node, operands.tensor[row], operands.first_vector[row], operands.vectors[row], start, end)


def _running(build: Build, operator: Integers) -> tuple[Integers, Integers]:
    """Return for which cycles operators hold what they read and leave; at least one."""
    start = build.operators.start[operator]
    return start, start + np.maximum(build.operators.cycles[operator], 1)

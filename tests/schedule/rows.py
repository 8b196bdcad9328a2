"""A schedule as rows: values, slots, sums, reads; nothing here is shared with a solver."""

from __future__ import annotations

from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from numpy.typing import NDArray

    from lpxsched.schedule.result import Schedule


class Value(NamedTuple):
    """What is made on `node` at `ready`: `vectors` vectors, the first of which is vector `offset` of all."""

    offset: int
    vectors: int
    node: int
    ready: int


class Slot(NamedTuple):
    """A run on one lane: `leaves(k)` and `read(k)` are the times of its k-th vector, vector `first + k` of `value`."""

    value: int
    first: int
    vectors: int
    bundle: int
    lane: int
    source: int
    destination: int
    depart: int
    hop: int
    pitch: Fraction

    @property
    def hold(self) -> int:
        """Return how long the lane is held."""
        return ceil(self.vectors * self.pitch)

    def leaves(self, k: int) -> Fraction:
        """Return when vector k begins to leave."""
        return self.depart + k * self.pitch

    def read(self, k: int) -> Fraction:
        """Return when vector k is read at the far end."""
        return self.depart + self.hop + k * self.pitch


class Sum(NamedTuple):
    """A sum of (value, first) operands; its result is value number `value`."""

    value: int
    node: int
    start: int
    cycles: int
    piece: int
    first: int
    vectors: int
    complete: bool
    operands: list[tuple[int, int]]


class Read(NamedTuple):
    """What an operator reads."""

    operator: int
    value: int
    first: int
    vectors: int


def cells(*columns: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Return the rows of some columns."""
    return zip(*(column.tolist() for column in columns), strict=True)


class Wire(NamedTuple):
    """A bundle: ends, lanes, cycles from a departure to the earliest read, exact cycles from vector to vector."""

    source: int
    destination: int
    lanes: int
    hop: int
    pitch: Fraction


def slots_of(wires: list[Wire], schedule: Schedule) -> Iterator[Slot]:
    """Yield all slots with the ends and the times of their bundles."""
    what = schedule.slot_value, schedule.slot_first, schedule.slot_vectors
    for *run, bundle, lane, depart in cells(*what, schedule.slot_bundle, schedule.slot_lane, schedule.slot_depart):
        wire = wires[bundle]
        yield Slot(*run, bundle, lane, wire.source, wire.destination, depart, wire.hop, wire.pitch)


def sums_of(schedule: Schedule) -> Iterator[Sum]:
    """Yield all sums; their results are numbered after those of operators."""
    sums = schedule.sums
    operands: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, value, first in cells(sums.operand_sum, sums.operand_value, sums.operand_first):
        operands[number].append((value, first))
    rows = cells(sums.node, sums.start, sums.cycles, sums.piece, sums.first, sums.vectors, sums.complete)
    for number, row in enumerate(rows):
        yield Sum(len(schedule.operator_start) + number, *row, operands[number])


def reads_of(schedule: Schedule) -> Iterator[Read]:
    """Yield all that operators read."""
    for row in cells(schedule.read_operator, schedule.read_value, schedule.read_first, schedule.read_vectors):
        yield Read(*row)

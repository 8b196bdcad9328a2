"""Look-ups that a walk along a critical path needs: what is where, since when, and who holds what."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import InputError
from lpxsched.report.frames import deskew_rows
from lpxsched.timetable.columns import REDUCE, WEIGHT, WITHOUT_UNIT
from lpxsched.timetable.derived import held_cycles, pitch_numerators, slot_segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

Span = tuple[int, int]


class Piece(NamedTuple):
    """Consecutive vectors of a tensor on a node; `slot` is `NONE` when they were produced there."""

    tensor: int
    first: int
    last: int
    slot: int


class Turning(NamedTuple):
    """When the result of an operator may leave its node, and the operand that decides it; None where its end does."""

    cycle: Fraction
    piece: Piece | None


class Hop(NamedTuple):
    """A slot with what a walk asks of its link: v, and the time from one vector to the next."""

    tensor: int
    first_vector: int
    link: int
    depart: int
    read: int
    vector_time: Fraction
    pitch: Fraction


class Sorted(NamedTuple):
    """Rows in the order of a number that each has, and these numbers in that order."""

    rows: Integers
    keys: Integers

    @classmethod
    def by(cls, key: Integers, within: Integers | None = None) -> Sorted:
        """Sort rows by a number, equal ones by another, or as they are."""
        rows = np.argsort(key, kind="stable") if within is None else np.lexsort((within, key))
        return cls(rows, key[rows])

    def having(self, key: int) -> Integers:
        """Return the rows that have a number."""
        first, last = self.keys.searchsorted([key, key + 1])
        return self.rows[first:last]


@dataclass(frozen=True, slots=True, eq=False)
class EventIndex:
    """A build with its look-ups: rows sorted by what a walk asks for, each found by bisection.

    Attributes
    ----------
    build : Build
    slot_segment : ndarray of int64, shape (slots,)
        Segment of each slot.
    pitch_numerator : ndarray of int64, shape (links,)
        Time from one vector of a slot to the next, over ``vector_time_denominator``.
    arrivals : Sorted
        Slots by tensor and the node to which they bring it.
    unit : ndarray of int64, shape (operators,)
        Segment, chip and unit of each operator as one number; `NONE` where it holds none.
    on_unit : Sorted
        Operators by that number, then by their start.
    last : ndarray of int64, shape (segments,)
        The operator that starts last in each segment, the first of several; `NONE` without any.
    deskews : dict
        Stalls of each segment, in order.
    turns : dict
        What `turning` has found.
    """

    build: Build
    slot_segment: Integers
    pitch_numerator: Integers
    arrivals: Sorted
    unit: Integers
    on_unit: Sorted
    last: Integers
    deskews: dict[int, list[Span]]
    turns: dict[int, Turning]

    @classmethod
    def of(cls, build: Build) -> EventIndex:
        """Return the look-ups of a build."""
        slots, unit = build.slots, _units(build)
        return cls(
            build=build,
            slot_segment=slot_segments(build),
            pitch_numerator=pitch_numerators(build),
            arrivals=Sorted.by(slots.tensor * len(build.chips) + build.links.dst[slots.link]),
            unit=unit,
            on_unit=Sorted.by(unit, build.operators.start),
            last=_last(build),
            deskews=_deskews(build),
            turns={},
        )

    def hop(self, slot: int) -> Hop:
        """Return a slot with what its link makes of it."""
        table, links = self.build.slots, self.build.links
        link = int(table.link[slot])
        denominator = int(links.vector_time_denominator[link])
        return Hop(
            int(table.tensor[slot]),
            int(table.first_vector[slot]),
            link,
            int(table.depart[slot]),
            int(table.read[slot]),
            Fraction(int(links.vector_time_numerator[link]), denominator),
            Fraction(int(self.pitch_numerator[link]), denominator),
        )

    def last_operator(self, segment: int) -> int:
        """Return the operator that starts last in a segment.

        Raises
        ------
        InputError
            When its start is not the makespan of the segment.
        """
        last, makespan = int(self.last[segment]), int(self.build.segments.makespan_cycles[segment])
        if last < 0 or self.build.operators.start[last] != makespan:
            raise broken("segments.parquet", f"no last operator of segment {segment} starts at its makespan {makespan}")
        return last

    def operands(self, operator: int) -> Iterator[tuple[int, int, int]]:
        """Yield tensor, first and last vector of each operand that an operator has to wait for."""
        table = self.build.operands
        first, last = table.operator.searchsorted([operator, operator + 1])
        for row in range(int(first), int(last)):
            if table.role[row] != WEIGHT:
                begin = int(table.first_vector[row])
                yield int(table.tensor[row]), begin, begin + int(table.vectors[row]) - 1

    def pieces(self, tensor: int, first: int, last: int, node: int) -> list[Piece]:
        """Return how vectors `first` to `last` of a tensor come to a node.

        Raises
        ------
        InputError
            When none of them ever does.
        """
        if int(self.build.tensors.chip[tensor]) == node:
            return [Piece(tensor, first, last, NONE)]
        rows, table = self.arrivals.having(tensor * len(self.build.chips) + node), self.build.slots
        begin = np.maximum(table.first_vector[rows], first)
        end = np.minimum(table.first_vector[rows] + table.vectors[rows] - 1, last)
        some = begin <= end
        columns = (column[some].tolist() for column in (begin, end, rows))
        found = [Piece(tensor, *piece) for piece in zip(*columns, strict=True)]
        if not found:
            raise broken("timetable.parquet", f"vectors of tensor {tensor} never come to node {node}")
        return found

    def ready(self, piece: Piece, vector: int) -> Fraction:
        """Return the cycle at which a vector of a piece is there: its read, or its producer's end."""
        if piece.slot >= 0:
            hop = self.hop(piece.slot)
            return hop.read + (vector - hop.first_vector) * hop.pitch
        producer = self.producer(piece)
        return self._end(producer) if producer >= 0 else Fraction(0)

    def leaves(self, piece: Piece, vector: int) -> Fraction:
        """Return the cycle from which a vector of a piece may leave: turned round, or as its producer allows."""
        producer = self.producer(piece)
        if piece.slot >= 0 or producer < 0:
            return self.ready(piece, vector) + self.turnaround(piece)
        return self.turning(producer).cycle

    def turning(self, operator: int) -> Turning:
        """Return when the result of an operator may leave: at its end, of a sum also as a relay may send on.

        Every operand that arrived turns round and is added; one that was summed on the same node leaves it as its own
        sum may.
        """
        if operator not in self.turns:
            self.turns[operator] = Turning(self._end(operator), None)
            chip, cycles = (int(of[operator]) for of in (self.build.operators.chip, self.build.operators.cycles))
            rows = self.build.operands.operator.searchsorted([operator, operator + 1])
            if (self.build.operands.role[rows[0] : rows[1]] == REDUCE).any():
                causes = [
                    Turning(self.leaves(piece, piece.last) + cycles, piece)
                    for operand in self.operands(operator)
                    for piece in self.pieces(*operand, chip)
                ]
                self.turns[operator] = max(self.turns[operator], *causes, key=lambda turning: turning.cycle)
        return self.turns[operator]

    def turnaround(self, piece: Piece) -> int:
        """Return the cycles before the vectors of a piece may be sent on; 0 where they were produced."""
        if piece.slot < 0:
            return 0
        node = self.build.links.dst[self.build.slots.link[piece.slot]]
        return int(self.build.chips.turnaround_cycles[node])

    def _end(self, operator: int) -> Fraction:
        return Fraction(int(self.build.operators.start[operator] + self.build.operators.cycles[operator]))

    def link_class(self, slot: int) -> str:
        """Return the class of a slot's link; empty for none."""
        return "" if slot < 0 else str(self.build.links.link_class[self.build.slots.link[slot]])

    def producer(self, piece: Piece) -> int:
        """Return the operator that produced a piece's tensor, `NONE` for weights."""
        return int(self.build.tensors.producer[piece.tensor])

    def unit_spans(self, operator: int) -> list[Span]:
        """Return when the unit of an operator runs, in order; empty where it runs on none."""
        if self.unit[operator] < 0:
            return []
        table, rows = self.build.operators, self.on_unit.having(int(self.unit[operator]))
        return _spans(table.start[rows], table.cycles[rows])

    def link_spans(self, slot: int) -> list[Span]:
        """Return when the link of a slot is held in its segment before that slot departs, in order."""
        table, link = self.build.slots, int(self.build.slots.link[slot])
        first, last = table.link.searchsorted([link, link + 1])
        rows = np.arange(first, last)
        rows = rows[(table.depart[rows] < table.depart[slot]) & (self.slot_segment[rows] == self.slot_segment[slot])]
        return _spans(table.depart[rows], held_cycles(self.build, rows))

    def deskew_spans(self, segment: int) -> list[Span]:
        """Return the stalls of a segment, in order."""
        return self.deskews.get(segment, [])


def broken(file: str, problem: str) -> InputError:
    """Return the error for a timetable that contradicts itself."""
    return InputError(file, f"{problem}; lpxsched check tells which rule is broken")


def _spans(start: Integers, cycles: Integers) -> list[Span]:
    return list(zip(start.tolist(), (start + cycles).tolist(), strict=True))


def _units(build: Build) -> Integers:
    """Return segment, chip and unit of each operator as one number, `NONE` where its unit is none."""
    table = build.operators
    names, unit = np.unique(table.unit, return_inverse=True)
    number = (table.segment * len(build.chips) + table.chip) * len(names) + unit.ravel()
    return np.where(np.isin(table.unit, sorted(WITHOUT_UNIT)), NONE, number)


def _last(build: Build) -> Integers:
    """Return the operator of each segment with the latest start, of equal ones the smallest number."""
    table, last = build.operators, np.full(len(build.segments), NONE, dtype=np.int64)
    order = np.lexsort((-table.operator, table.start))
    # Of rows written to one place the last stays.
    last[table.segment[order]] = table.operator[order]
    return last


def _deskews(build: Build) -> dict[int, list[Span]]:
    """Return the stalls within each segment; in frames that repeat none lasts into one."""
    table, found = build.deskews, {}
    for segment, frame in enumerate(build.segments.frame.tolist()):
        mine = deskew_rows(build, frame)
        spans = zip(table.cycle[mine].tolist(), table.stall[mine].tolist(), strict=True)
        found[segment] = [(cycle, cycle + stall) for cycle, stall in spans]
    return found

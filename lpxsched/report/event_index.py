"""Look-ups that a walk along a critical path needs: what is where, since when, and who holds what."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import InputError
from lpxsched.report.token import WITHOUT_UNIT, slot_segments
from lpxsched.timetable.columns import REDUCE, WEIGHT
from lpxsched.timetable.wires import pitch_numerators
from lpxsched.units import NONE, ceil_cycles

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


@dataclass(frozen=True, slots=True, eq=False)
class EventIndex:
    """A build with its look-ups; columns are plain lists, since a walk reads single values.

    Attributes
    ----------
    build : Build
    vector_time, pitch : list of Fraction
        v of each link, and the time from one vector of a slot to the next.
    slot, link, operator : dict of lists
        Columns by name.
    arrivals : dict
        Slots that bring vectors of a tensor to a node, keyed by both.
    units : dict
        Running times of the operators on each unit that runs one at a time, keyed by segment, node and unit.
    last : dict
        The operator that starts last in each segment, the first of several.
    deskews : dict
        Stalls of each segment, in order.
    turns : dict
        What `turning` has found.
    """

    build: Build
    vector_time: list[Fraction]
    pitch: list[Fraction]
    slot: dict[str, list[int]]
    link: dict[str, list[int]]
    operator: dict[str, list[int]]
    arrivals: dict[tuple[int, int], list[int]]
    units: dict[tuple[int, int, str], list[Span]]
    last: dict[int, int]
    deskews: dict[int, list[Span]]
    turns: dict[int, Turning]

    @classmethod
    def of(cls, build: Build) -> EventIndex:
        """Return the look-ups of a build."""
        links = build.links
        arrivals: dict[tuple[int, int], list[int]] = defaultdict(list)
        receivers = links.dst[build.slots.link].tolist()
        for row, key in enumerate(zip(build.slots.tensor.tolist(), receivers, strict=True)):
            arrivals[key].append(row)
        return cls(
            build=build,
            vector_time=_fractions(links.vector_time_numerator, links.vector_time_denominator),
            pitch=_fractions(pitch_numerators(build), links.vector_time_denominator),
            slot={
                name: getattr(build.slots, name).tolist()
                for name in ("tensor", "first_vector", "vectors", "link", "depart", "read")
            }
            | {"segment": slot_segments(build).tolist()},
            link={name: getattr(links, name).tolist() for name in ("src", "latency_cycles", "guard_cycles")},
            operator={name: getattr(build.operators, name).tolist() for name in ("segment", "chip", "start", "cycles")},
            arrivals=dict(arrivals),
            units=_units(build),
            last=_last(build),
            deskews=_deskews(build),
            turns={},
        )

    def last_operator(self, segment: int) -> int:
        """Return the operator that starts last in a segment.

        Raises
        ------
        InputError
            When its start is not the makespan of the segment.
        """
        last = self.last.get(segment)
        makespan = int(self.build.segments.makespan_cycles[segment])
        if last is None or self.operator["start"][last] != makespan:
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
        found = []
        for row in self.arrivals.get((tensor, node), []):
            begin = max(first, self.slot["first_vector"][row])
            end = min(last, self.slot["first_vector"][row] + self.slot["vectors"][row] - 1)
            if begin <= end:
                found.append(Piece(tensor, begin, end, row))
        if not found:
            raise broken("timetable.parquet", f"vectors of tensor {tensor} never come to node {node}")
        return found

    def ready(self, piece: Piece, vector: int) -> Fraction:
        """Return the cycle at which a vector of a piece is there: its read, or its producer's end."""
        if piece.slot >= 0:
            behind = vector - self.slot["first_vector"][piece.slot]
            return self.slot["read"][piece.slot] + behind * self.pitch[self.slot["link"][piece.slot]]
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
            rows = self.build.operands.operator.searchsorted([operator, operator + 1])
            if (self.build.operands.role[rows[0] : rows[1]] == REDUCE).any():
                causes = [
                    Turning(self.leaves(piece, piece.last) + self.operator["cycles"][operator], piece)
                    for operand in self.operands(operator)
                    for piece in self.pieces(*operand, self.operator["chip"][operator])
                ]
                self.turns[operator] = max(self.turns[operator], *causes, key=lambda turning: turning.cycle)
        return self.turns[operator]

    def turnaround(self, piece: Piece) -> int:
        """Return the cycles before the vectors of a piece may be sent on; 0 where they were produced."""
        if piece.slot < 0:
            return 0
        node = self.build.links.dst[self.slot["link"][piece.slot]]
        return int(self.build.chips.turnaround_cycles[node])

    def _end(self, operator: int) -> Fraction:
        return Fraction(self.operator["start"][operator] + self.operator["cycles"][operator])

    def link_class(self, slot: int) -> str:
        """Return the class of a slot's link; empty for none."""
        return "" if slot < 0 else str(self.build.links.link_class[self.slot["link"][slot]])

    def producer(self, piece: Piece) -> int:
        """Return the operator that produced a piece's tensor, `NONE` for weights."""
        return int(self.build.tensors.producer[piece.tensor])

    def unit_spans(self, operator: int) -> list[Span]:
        """Return when the unit of an operator runs, in order; empty where it runs on none."""
        unit = str(self.build.operators.unit[operator])
        return self.units.get((self.operator["segment"][operator], self.operator["chip"][operator], unit), [])

    def link_spans(self, slot: int) -> list[Span]:
        """Return when the link of a slot is held in its segment before that slot departs, in order."""
        link, segments = self.slot["link"][slot], self.slot["segment"]
        first = bisect_left(self.slot["link"], link)
        last = bisect_right(self.slot["link"], link)
        columns = (self.slot[name][first:last] for name in ("depart", "vectors", "segment"))
        return [
            (depart, depart + ceil_cycles(count * self.pitch[link]))
            for depart, count, segment in zip(*columns, strict=True)
            if depart < self.slot["depart"][slot] and segment == segments[slot]
        ]

    def deskew_spans(self, segment: int) -> list[Span]:
        """Return the stalls of a segment, in order."""
        return self.deskews.get(segment, [])


def broken(file: str, problem: str) -> InputError:
    """Return the error for a timetable that contradicts itself."""
    return InputError(file, f"{problem}; lpxsched check tells which rule is broken")


def _fractions(numerator: Integers, denominator: Integers) -> list[Fraction]:
    return [Fraction(*pair) for pair in zip(numerator.tolist(), denominator.tolist(), strict=True)]


def _units(build: Build) -> dict[tuple[int, int, str], list[Span]]:
    units: dict[tuple[int, int, str], list[Span]] = defaultdict(list)
    table = build.operators
    columns = (table.segment, table.chip, table.unit, table.start, table.cycles)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for segment, chip, unit, start, cycles in sorted(rows, key=lambda row: row[3]):
        if unit not in WITHOUT_UNIT:
            units[segment, chip, unit].append((start, start + cycles))
    return dict(units)


def _last(build: Build) -> dict[int, int]:
    table = build.operators
    rows = zip(table.segment.tolist(), table.start.tolist(), table.operator.tolist(), strict=True)
    # The row written last wins: the latest start, of these the smallest number.
    return {segment: operator for segment, _, operator in sorted(rows, key=lambda row: (row[1], -row[2]))}


def _deskews(build: Build) -> dict[int, list[Span]]:
    """Return the stalls within each segment; in frames that repeat none lasts into one."""
    table, found = build.deskews, {}
    for segment, frame in enumerate(build.segments.frame.tolist()):
        mine = np.flatnonzero((table.frame == frame) & (table.every_periods == 0))
        spans = zip(table.cycle[mine].tolist(), table.stall[mine].tolist(), strict=True)
        found[segment] = [(cycle, cycle + stall) for cycle, stall in spans]
    return found

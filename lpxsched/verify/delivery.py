"""R3 delivery, third part: operands are there in time, nothing comes twice or for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.operands import operand_violations
from lpxsched.verify.presence import arrivals, departures, places, reads, source_row, sources, vectors_at
from lpxsched.verify.ranges import joined, repeated, too_early, uncovered
from lpxsched.verify.results import result_violations
from lpxsched.verify.runs import run_violations
from lpxsched.verify.shapes import shape_violations
from lpxsched.verify.violation import Violation, cycles_text, in_order, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.presence import Place
    from lpxsched.verify.ranges import TimedRanges

RULE = "R3"


def delivery_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R3."""
    return [
        *shape_violations(build),
        *run_violations(build),
        *operand_violations(build),
        *_unready(build),
        *_unused(build),
        *result_violations(build),
    ]


def _unready(build: Build) -> list[Violation]:
    """Return what is absent, late or there twice."""
    absent: list[tuple[int, Violation]] = []
    late: list[tuple[int, Violation]] = []
    twice: list[Violation] = []
    for place in places(build):
        wanted, there = reads(build, place.read), sources(build, place)
        again = repeated(there)
        absent += _absent(build, place.read[uncovered(wanted, there)])
        late += _late(build, place, there, too_early(wanted, there, again[1]))
        twice += _twice(build, place, *again)
    return [*in_order(absent), *in_order(late), *twice]


def _absent(build: Build, operands: Integers) -> Iterator[tuple[int, Violation]]:
    table = build.operands
    for row in operands.tolist():
        operator, first = int(table.operator[row]), int(table.first_vector[row])
        message = (
            f"operator {operator} reads vectors {first} to {first + table.vectors[row] - 1} of tensor "
            f"{table.tensor[row]}, not all of which reach {named(build, int(build.operators.chip[operator]))}"
        )
        yield row, Violation(RULE, message, rows_of(table, row))


def _late(
    build: Build, place: Place, there: TimedRanges, early: tuple[Integers, Integers, Integers]
) -> Iterator[tuple[int, Violation]]:
    reader, source, point = early
    rows = place.read[reader]
    tensor = build.operands.tensor[rows]
    columns = (rows, source, point, tensor, vectors_at(build, tensor, point))
    for row, cause, at, number, vector in zip(*(column.tolist() for column in columns), strict=True):
        operator = build.operands.operator[row]
        message = (
            f"operator {operator} starts at {build.operators.start[operator]}, before vector "
            f"{vector} of tensor {number} is there at {cycles_text(there.time(cause, at))}"
        )
        yield row, Violation(RULE, message, (*rows_of(build.operands, row), source_row(build, place, cause)))


def _twice(build: Build, place: Place, one: Integers, again: Integers) -> Iterator[Violation]:
    first, other = np.sort(np.stack([one, again]), axis=0).tolist()
    for pair in zip(first, other, strict=True):
        slot, also = (source_row(build, place, source) for source in pair)
        node, tensor = build.links.dst[build.slots.link[slot.row]], build.slots.tensor[slot.row]
        how = "gets from another slot too" if also.file == build.slots.file else "produces itself"
        message = f"{named(build, int(node))} receives vectors of tensor {tensor} that it {how}"
        yield Violation(RULE, message, (slot, also))


def _unused(build: Build) -> Iterator[Violation]:
    slots, unused = build.slots, []
    for place in places(build):
        use = joined(departures(build, place.leaving), reads(build, place.read))
        unused.append(place.arriving[uncovered(arrivals(build, place.arriving, relay=False), use)])
    for slot in np.sort(np.concatenate(unused)).tolist():
        node, end = build.links.dst[slots.link[slot]], slots.first_vector[slot] + slots.vectors[slot]
        message = (
            f"{named(build, int(node))} receives vectors {slots.first_vector[slot]} to {end - 1} of "
            f"tensor {slots.tensor[slot]}, some of which nothing there uses"
        )
        yield Violation(RULE, message, rows_of(slots, slot))

"""R3 delivery, third part: operands are there in time, nothing comes twice or for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.operands import operand_violations
from lpxsched.verify.presence import (
    arrivals,
    departures,
    moved_operands,
    produced_tensors,
    reads,
    sources,
    vectors_at,
)
from lpxsched.verify.ranges import at_once, repeated, too_early, uncovered
from lpxsched.verify.results import result_violations
from lpxsched.verify.runs import run_violations
from lpxsched.verify.violation import Row, Violation, cycles_text, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.ranges import TimedRanges

RULE = "R3"


def delivery_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R3."""
    wanted = reads(build)
    return [
        *run_violations(build),
        *operand_violations(build),
        *_unready(build, wanted),
        *_unused(build, wanted),
        *result_violations(build),
    ]


def _unready(build: Build, wanted: TimedRanges) -> list[Violation]:
    """Return what is absent, late or there twice; what is there is forgotten with the end of this."""
    there = sources(build)
    again = repeated(there)
    return [*_absent(build, wanted, there), *_late(build, wanted, there, again[1]), *_twice(build, *again)]


def _source_rows(build: Build, sources: Integers) -> list[Row]:
    """Return the slot or the tensor that each of some rows of `sources` stands for."""
    slots, made = len(build.slots), produced_tensors(build).tolist()
    return [
        Row(build.slots.file, source) if source < slots else Row(build.tensors.file, made[source - slots])
        for source in sources.tolist()
    ]


def _absent(build: Build, wanted: TimedRanges, there: TimedRanges) -> Iterator[Violation]:
    operands = build.operands
    for row in moved_operands(build)[uncovered(wanted, there)].tolist():
        operator, first = int(operands.operator[row]), int(operands.first_vector[row])
        message = (
            f"operator {operator} reads vectors {first} to {first + operands.vectors[row] - 1} of tensor "
            f"{operands.tensor[row]}, not all of which reach {named(build, int(build.operators.chip[operator]))}"
        )
        yield Violation(RULE, message, rows_of(operands, row))


def _late(build: Build, wanted: TimedRanges, there: TimedRanges, again: Integers) -> Iterator[Violation]:
    read, source, point = too_early(wanted, there, again)
    rows = moved_operands(build)[read]
    tensor = build.operands.tensor[rows]
    vector = vectors_at(build, tensor, point)
    causes = _source_rows(build, source)
    for place, (row, cause) in enumerate(zip(rows.tolist(), causes, strict=True)):
        operator = build.operands.operator[row]
        message = (
            f"operator {operator} starts at {build.operators.start[operator]}, before vector "
            f"{vector[place]} of tensor {tensor[place]} is there at "
            f"{cycles_text(there.time(source[place], point[place]))}"
        )
        yield Violation(RULE, message, (*rows_of(build.operands, row), cause))


def _twice(build: Build, one: Integers, again: Integers) -> Iterator[Violation]:
    slot, other = np.sort(np.stack([one, again]), axis=0)
    rows = zip(_source_rows(build, slot), _source_rows(build, other), strict=True)
    nodes, tensors = build.links.dst[build.slots.link[slot]], build.slots.tensor[slot]
    for place, pair in enumerate(rows):
        how = "produces itself" if other[place] >= len(build.slots) else "gets from another slot too"
        message = f"{named(build, int(nodes[place]))} receives vectors of tensor {tensors[place]} that it {how}"
        yield Violation(RULE, message, pair)


def _unused(build: Build, wanted: TimedRanges) -> Iterator[Violation]:
    slots, leaves = build.slots, departures(build)
    # When it is used does not matter here.
    use = at_once(*(np.concatenate(ends) for ends in ((leaves.start, wanted.start), (leaves.end, wanted.end))))
    del leaves
    for slot in np.flatnonzero(uncovered(arrivals(build, relay=False), use)).tolist():
        node, end = build.links.dst[slots.link[slot]], slots.first_vector[slot] + slots.vectors[slot]
        message = (
            f"{named(build, int(node))} receives vectors {slots.first_vector[slot]} to {end - 1} of "
            f"tensor {slots.tensor[slot]}, some of which nothing there uses"
        )
        yield Violation(RULE, message, rows_of(slots, slot))

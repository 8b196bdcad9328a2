"""R3 delivery, third part: operands are there in time, nothing comes twice or for nothing, makespans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.causality import cycles_text
from lpxsched.verify.operands import operand_violations
from lpxsched.verify.presence import (
    arrivals,
    departures,
    moved_operands,
    produced_tensors,
    reads,
    sources,
    vector_at,
)
from lpxsched.verify.ranges import joined, repeated, too_early, uncovered
from lpxsched.verify.runs import run_violations
from lpxsched.verify.violation import Row, Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.reader import Build

RULE = "R3"
MANIFEST_FILE = "manifest.json"
EGRESS = "egress"


def delivery_violations(build: Build) -> list[Violation]:
    """Return everything that breaks R3."""
    return [
        *run_violations(build),
        *operand_violations(build),
        *_absent(build),
        *_late(build),
        *_twice(build),
        *_unused(build),
        *_makespans(build),
    ]


def _source_row(build: Build, source: int) -> Row:
    """Return the slot or the tensor that a row of `sources` stands for."""
    if source < len(build.slots):
        return Row(build.slots.file, source)
    return Row(build.tensors.file, int(produced_tensors(build)[source - len(build.slots)]))


def _absent(build: Build) -> Iterator[Violation]:
    operands = build.operands
    for row in moved_operands(build)[uncovered(reads(build), sources(build, relay=False))].tolist():
        operator, first = int(operands.operator[row]), int(operands.first_vector[row])
        message = (
            f"operator {operator} reads vectors {first} to {first + operands.vectors[row] - 1} of tensor "
            f"{operands.tensor[row]}, not all of which reach its node {build.operators.chip[operator]}"
        )
        yield Violation(RULE, message, rows_of(operands, row))


def _late(build: Build) -> Iterator[Violation]:
    operands, there, reading = moved_operands(build), sources(build, relay=False), reads(build)
    for read, source, point in zip(*(column.tolist() for column in too_early(reading, there)), strict=True):
        row = int(operands[read])
        operator, tensor = int(build.operands.operator[row]), int(build.operands.tensor[row])
        message = (
            f"operator {operator} starts at {build.operators.start[operator]}, before vector "
            f"{vector_at(build, tensor, point)} of tensor {tensor} is there at "
            f"{cycles_text(there.time(source, point))}"
        )
        yield Violation(RULE, message, (*rows_of(build.operands, row), _source_row(build, source)))


def _twice(build: Build) -> Iterator[Violation]:
    for pair in zip(*(column.tolist() for column in repeated(sources(build, relay=False))), strict=True):
        slot, other = sorted(pair)
        node, tensor = build.links.dst[build.slots.link[slot]], build.slots.tensor[slot]
        how = "produces itself" if other >= len(build.slots) else "gets from another slot too"
        message = f"node {node} receives vectors of tensor {tensor} that it {how}"
        yield Violation(RULE, message, (_source_row(build, slot), _source_row(build, other)))


def _unused(build: Build) -> Iterator[Violation]:
    slots, use = build.slots, joined(departures(build), reads(build))
    for slot in np.flatnonzero(uncovered(arrivals(build, relay=False), use)).tolist():
        node, end = build.links.dst[slots.link[slot]], slots.first_vector[slot] + slots.vectors[slot]
        message = (
            f"node {node} receives vectors {slots.first_vector[slot]} to {end - 1} of "
            f"tensor {slots.tensor[slot]}, some of which nothing there uses"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _makespans(build: Build) -> Iterator[Violation]:
    segments, operators = build.segments, build.operators
    last = np.full(len(segments), -1, dtype=np.int64)
    leaves = operators.kind == EGRESS
    np.maximum.at(last, operators.segment[leaves], operators.start[leaves])
    for row in np.flatnonzero(segments.makespan_cycles != last).tolist():
        said = segments.makespan_cycles[row]
        message = f"segment {row}: makespan_cycles is {said}, its last {EGRESS} starts at {last[row]}"
        if last[row] < 0:
            message = f"segment {row}: makespan_cycles is {said}, but it has no {EGRESS}"
        yield Violation(RULE, message, rows_of(segments, row))
    for row in np.flatnonzero(segments.lower_bound_cycles > segments.makespan_cycles).tolist():
        bound, makespan = segments.lower_bound_cycles[row], segments.makespan_cycles[row]
        message = f"segment {row}: lower_bound_cycles is {bound}, above makespan_cycles {makespan}"
        yield Violation(RULE, message, rows_of(segments, row))
    total, said = sum(segments.makespan_cycles.tolist()), build.manifest.results.get("makespan_cycles")
    if said != total:
        message = f"{MANIFEST_FILE}: results makespan_cycles is {said!r}, the segments sum to {total}"
        yield Violation(RULE, message)

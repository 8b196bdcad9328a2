"""What the rules take for granted: numbers that int64 can reckon with, and rows that point at rows.

A build that breaks one of these is reported under the rule that needs it, and no rule is judged further: sums
and products of the rules stay below 2^63 only for numbers within these bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Table

# What draws a timetable reckons in floats, which are whole numbers up to 2^53.
LARGEST_TIME = 1 << 50
LARGEST_COUNT = 1 << 31
LARGEST_TOTAL = 1 << 40
LARGEST_DESKEW = 1 << 40
LARGEST_WINDOWS = 1 << 20


@dataclass(frozen=True, slots=True)
class Bound:
    """Limits of some columns of one table, both included."""

    rule: str
    table: str
    columns: tuple[str, ...]
    lowest: int
    highest: int


BOUNDS = (
    Bound("R1", "slots", ("first_vector",), 0, LARGEST_COUNT),
    Bound("R1", "slots", ("vectors",), 1, LARGEST_COUNT),
    Bound("R2", "slots", ("depart", "read"), 0, LARGEST_TIME),
    Bound("R2", "links", ("vector_time_numerator", "vector_time_denominator"), 1, LARGEST_COUNT),
    Bound("R2", "links", ("latency_cycles",), 0, LARGEST_TIME),
    Bound("R2", "chips", ("turnaround_cycles",), 0, LARGEST_TIME),
    Bound("R2", "operators", ("start",), 0, LARGEST_TIME),
    Bound("R3", "operands", ("first_vector",), 0, LARGEST_COUNT),
    Bound("R3", "operands", ("vectors",), 1, LARGEST_COUNT),
    Bound("R3", "tensors", ("offset", "vectors"), 0, LARGEST_COUNT),
    Bound("R3", "segments", ("makespan_cycles", "lower_bound_cycles"), 0, LARGEST_TIME),
    Bound("R4", "operators", ("cycles", "sram_bytes", "macs", "fixed_cycles"), 0, LARGEST_TIME),
    Bound("R4", "chips", ("sram_bytes_per_cycle", "vector_operations_per_cycle", "sum_cycles_in_hop"), 0, LARGEST_TIME),
    Bound("R4", "chips", ("matrix_fp8_macs_per_cycle", "matrix_bf16_macs_per_cycle"), 0, LARGEST_TIME),
    Bound("R4", "chips", ("matrix_fixed_cycles", "vector_fixed_cycles"), 0, LARGEST_COUNT),
    Bound("R4", "chips", ("shard_columns",), 0, LARGEST_COUNT),
    Bound("R4", "chips", ("sram_efficiency",), 0, 1),
    Bound("R6", "chips", ("sram_bytes", "weight_bytes"), 0, LARGEST_TIME),
    Bound("R7", "chips", ("inject_per_cycle", "eject_per_cycle"), NONE, LARGEST_TIME),
    Bound("R8", "chips", ("hac_depth",), NONE, LARGEST_COUNT),
    Bound("R8", "chips", ("deskew_buffer_vectors",), 0, LARGEST_TIME),
    Bound("R1", "frames", ("period_cycles",), 0, LARGEST_DESKEW),
    Bound("R1", "frames", ("windows",), 0, LARGEST_WINDOWS),
    Bound("R1", "segments", ("phase_cycles",), 0, LARGEST_DESKEW),
    Bound("R3", "frames", ("lower_bound_cycles",), 0, LARGEST_TIME),
    Bound("R9", "deskews", ("cycle", "stall"), 0, LARGEST_DESKEW),
    Bound("R9", "deskews", ("every_periods",), 0, LARGEST_WINDOWS),
    Bound("R9", "segments", ("waiting_cycles",), 0, LARGEST_TIME),
    Bound("R1", "links", ("lane",), 0, LARGEST_COUNT),
    Bound("R8", "links", ("guard_cycles",), NONE, LARGEST_TIME),
    Bound("R4", "operators", ("shard", "layer"), NONE, LARGEST_COUNT),
    Bound("R6", "tensors", ("bytes",), 0, LARGEST_TIME),
    Bound("R7", "chips", ("ports",), NONE, LARGEST_TIME),
    Bound("R10", "segments", ("deadline_cycles",), NONE, LARGEST_TIME),
)

# rule, table, column, table that it points into, lowest value
REFERENCES = (
    ("R1", "slots", "tensor", "tensors", 0),
    ("R1", "slots", "link", "links", 0),
    ("R1", "links", "src", "chips", 0),
    ("R1", "links", "dst", "chips", 0),
    ("R3", "operators", "segment", "segments", 0),
    ("R3", "operators", "chip", "chips", 0),
    ("R3", "operands", "operator", "operators", 0),
    ("R3", "operands", "tensor", "tensors", 0),
    ("R3", "tensors", "chip", "chips", 0),
    ("R3", "tensors", "producer", "operators", NONE),
    ("R8", "chips", "hac_parent", "chips", NONE),
    ("R1", "segments", "frame", "frames", 0),
    ("R8", "frames", "time_domain", "chips", NONE),
    ("R9", "deskews", "frame", "frames", 0),
)


def out_of_bounds(build: Build) -> list[Violation]:
    """Return every number, reference and range of vectors that is out of its bounds."""
    violations = [*_numbers(build), *_references(build)]
    # A range can be compared with its tensor only when the tensor is there.
    if violations:
        return violations
    return [*_totals(build), *_busy_wires(build), *_ranges(build, "slots", "R1"), *_ranges(build, "operands", "R3")]


def _numbers(build: Build) -> Iterator[Violation]:
    for bound in BOUNDS:
        for column in bound.columns:
            yield from _outside(build, bound.rule, bound.table, column, bound.lowest, bound.highest)


def _references(build: Build) -> Iterator[Violation]:
    for rule, table, column, target, lowest in REFERENCES:
        yield from _outside(build, rule, table, column, lowest, len(getattr(build, target)) - 1)


def _outside(build: Build, rule: str, name: str, column: str, lowest: int, highest: int) -> Iterator[Violation]:
    table: Table = getattr(build, name)
    values = getattr(table, column)
    for row in np.flatnonzero(~((values >= lowest) & (values <= highest))).tolist():
        message = f"{table.file} row {row}: {column} is {values[row]}, must be {lowest} to {highest}"
        yield Violation(rule, message, rows_of(table, row))


def _totals(build: Build) -> Iterator[Violation]:
    total = int(build.tensors.vectors.sum())
    if total > LARGEST_TOTAL:
        message = f"{build.tensors.file}: {total} vectors in all, more than {LARGEST_TOTAL} are not checked"
        yield Violation("R3", message)


def _busy_wires(build: Build) -> Iterator[Violation]:
    """Yield links on which v + latency, as a fraction, is too large to be multiplied with vectors."""
    links = build.links
    if build.manifest.wire == "pipelined":
        return
    latency = np.minimum(links.latency_cycles, LARGEST_COUNT)
    numerator = links.vector_time_numerator + latency * links.vector_time_denominator
    for row in np.flatnonzero(numerator > LARGEST_COUNT).tolist():
        message = f"{links.file} row {row}: a latency of {links.latency_cycles[row]} cycles on a busy wire is too large"
        yield Violation("R2", f"{message} to check", rows_of(links, row))


def _ranges(build: Build, name: str, rule: str) -> Iterator[Violation]:
    table = getattr(build, name)
    held = build.tensors.vectors[table.tensor]
    end = table.first_vector + table.vectors
    for row in np.flatnonzero(end > held).tolist():
        message = (
            f"{table.file} row {row}: vectors {table.first_vector[row]} to {end[row] - 1} of tensor "
            f"{table.tensor[row]}, which has only {held[row]}"
        )
        yield Violation(rule, message, rows_of(table, row))

"""The tables of a build folder as frozen columns; one dataclass a file, one row a thing.

Integers are int64, floats float64, text is numpy unicode, flags are bool, a list of integers is a tuple of int64
arrays. The meaning of every column is stated once, in ``docs/build-folder.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Integers = NDArray[np.int64]
Text = NDArray[np.str_]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Lists = tuple[NDArray[np.int64], ...]

COPY, REDUCE, WEIGHT = "copy", "reduce", "weight"
# Operators there take no time and hold nothing.
WITHOUT_UNIT = {"host", "none"}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length; a `ValueError` where two differ."""

    file: ClassVar[str] = ""

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{self.file}: columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True, slots=True, eq=False)
class Slots(Table):
    """Consecutive vectors of one tensor on one link, sorted by link and departure."""

    file: ClassVar[str] = "timetable.parquet"

    tensor: Integers
    first_vector: Integers
    vectors: Integers
    link: Integers
    depart: Integers
    read: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Operators(Table):
    """What each functional unit does when; sorted by operator, which counts from 0."""

    file: ClassVar[str] = "operators.parquet"

    operator: Integers
    segment: Integers
    chip: Integers
    shard: Integers
    unit: Text
    kind: Text
    layer: Integers
    start: Integers
    cycles: Integers
    dtype: Text
    sram_bytes: Integers
    macs: Integers
    fixed_cycles: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Operands(Table):
    """What each operator reads; sorted by operator, tensor, first vector."""

    file: ClassVar[str] = "operands.parquet"

    operator: Integers
    tensor: Integers
    first_vector: Integers
    vectors: Integers
    role: Text


@dataclass(frozen=True, slots=True, eq=False)
class Tensors(Table):
    """Every tensor that an operator produced or a chip holds; sorted by tensor, which counts from 0."""

    file: ClassVar[str] = "tensors.parquet"

    tensor: Integers
    name: Text
    offset: Integers
    vectors: Integers
    dtype: Text
    layout: Text
    chip: Integers
    producer: Integers
    bytes: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Chips(Table):
    """Nodes: chips first, then hosts; sorted by chip, which counts from 0."""

    file: ClassVar[str] = "chips.parquet"

    chip: Integers
    position: Text
    host: Flags
    sram_bytes: Integers
    weight_bytes: Integers
    sram_bytes_per_cycle: Integers
    matrix_fp8_macs_per_cycle: Integers
    matrix_bf16_macs_per_cycle: Integers
    vector_operations_per_cycle: Integers
    matrix_fixed_cycles: Integers
    vector_fixed_cycles: Integers
    shard_columns: Integers
    sram_efficiency: Floats
    deskew_buffer_vectors: Integers
    resident: Flags
    sum_cycles_in_hop: Integers
    inject_per_cycle: Integers
    eject_per_cycle: Integers
    ports: Integers
    turnaround_cycles: Integers
    hac_parent: Integers
    hac_depth: Integers
    down: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Links(Table):
    """Directed links; sorted by link, which counts from 0."""

    file: ClassVar[str] = "links.parquet"

    link: Integers
    src: Integers
    dst: Integers
    lane: Integers
    link_class: Text
    latency_cycles: Integers
    vector_time_numerator: Integers
    vector_time_denominator: Integers
    guard_cycles: Integers
    down: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Segments(Table):
    """Parts of the program with a time zero of their own; sorted by segment, which counts from 0."""

    file: ClassVar[str] = "segments.parquet"

    segment: Integers
    frame: Integers
    phase_cycles: Integers
    waiting_cycles: Integers
    makespan_cycles: Integers
    lower_bound_cycles: Integers
    deadline_cycles: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Frames(Table):
    """Segments that share chips or links, on demand or with one period; sorted by frame, which counts from 0."""

    file: ClassVar[str] = "frames.parquet"

    frame: Integers
    time_domain: Integers
    period_cycles: Integers
    windows: Integers
    gaps: Lists
    lower_bound_cycles: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Deskews(Table):
    """When the chips of a frame re-align; sorted by frame and cycle."""

    file: ClassVar[str] = "deskews.parquet"

    frame: Integers
    cycle: Integers
    stall: Integers
    every_periods: Integers


# Attribute names that differ from the column names on disk ("class" is a word of Python).
COLUMN_NAMES = {"link_class": "class"}
TABLES: tuple[type[Table], ...] = (Slots, Operators, Operands, Tensors, Chips, Links, Segments, Frames, Deskews)


def text_runs(column: Text) -> Iterator[tuple[str, int]]:
    """Yield what stands in a column, and in how many rows one after the other: of many rows few texts differ."""
    opens = np.flatnonzero(np.append(True, column[1:] != column[:-1])[: len(column)])
    yield from zip(column[opens].tolist(), np.diff(np.append(opens, len(column))).tolist(), strict=True)

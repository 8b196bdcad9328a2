"""R4 operators, second part: resident tensors lie where the graph asks for them, and their operators read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.violation import Violation, named, rows_of
from lpxsched.verify.work import kept_tensors, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphResident
    from lpxsched.verify.work import Kept

RULE = "R4"


def weight_violations(build: Build) -> list[Violation]:
    """Return operators that do not read what they keep, and resident tensors that are not what the graph asks for."""
    return [*_readers(build), *_shared(build), *_totals(build)]


def _readers(build: Build) -> Iterator[Violation]:
    """Yield resident tensors that are not read once by their operator, and operands that are none of them."""
    operands, kept = build.operands, kept_tensors(build)
    residents = [resident for operator in build.graph.operators for resident in operator.resident]
    numbers = {resident.name: number for number, resident in enumerate(residents)}
    rows = np.flatnonzero(operands.role == WEIGHT)
    named_so = np.array(
        [numbers.get(name, NONE) for name in build.tensors.name[operands.tensor[rows]].tolist()], dtype=np.int64
    )
    keys, wanted = kept.operator * (len(residents) + 1) + kept.number, operands.operator[rows] * (len(residents) + 1)
    place = np.searchsorted(keys, wanted + named_so)
    known = (named_so >= 0) & (np.append(keys, NONE)[place] == wanted + named_so)
    for row in rows[~known].tolist():
        operator, name = operands.operator[row], build.tensors.name[operands.tensor[row]]
        message = f"operator {operator} ({build.operators.kind[operator]}) reads {name}, which it does not keep"
        yield Violation(RULE, message, rows_of(operands, row))
    times = np.bincount(place[known], minlength=len(keys))
    for at in np.flatnonzero(times != 1).tolist():
        operator, name = kept.operator[at], residents[kept.number[at]].name
        message = f"operator {operator} ({build.operators.kind[operator]}) reads {name} {times[at]} times, must 1"
        yield Violation(RULE, message, rows_of(build.operators, operator))
    yield from _tensors(build, residents, kept, rows[known], place[known])


def _tensors(
    build: Build, residents: Sequence[GraphResident], kept: Kept, rows: Integers, place: Integers
) -> Iterator[Violation]:
    """Yield operands whose tensor differs from what their operator keeps."""
    operands, tensors = build.operands, build.tensors
    operator, tensor, number, must = (
        operands.operator[rows],
        operands.tensor[rows],
        kept.number[place],
        kept.bytes[place],
    )
    dtypes, layouts = (np.array([*(getattr(one, key) for one in residents), ""]) for key in ("dtype", "layout"))
    vectors = -(-must // build.manifest.vector_bytes)
    for what, is_, right in (
        ("dtype", tensors.dtype[tensor], dtypes[number]),
        ("layout", tensors.layout[tensor], layouts[number]),
        ("bytes", tensors.bytes[tensor], must),
        ("vectors", tensors.vectors[tensor], vectors),
        ("vectors from", operands.first_vector[rows], np.zeros_like(must)),
        ("vectors read", operands.vectors[rows], vectors),
    ):
        for at in np.flatnonzero(is_ != right).tolist():
            who = f"operator {operator[at]} ({build.operators.kind[operator[at]]})"
            message = f"{who} keeps {residents[number[at]].name} with {what} {is_[at]}, in graph.json {right[at]}"
            yield Violation(RULE, message, (*rows_of(operands, rows[at]), *rows_of(tensors, tensor[at])))


def _shared(build: Build) -> Iterator[Violation]:
    operands, tensors = build.operands, build.tensors
    times = np.bincount(operands.tensor[operands.role == WEIGHT], minlength=len(tensors))
    for tensor in np.flatnonzero((tensors.producer == NONE) & (times != 1)).tolist():
        message = f"weights {tensors.name[tensor]} on {named(build, int(tensors.chip[tensor]))} are read by"
        yield Violation(RULE, f"{message} {times[tensor]} operators, must be by 1", rows_of(tensors, tensor))


def _totals(build: Build) -> Iterator[Violation]:
    chips, right = build.chips, weight_bytes(build)
    for chip in np.flatnonzero(chips.weight_bytes != right).tolist():
        message = f"{named(build, chip)} has weight_bytes {chips.weight_bytes[chip]}, its operators keep {right[chip]}"
        yield Violation(RULE, message, rows_of(chips, chip))

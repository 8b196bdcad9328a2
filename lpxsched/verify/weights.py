"""R4 operators, second part: weights lie where the graph asks for them, and their operators read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.demand import graph_operators
from lpxsched.verify.violation import Violation, named, rows_of
from lpxsched.verify.work import derived_work, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R4"


def weight_violations(build: Build) -> list[Violation]:
    """Return operators that do not read their weights, and weights that are not what the graph asks for."""
    return [*_readers(build), *_tensors(build), *_shared(build), *_totals(build)]


def _readers(build: Build) -> Iterator[Violation]:
    operands, operators = build.operands, build.operators
    times = np.bincount(operands.operator[operands.role == WEIGHT], minlength=len(operators))
    must = (derived_work(build).weight_bytes > 0).astype(np.int64)
    for row in np.flatnonzero(times != must).tolist():
        what = f"operator {row} ({operators.kind[row]}) reads weights {times[row]} times, must {must[row]}"
        yield Violation(RULE, what, rows_of(operators, row))


def _tensors(build: Build) -> Iterator[Violation]:
    """Yield weights that differ from what their operator keeps."""
    operands, tensors = build.operands, build.tensors
    size, number = derived_work(build).weight_bytes, graph_operators(build)
    rows = np.flatnonzero((operands.role == WEIGHT) & (size[operands.operator] > 0))
    kept = [(operator.name, operator.weights) for operator in build.graph.operators]
    names = np.array([f"{name}.weights" for name, _ in kept])
    dtypes = np.array([weights.dtype if weights else "" for _, weights in kept])
    layouts = np.array([weights.layout if weights else "" for _, weights in kept])
    operator, tensor = operands.operator[rows], operands.tensor[rows]
    must, of_graph = size[operator], number[operator]
    vectors = -(-must // build.manifest.vector_bytes)
    for what, is_, right in (
        ("name", tensors.name[tensor], names[of_graph]),
        ("dtype", tensors.dtype[tensor], dtypes[of_graph]),
        ("layout", tensors.layout[tensor], layouts[of_graph]),
        ("bytes", tensors.bytes[tensor], must),
        ("vectors", tensors.vectors[tensor], vectors),
        ("vectors from", operands.first_vector[rows], np.zeros_like(must)),
        ("vectors read", operands.vectors[rows], vectors),
    ):
        for place in np.flatnonzero(is_ != right).tolist():
            who = f"operator {operator[place]} ({build.operators.kind[operator[place]]})"
            message = f"{who} has weights with {what} {is_[place]}, its weights in graph.json have {right[place]}"
            yield Violation(RULE, message, (*rows_of(operands, rows[place]), *rows_of(tensors, tensor[place])))


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

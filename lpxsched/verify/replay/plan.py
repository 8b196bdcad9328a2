"""What is done in every round alike: the order of operators, what each gathers, adds and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import COPY, REDUCE, WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.replay.circles import followers
from lpxsched.verify.replay.holding import owners
from lpxsched.verify.replay.movement import movement
from lpxsched.verify.replay.placement import ADD, placement_of
from lpxsched.verify.replay.runs import runs_of
from lpxsched.verify.replay.wires import points_of, total_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.movement import Movement
    from lpxsched.verify.replay.placement import Placement
    from lpxsched.verify.replay.rotation import Copies
    from lpxsched.verify.replay.runs import Run


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of one level: vectors to add, one a row (row of the movement, and to which point), and all results."""

    moved: Integers
    target: Integers
    results: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The runs and sums of each segment, level after level: each level needs only those before it.

    Attributes
    ----------
    points : int
        Vectors that are stored.
    movement : Movement
    segments : tuple of tuple of (Sums, tuple of Run)
        The levels of each segment.
    faults : tuple of str
        What differs from the graph before a number is computed.
    """

    points: int
    movement: Movement
    segments: tuple[tuple[tuple[Sums, tuple[Run, ...]], ...], ...]
    faults: tuple[str, ...]


def plan_of(build: Build, copies: Copies | None = None) -> Plan:
    """Return the plan of a build that keeps what rules take for granted; copies as of `movement`."""
    moved, placement = movement(build, copies), placement_of(build)
    level = _levels(build, moved)
    segments, most = len(build.segments), int(level.max(initial=0)) + 1
    runs: list[list[list[Run]]] = [[[] for _ in range(most)] for _ in range(segments)]
    faults = [*placement.faults, *_ends(build, placement), *_strange_operands(build), *_at_once(build)]
    faults += [f"slot {slot} brings vectors that nothing there uses" for slot in moved.unused.tolist()]
    for run in runs_of(build, moved, placement):
        runs[build.operators.segment[run.row]][level[run.row]].append(run)
        faults += run.faults
    sums = _sums(build, moved, build.operators.segment * most + level, segments * most)
    parts = tuple(
        tuple((sums[segment * most + at], tuple(runs[segment][at])) for at in range(most))
        for segment in range(segments)
    )
    return Plan(total_points(build), moved, parts, tuple(faults))


def _levels(build: Build, moved: Movement) -> Integers:
    """Return how many operators, one after another, each operator waits for at most; circles end somewhere."""
    count = len(build.operators)
    reader = build.operands.operator[moved.operand[moved.got]]
    pairs = np.unique(owners(build)[moved.point[moved.got]] * count + reader)
    before, after = np.divmod(pairs, max(1, count))
    level = np.zeros(count, dtype=np.int64)
    for _ in range(count):
        last = level.copy()
        np.maximum.at(level, after, last[before] + 1)
        if np.array_equal(level, last):
            break
    return np.minimum(level, count)


def _sums(build: Build, moved: Movement, part: Integers, parts: int) -> list[Sums]:
    """Return the sums of each part of the operators: vector k of an operand adds to vector k of the result."""
    adds = build.operators.kind == ADD
    result = np.full(len(build.operators), NONE, dtype=np.int64)
    made = np.flatnonzero(build.tensors.producer != NONE)
    result[build.tensors.producer[made]] = made
    reader = build.operands.operator[moved.operand]
    size = np.append(build.tensors.vectors, 0)[result]
    rows = np.flatnonzero(adds[reader] & (moved.k < size[reader]))
    target = points_of(build, result[reader[rows]], moved.k[rows])
    owner = owners(build)
    points = np.flatnonzero(adds[owner] & (owner != NONE))
    of_row, of_point = part[reader[rows]], part[owner[points]]
    by_row, by_point = np.argsort(of_row, kind="stable"), np.argsort(of_point, kind="stable")
    cuts = [np.searchsorted(of[order], np.arange(1, parts)) for of, order in ((of_row, by_row), (of_point, by_point))]
    chosen = zip(np.split(by_row, cuts[0]), np.split(by_point, cuts[1]), strict=True)
    return [Sums(rows[mine], target[mine], points[made]) for mine, made in chosen]


def _strange_operands(build: Build) -> Iterator[str]:
    """Yield summands outside of sums, other things within, and summands that are longer or shorter than the sum."""
    operands, tensors = build.operands, build.tensors
    size = np.zeros(len(build.operators), dtype=np.int64)
    made = np.flatnonzero(tensors.producer != NONE)
    size[tensors.producer[made]] = tensors.vectors[made]
    sums = (build.operators.kind == ADD)[operands.operator]
    right = np.where(sums, operands.role == REDUCE, np.isin(operands.role, (COPY, WEIGHT)))
    for row in np.flatnonzero(~right).tolist():
        yield f"operator {operands.operator[row]} reads operand {row} as {operands.role[row]}"
    for row in np.flatnonzero(sums & (operands.vectors != size[operands.operator])).tolist():
        yield f"operand {row} of sum {operands.operator[row]} has not as many vectors as the sum"


def _at_once(build: Build) -> Iterator[str]:
    """Yield operators of any iterations that one unit runs at once."""
    operators = build.operators
    rows = np.flatnonzero((operators.cycles > 0) & ~build.chips.host[operators.chip])
    units, unit = np.unique(operators.unit, return_inverse=True)
    held = operators.chip[rows] * len(units) + unit[rows]
    pairs = followers(build, rows, held, operators.segment[rows], operators.start[rows])
    meet = np.flatnonzero(operators.cycles[pairs.one] > pairs.apart)
    for one, other in zip(pairs.one[meet].tolist(), pairs.other[meet].tolist(), strict=True):
        where = f"unit {operators.unit[one]} of chip {operators.chip[one]}"
        yield f"{where} runs operators {one} and {other} at once"


def _ends(build: Build, placement: Placement) -> Iterator[str]:
    """Yield segments whose last end is not their makespan."""
    last = np.full(len(build.segments), NONE, dtype=np.int64)
    ends = np.array([*(operator.ends for operator in build.graph.operators), False])[placement.number]
    np.maximum.at(last, build.operators.segment[ends], build.operators.start[ends])
    for segment in np.flatnonzero(last != build.segments.makespan_cycles).tolist():
        said = build.segments.makespan_cycles[segment]
        yield f"segment {segment} ends at {last[segment]}, its makespan is {said}"

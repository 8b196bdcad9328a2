"""Replay a build with numbers: what consumers find must be what a dense run of the graph gives, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.units import NONE
from lpxsched.verify.replay.dense import Dense
from lpxsched.verify.replay.dispatch import dispatches
from lpxsched.verify.replay.evaluate import evaluate
from lpxsched.verify.replay.mixtures import mixtures
from lpxsched.verify.replay.placement import iterations
from lpxsched.verify.replay.plan import plan_of
from lpxsched.verify.replay.routings import ROUTINGS

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.verify.replay.evaluate import Difference
    from lpxsched.verify.replay.plan import Plan

MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A vector that is not what it should be.

    Attributes
    ----------
    iteration : int
    tensor : str
        Tensor of the graph.
    operator : str
        Operator that reads it.
    node, vector : int
        Node that reads it; vector of the tensor of the graph.
    expected, found : tuple of int
        The numbers that stand for it.
    cause : str
        What did not arrive, and why.
    """

    iteration: int
    tensor: str
    operator: str
    node: int
    vector: int
    expected: tuple[int, ...]
    found: tuple[int, ...]
    cause: str

    def as_json(self) -> dict[str, Any]:
        """Return the mismatch as a JSON object."""
        names = ("iteration", "tensor", "operator", "node", "vector", "expected", "found", "cause")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found.

    Attributes
    ----------
    iterations : int
        Iterations that were replayed, each with numbers of its own.
    compared, mismatches : int
        Vectors that were compared with the dense run, and those that differ.
    first : tuple of Mismatch
        The first of them.
    faults : tuple of str
        What is wrong whatever the numbers: runs that are missing, vectors that nothing uses, routings for which the
        experts have no room.
    """

    iterations: int
    compared: int
    mismatches: int
    first: tuple[Mismatch, ...]
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether something was compared, nothing differs and nothing is wrong."""
        return bool(self.compared) and not self.mismatches and not self.faults


def replay(build: Build, *, seed: int = 0) -> ReplayReport:
    """Replay a build whose numbers, graph and partition are sound (``verify.check.taken_for_granted``).

    A timetable that repeats is replayed for one iteration more than are ever under way at once; a model with experts at
    least once for every routing, and for windows of each.

    Parameters
    ----------
    build : Build
    seed : int
        All numbers follow from it.

    Raises
    ------
    InputError
        When the build is too large, or an operator's layouts leave open what it computes.
    """
    windows = max((layer.replayed for layer in dispatches(build.graph)), default=int(bool(mixtures(build.graph))))
    times = max(iterations(build), len(ROUTINGS) * windows, 1)
    plan = plan_of(build)
    compared = mismatches = 0
    first: list[Mismatch] = []
    faults = [*plan.faults]
    for iteration in range(times):
        dense = Dense(build, seed, iteration)
        faults += (f"iteration {iteration}: {short}" for short in dense.without_run())
        for difference in evaluate(plan, dense, seed, iteration):
            compared += difference.compared
            mismatches += len(difference.wrong)
            if len(difference.wrong) and len(first) < MOST_KEPT:
                first += _told(build, plan, difference, iteration)[: MOST_KEPT - len(first)]
    return ReplayReport(times, compared, mismatches, tuple(first), tuple(faults))


def _told(build: Build, plan: Plan, difference: Difference, iteration: int) -> list[Mismatch]:
    run, read = difference.run, difference.read
    rows = zip(difference.wrong.tolist(), difference.expected.tolist(), difference.found.tolist(), strict=True)
    return [
        Mismatch(
            iteration=iteration,
            tensor=read.tensor,
            operator=build.graph.operators[run.number].name,
            node=int(build.operators.chip[run.row]),
            vector=read.view.first + vector,
            expected=tuple(expected),
            found=tuple(found),
            cause=_cause(build, plan, run.row, int(read.moved[vector])),
        )
        for vector, expected, found in list(rows)[:MOST_KEPT]
    ]


def _cause(build: Build, plan: Plan, row: int, moved: int) -> str:
    """Return why an operator did not find what a row of the movement stands for."""
    movement, start = plan.movement, int(build.operators.start[row])
    if moved == NONE:
        return "no operand asks for it"
    if movement.got[moved]:
        return "arrived; what it was computed from did not"
    slot = int(movement.culprit[moved])
    if slot != NONE:
        why = "leaves before they are there" if movement.whole[slot] else "does not arrive as it left"
        slots, link = build.slots, int(build.slots.link[slot])
        nodes = f"node {build.links.src[link]} to {build.links.dst[link]}"
        return f"slot {slot} with vectors of tensor {slots.tensor[slot]} from {nodes} at {slots.depart[slot]} {why}"
    comes = int(movement.comes[moved])
    tensor = int(build.operands.tensor[movement.operand[moved]])
    when = f"comes at {comes}, operator {row} starts at {start}" if comes != NONE else "never comes"
    return f"tensor {tensor} {when}"

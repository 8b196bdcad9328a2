"""Replay a build with numbers: what consumers find must be what a dense run of the graph gives, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.units import NONE, ceil_div
from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.attacks import attack_faults
from lpxsched.verify.replay.chain import Chain
from lpxsched.verify.replay.dense import Dense
from lpxsched.verify.replay.evaluate import Found, evaluate
from lpxsched.verify.replay.model import model_of
from lpxsched.verify.replay.owned import in_flight, window_faults
from lpxsched.verify.replay.placement import iterations
from lpxsched.verify.replay.plan import plan_of
from lpxsched.verify.replay.rounds import Round
from lpxsched.verify.replay.routings import ROUTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.verify.replay.evaluate import Difference
    from lpxsched.verify.replay.model import Model
    from lpxsched.verify.replay.plan import Plan
    from lpxsched.verify.replay.rotation import Copies

MOST_KEPT = 100
# Of more micro-batches in flight the first are replayed: all of them run the same rows of the timetable.
MOST_MICRO_BATCHES = 8
BEFORE = "what it follows from went wrong before"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A vector that is not what it should be.

    Attributes
    ----------
    micro_batch, step : int
    tensor : str
        Tensor of the graph, or what its chip kept of earlier steps, or rows outside.
    operator : str
        Operator that reads it.
    node, vector : int
        Node that reads it; vector of the tensor of the graph, place in a cache, row outside.
    expected, found : tuple of int
        The numbers that stand for it.
    cause : str
        What did not arrive, and why.
    """

    micro_batch: int
    step: int
    tensor: str
    operator: str
    node: int
    vector: int
    expected: tuple[int, ...]
    found: tuple[int, ...]
    cause: str

    def as_json(self) -> dict[str, Any]:
        """Return the mismatch as a JSON object."""
        names = ("micro_batch", "step", "tensor", "operator", "node", "vector", "expected", "found", "cause")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found.

    Attributes
    ----------
    micro_batches, steps : int
        Micro-batches that were replayed, each with numbers of its own, and the steps of each.
    compared, mismatches : int
        Vectors that were compared with the dense run, and those that differ.
    first : tuple of Mismatch
        The first of them.
    faults : tuple of str
        What is wrong whatever the numbers: runs that are missing, vectors that nothing uses, routings for which the
        experts have no room.
    """

    micro_batches: int
    steps: int
    compared: int
    mismatches: int
    first: tuple[Mismatch, ...]
    faults: tuple[str, ...]

    @property
    def iterations(self) -> int:
        """Steps of all micro-batches."""
        return self.micro_batches * self.steps

    @property
    def ok(self) -> bool:
        """Whether something was compared, nothing differs and nothing is wrong."""
        return bool(self.compared) and not self.mismatches and not self.faults


def replay(build: Build, *, seed: int = 0, copies: Copies | None = None) -> ReplayReport:
    """Replay a build whose numbers, graph and partition are sound (``verify.check.taken_for_granted``).

    Every micro-batch goes through all segments, step after step. A graph that begins and ends at hosts is replayed for
    several steps: what hosts take of a segment decides what they give to the next one, and what chips keep of a step is
    there in the next. Every step has another routing.

    Parameters
    ----------
    build : Build
    seed : int
        All numbers follow from it.
    copies : mapping, optional
        How often a tensor lies at a node of a timetable that repeats, by node and tensor, once where nothing is said;
        None for as often as its uses ask for.

    Raises
    ------
    InputError
        When the build is too large, or an operator's layouts leave open what it computes.
    """
    model, plan = model_of(build, seed), plan_of(build, copies)
    count = micro_batches(build, model)
    compared = mismatches = 0
    first: list[Mismatch] = []
    faults = [*plan.faults, *window_faults(build), *attack_faults(model)]
    for micro_batch in range(count):
        for dense, differences in follow(plan, model, seed, Round(micro_batch, steps=model.steps), Found()):
            faults += (f"iteration {dense.now.number}: {short}" for short in dense.without_run())
            for difference in differences:
                compared += difference.compared
                mismatches += len(difference.wrong)
                if len(difference.wrong) and len(first) < MOST_KEPT:
                    first += _told(build, plan, difference, dense.now)[: MOST_KEPT - len(first)]
    return ReplayReport(count, model.steps, compared, mismatches, tuple(first), tuple(faults))


def micro_batches(build: Build, model: Model) -> int:
    """Return how many micro-batches are replayed.

    Those in flight; of a timetable that repeats for one alone, one more than are ever under way at once; and as many
    as experts need to meet every routing.
    """
    flying = in_flight(build)
    needed = ceil_div(len(ROUTINGS), model.steps) if model.mixtures or model.dispatches else 1
    return max(needed, min(flying, MOST_MICRO_BATCHES) if flying > 1 else iterations(build))


def follow(
    plan: Plan, model: Model, seed: int, begin: Round, found: Found
) -> Iterator[tuple[Dense, Iterator[Difference]]]:
    """Yield the dense run of every visit of a micro-batch, and the comparison with it, which must be taken at once.

    Parameters
    ----------
    plan : Plan
    model : Model
    seed : int
    begin : Round
        The first round of the micro-batch.
    found : Found
        Where what is found goes, nothing yet.
    """
    right, wrong = (Chain(model, seed, begin.micro_batch) for _ in range(2))
    before: dict[int, Dense] = {}
    for step in range(begin.step, begin.steps):
        for segment, windows in enumerate(model.windows):
            found.outside = wrong.rows
            lefts = []
            for window in range(windows):
                now = begin._replace(step=step, window=window)
                dense = Dense(model, now, segment, outside=right.rows, before=before.get(segment))
                yield dense, evaluate(plan, dense, found, seed)
                lefts.append((dense.whole, found.left))
            before[segment] = dense
            if model.ends:
                end = model.ends[segment]
                should, got = (sum(left[end] for left in side) % PRIME for side in zip(*lefts, strict=True))
                right.follow(segment, should)
                wrong.follow(segment, got)


def _told(build: Build, plan: Plan, difference: Difference, now: Round) -> list[Mismatch]:
    run = difference.run
    moved = [None] * len(difference.wrong) if difference.moved is None else difference.moved.tolist()
    rows = zip(difference.wrong.tolist(), difference.expected.tolist(), difference.found.tolist(), moved, strict=True)
    return [
        Mismatch(
            micro_batch=now.micro_batch,
            step=now.step,
            tensor=difference.name,
            operator=build.graph.operators[run.number].name,
            node=int(build.operators.chip[run.row]),
            vector=difference.first + vector,
            expected=tuple(expected),
            found=tuple(found),
            cause=BEFORE if row is None else _cause(build, plan, run.row, row),
        )
        for vector, expected, found, row in list(rows)[:MOST_KEPT]
    ]


def _cause(build: Build, plan: Plan, row: int, moved: int) -> str:
    """Return why an operator did not find what a row of the movement stands for."""
    movement, start = plan.movement, int(build.operators.start[row])
    if moved == NONE:
        return "no operand asks for it"
    if movement.got[moved]:
        return "arrived; what it was computed from did not"
    slot = int(movement.culprit[moved])
    if movement.overwritten[moved] != NONE:
        return f"a later iteration writes over it in cycle {movement.overwritten[moved]}"
    if slot != NONE:
        robbed = movement.robbed[slot] and movement.whole[slot]
        why = "leaves before they are there" if movement.whole[slot] else "does not arrive as it left"
        why = "leaves after a later iteration has written over them" if robbed else why
        slots, link = build.slots, int(build.slots.link[slot])
        nodes = f"node {build.links.src[link]} to {build.links.dst[link]}"
        return f"slot {slot} with vectors of tensor {slots.tensor[slot]} from {nodes} at {slots.depart[slot]} {why}"
    comes = int(movement.comes[moved])
    tensor = int(build.operands.tensor[movement.operand[moved]])
    when = f"comes at {comes}, operator {row} starts at {start}" if comes != NONE else "never comes"
    return f"tensor {tensor} {when}"

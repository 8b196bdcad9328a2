"""From what a search found of copies to CP-SAT with routes left open, and back.

Stages follow each other, each from the best so far: the blocks at hand on representatives of orbits, single vectors on
representatives, single vectors without symmetry. The last may prove that no schedule is shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.cpsat.routes import rerouted
from lpxsched.schedule.cpsat.variables import Slots
from lpxsched.schedule.found import Found
from lpxsched.schedule.plan import copy_plan
from lpxsched.schedule.problem.joins import counted
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import Blocks, quotient
from lpxsched.schedule.times.placement import placed
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.symmetry.quotient import Quotient

PROVED = "CP-SAT"


@dataclass(frozen=True, slots=True)
class Extent:
    """What is modelled.

    Attributes
    ----------
    most_pairs : int
        Pairs of a block and a bundle up to which representatives of orbits are modelled.
    most_pairs_of_all : int
        The same without symmetry.
    """

    most_pairs: int
    most_pairs_of_all: int


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """A schedule of copies: blocks of a problem with their slots."""

    problem: Quotient
    blocks: Blocks
    slots: Slots


def improved_copies(
    found: Found[Quotient], effort: Effort, extent: Extent
) -> tuple[Found[Quotient], LowerBound | None]:
    """Return a better schedule of copies, or what was found; and what is proved besides.

    The lower bound is proved where a model that holds every schedule has no solution. It holds them all: of all pieces,
    since no symmetry is asked for; of all ways that are in time; of single vectors, into which every slot can be cut
    where pitches are whole cycles (`single_vectors`). Where they are not, a slot of several vectors, be they of several
    pieces, holds its link for less than these do one by one, and nothing is proved. Rounding to steps (`variables`) and
    an order of vectors that may change places lose no makespan.

    Parameters
    ----------
    found : Found
        Of a collective that sums nothing.
    effort : Effort
        Of all stages.
    extent : Extent
    """
    best, proved = found, None
    stages = _stages(found, extent)
    share = replace(effort, seconds=effort.seconds / max(1, len(stages)))
    for stage in stages:
        if best.placement.makespan_cycles <= effort.enough_cycles:
            break
        start = stage(_copies(best))
        proves = stage is _vectors_of_all and has_whole_pitches(start.problem)
        routed = rerouted(start.problem, start.blocks, start.slots, share, from_below=proves)
        if routed.makespan_cycles < best.placement.makespan_cycles:
            best = _found(Copies(start.problem, start.blocks, routed.slots))
        if proves and routed.least_cycles > effort.enough_cycles:
            proved = LowerBound(routed.least_cycles, PROVED)
    return best, proved


def _stages(found: Found[Quotient], extent: Extent) -> list[Callable[[Copies], Copies]]:
    """Return what makes the start of each stage from the best copies, without those that are too large."""
    stages: list[Callable[[Copies], Copies]] = []
    blocks, symmetry, bundles = found.plan.blocks, found.problem.symmetry, found.problem.instance.network.bundles
    vectors = int(blocks.vectors.sum())
    if symmetry.order > 1 and len(blocks) * bundles <= extent.most_pairs:
        stages.append(_as_they_are)
    if symmetry.order > 1 and len(blocks) < vectors <= extent.most_pairs // bundles:
        stages.append(single_vectors)
    if vectors * symmetry.order * bundles <= extent.most_pairs_of_all:
        stages.append(_vectors_of_all)
    return stages


def _as_they_are(copies: Copies) -> Copies:
    return copies


def _vectors_of_all(copies: Copies) -> Copies:
    return single_vectors(without_symmetry(copies))


def _copies(found: Found[Quotient]) -> Copies:
    plan = found.plan
    return Copies(found.problem, plan.blocks, Slots(plan.slot_block, plan.slot_bundle, found.placement.start))


def _found(copies: Copies) -> Found[Quotient]:
    """Return the plan of slots with lanes; placed once more in their order where that is shorter."""
    slots = copies.slots
    plan = copy_plan(copies.problem, copies.blocks, slots.block, slots.bundle)
    tasks = plan_tasks(copies.problem, plan)
    order = np.argsort(slots.depart, kind="stable")
    placements = placed(tasks, order), placed(replace(tasks, release=slots.depart), order)
    return Found(copies.problem, plan, min(placements, key=lambda placement: placement.makespan_cycles))


def without_symmetry(copies: Copies) -> Copies:
    """Return a schedule of representatives as one of all pieces."""
    problem, blocks, slots = copies.problem, copies.blocks, copies.slots
    symmetry, flow = problem.symmetry, problem.flow
    if symmetry.order == 1:
        return copies
    piece = problem.pieces[:, blocks.piece].ravel()
    order = symmetry.order
    every = Blocks(
        piece,
        np.tile(blocks.first_vector, order),
        np.tile(blocks.vectors, order),
        flow.source[piece],
        flow.target[piece],
    )
    block = (np.arange(order)[:, None] * len(blocks) + slots.block).ravel()
    moved = Slots(block, symmetry.bundle_map[:, slots.bundle].ravel(), np.tile(slots.depart, order))
    return Copies(quotient(problem.instance, flow, trivial(problem.instance.network)), every, moved)


def single_vectors(copies: Copies) -> Copies:
    """Return the same schedule with every vector as a block of its own; as it is where some pitch is no whole number.

    Vector k of a slot leaves k pitches after the slot's departure, holds its link for one, and is read k pitches after
    the first: nothing changes but the names.
    """
    wires, blocks, slots = copies.problem.wires, copies.blocks, copies.slots
    if not has_whole_pitches(copies.problem):
        return copies
    block, place = counted(blocks.vectors)
    single = Blocks(
        blocks.piece[block],
        blocks.first_vector[block] + place,
        np.ones_like(block),
        blocks.source[block],
        blocks.target[block],
    )
    slot, vector = counted(blocks.vectors[slots.block])
    first = np.cumsum(blocks.vectors) - blocks.vectors
    depart = slots.depart[slot] + vector * wires.numerator[slots.bundle[slot]]
    return Copies(copies.problem, single, Slots(first[slots.block[slot]] + vector, slots.bundle[slot], depart))


def has_whole_pitches(problem: Quotient) -> bool:
    """Return whether a slot holds its link as long as its vectors do one by one: every pitch is whole cycles."""
    return bool((problem.wires.denominator == 1).all())

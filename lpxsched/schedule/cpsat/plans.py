"""From plans with their times to slots of trips, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from lpxsched.schedule.cpsat.trips import Trips, collective_trips, is_gathered
from lpxsched.schedule.cpsat.variables import Pair, Slots
from lpxsched.schedule.plan import Plan, copy_plan, gathered_plan, joined, sum_plan
from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.list_plan import layer_plan
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import Quotient, quotient
from lpxsched.schedule.times.placement import Placement, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.groups import Represented
    from lpxsched.schedule.symmetry.padding import Padded


def slots_of(trips: Trips, found: Found[Represented]) -> Slots:
    """Return the slots of a plan, in its order."""
    plan = found.plan
    return Slots(trips.of_slots(plan), plan.slot_bundle, found.placement.start[: plan.slots])


def sums_of(found: Found[Represented]) -> dict[Pair, int]:
    """Return the start of each sum, by block and node."""
    plan = found.plan
    keys = zip(plan.sum_block.tolist(), plan.sum_node.tolist(), strict=True)
    return dict(zip(keys, found.placement.start[plan.slots : plan.slots + plan.sums].tolist(), strict=True))


def timed(trips: Trips, slots: Slots, sums: dict[Pair, int], operators: list[int]) -> Found[Represented]:
    """Return the plan of slots, sums and operators at their times."""
    order = np.argsort(~trips.is_sum[slots.trip], kind="stable")
    slots = Slots(*(column[order] for column in slots))
    plan = _plan(trips, slots, sums)
    keys = zip(plan.sum_block.tolist(), plan.sum_node.tolist(), strict=True)
    made = np.array([sums.get(key, 0) for key in keys], dtype=np.int64)
    start = np.concatenate([slots.depart, made, np.array(operators, dtype=np.int64)])
    tasks = plan_tasks(trips.problem, plan)
    exact = placed(replace(tasks, release=start), np.argsort(start, kind="stable"))
    return Found(trips.problem, plan, exact)


def closed_up(found: Found[Represented]) -> Found[Represented]:
    """Return a plan placed once more in its order where that is shorter."""
    tasks = plan_tasks(found.problem, found.plan)
    again = placed(tasks, np.argsort(found.placement.start, kind="stable"))
    placements: tuple[Placement, ...] = found.placement, again
    return replace(found, placement=min(placements, key=lambda placement: placement.makespan_cycles))


def _plan(trips: Trips, slots: Slots, sums: dict[Pair, int]) -> Plan:
    blocks, trip = trips.blocks, slots.trip
    block = np.array([row.block for row in trips.rows], dtype=np.int64)[trip]
    is_sum = trips.is_sum[trip]
    if not trips.problem.instance.stages:
        places = np.array(sorted(sums), dtype=np.int64).reshape(-1, 2)
        columns = block, np.where(is_sum, 0, 1), slots.bundle
        return layer_plan(cast("Padded", trips.problem), blocks, columns, (places[:, 0], places[:, 1]))
    problem = cast("Quotient", trips.problem)
    parts = [
        make(problem, blocks, block[chosen], slots.bundle[chosen])
        for make, chosen in ((sum_plan, is_sum), (copy_plan, ~is_sum))
        if chosen.any()
    ]
    if is_gathered(problem):
        return gathered_plan(problem, parts[0])
    return parts[0] if len(parts) == 1 else joined(*parts)


def without_symmetry(trips: Trips, slots: Slots | None) -> tuple[Trips, Slots | None]:
    """Return a schedule of a collective's representatives as one of all pieces."""
    problem, blocks = cast("Quotient", trips.problem), trips.blocks
    symmetry, flow, count = problem.symmetry, problem.flow, len(trips.blocks)
    if symmetry.order == 1:
        return trips, slots
    piece, order = problem.pieces[:, blocks.piece].ravel(), symmetry.order
    every = blocks.taken(np.tile(np.arange(count), order))
    every = replace(every, piece=piece, source=flow.source[piece], target=flow.target[piece])
    trips = collective_trips(quotient(problem.instance, flow, trivial(problem.network)), every)
    if slots is None:
        return trips, None
    first = slots.trip // count * count * order + slots.trip % count
    trip = (np.arange(order)[:, None] * count + first).ravel()
    return trips, Slots(trip, symmetry.bundle_map[:, slots.bundle].ravel(), np.tile(slots.depart, order))


def single_vectors(trips: Trips, slots: Slots | None) -> tuple[Trips, Slots | None]:
    """Return the same schedule with every vector as a block of its own; no schedule where that is another one.

    Where pitches are whole and nothing is summed, vector k of a slot leaves k pitches after the slot's departure, holds
    its link for one, and is read k pitches after the first: nothing changes but the names.
    """
    problem, blocks = cast("Quotient", trips.problem), trips.blocks
    if (blocks.vectors == 1).all():
        return trips, slots
    block, place = row_and_place(blocks.vectors)
    single = replace(blocks.taken(block), first_vector=blocks.first_vector[block] + place, vectors=np.ones_like(block))
    one_by_one = collective_trips(problem, single)
    if slots is None or not has_whole_pitches(problem) or problem.instance.stage.is_sum:
        return one_by_one, None
    slot, vector = row_and_place(blocks.vectors[slots.trip])
    first = np.cumsum(blocks.vectors) - blocks.vectors
    depart = slots.depart[slot] + vector * problem.wires.numerator[slots.bundle[slot]]
    return one_by_one, Slots(first[slots.trip[slot]] + vector, slots.bundle[slot], depart)


def has_whole_pitches(problem: Represented) -> bool:
    """Return whether a slot holds its link as long as its vectors do one by one: every pitch is whole cycles."""
    return bool((problem.wires.denominator == 1).all())

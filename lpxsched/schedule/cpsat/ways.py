"""From what a search found to CP-SAT with ways left open, and back.

Of a collective stages follow each other, each from the best so far: the blocks at hand on representatives of orbits,
single vectors on representatives, single vectors without symmetry. The last may prove that no schedule is shorter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from lpxsched.schedule.cpsat.search import Routed, rerouted, shortened, slots_of, timed
from lpxsched.schedule.cpsat.trips import Trips, collective_trips, is_modelled, layer_trips
from lpxsched.schedule.cpsat.variables import Slots
from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.result import Found, LowerBound
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import quotient
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.symmetry.groups import Represented
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Quotient

PROVED = "CP-SAT"


def improved_layer(found: Found[Padded], effort: Effort) -> Found[Padded]:
    """Return a better plan of a layer, with other ways where these help, or what was found."""
    trips = layer_trips(found.problem, found.plan)
    if not is_modelled(found.plan, trips):
        return found
    better = cast("Found[Padded]", shortened(trips, found, effort))
    return better if _ends_at_roots(better) and _summed(better) == _summed(found) else found


def _ends_at_roots(found: Found[Padded]) -> bool:
    """Return whether no sum is carried to where it was made; on wires without latency a way round costs nothing."""
    plan, bundle = found.plan, found.plan.slot_bundle
    made_at = np.append(plan.sum_node, NONE)[plan.slot_sum]
    return not (made_at == found.problem.wires.destination[bundle]).any()


def _summed(found: Found[Padded]) -> set[tuple[int, int]]:
    """Return the blocks whose sums are complete somewhere: a root without a summand may come too late for it."""
    plan = found.plan
    block = plan.sum_block[plan.sum_complete]
    return set(zip(plan.blocks.piece[block].tolist(), plan.blocks.first_vector[block].tolist(), strict=True))


def improved_ways(
    found: Found[Quotient], bound: LowerBound, effort: Effort, extent: tuple[int, int]
) -> tuple[Found[Quotient], LowerBound]:
    """Return a better plan of a collective, or what was found; and the better bound, if one is proved besides.

    The lower bound is proved where a model that holds every schedule has no solution. It holds them all: of all pieces,
    since no symmetry is asked for; of all ways that are in time; of copies, since sums may be made in other ways; of
    single vectors, into which every slot can be cut where pitches are whole cycles (`_single_vectors`). Where they are
    not, a slot of several vectors, be they of several pieces, holds its link for less than these do one by one, and
    nothing is proved. Rounding to steps (`variables`) and an order of vectors that may change places lose no makespan.

    The extent is up to how many pairs of a block and a bundle representatives of orbits are modelled, and all without
    symmetry.
    """
    best = found
    models = _models(found, extent)
    share = replace(effort, seconds=effort.seconds / max(1, len(models)))
    for single, of_all in models:
        if best.placement.makespan_cycles <= max(effort.enough_cycles, effort.near_cycles):
            break
        start = _start(best, single=single, of_all=of_all)
        if start is None:
            break
        trips, slots = start
        proves = of_all and _has_whole_pitches(trips.problem) and not found.problem.instance.stage.is_sum
        known = timed(trips, slots, {}, []) if slots is not None else None
        at_hand = Routed(known, best.placement.makespan_cycles, effort.enough_cycles)
        routed = rerouted(trips, at_hand, share, from_below=proves)
        if routed.makespan_cycles < best.placement.makespan_cycles and routed.found is not None:
            best = cast("Found[Quotient]", routed.found)
        if proves and routed.least_cycles > effort.enough_cycles:
            bound = LowerBound(routed.least_cycles, PROVED)
    return best, bound


def _models(found: Found[Quotient], extent: tuple[int, int]) -> list[tuple[bool, bool]]:
    """Return what is modelled, without what is too large: single vectors or the blocks at hand, of all or not."""
    models, (most_pairs, most_pairs_of_all) = [], extent
    blocks, symmetry, bundles = found.plan.blocks, found.problem.symmetry, found.problem.network.bundles
    vectors = int(blocks.vectors.sum())
    if symmetry.order > 1 and len(blocks) * bundles <= most_pairs:
        models.append((False, False))
    if symmetry.order > 1 and len(blocks) < vectors <= most_pairs // bundles:
        models.append((True, False))
    if vectors * symmetry.order * bundles <= most_pairs_of_all:
        models.append((True, True))
    return models


def _start(found: Found[Quotient], *, single: bool, of_all: bool) -> tuple[Trips, Slots | None] | None:
    """Return trips with a schedule of them, if one is known; None where a collective is not made of trips.

    That is an all-reduce in other phases.
    """
    # What is summed beside its reader has blocks that end there; trips are those of the pieces.
    blocks, flow = found.plan.blocks, found.problem.flow
    blocks = replace(blocks, source=flow.source[blocks.piece], target=flow.target[blocks.piece])
    trips = collective_trips(found.problem, blocks)
    slots = slots_of(trips, found) if is_modelled(found.plan, trips) else None
    if slots is None and found.problem.instance.stage.kind == "all-reduce":
        return None
    start = _without_symmetry(trips, slots) if of_all else (trips, slots)
    return _single_vectors(*start) if single else start


def _without_symmetry(trips: Trips, slots: Slots | None) -> tuple[Trips, Slots | None]:
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


def _single_vectors(trips: Trips, slots: Slots | None) -> tuple[Trips, Slots | None]:
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
    if slots is None or not _has_whole_pitches(problem) or problem.instance.stage.is_sum:
        return one_by_one, None
    slot, vector = row_and_place(blocks.vectors[slots.trip])
    first = np.cumsum(blocks.vectors) - blocks.vectors
    depart = slots.depart[slot] + vector * problem.wires.numerator[slots.bundle[slot]]
    return one_by_one, Slots(first[slots.trip[slot]] + vector, slots.bundle[slot], depart)


def _has_whole_pitches(problem: Represented) -> bool:
    """Return whether a slot holds its link as long as its vectors do one by one: every pitch is whole cycles."""
    return bool((problem.wires.denominator == 1).all())

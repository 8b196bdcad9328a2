"""From a choice of how to search to a plan, with an order in which to place its tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.plan import Plan, copy_plan, gathered_plan, joined, sum_plan
from lpxsched.schedule.policy import MOST_JUSTIFIED
from lpxsched.schedule.problem.ragged import first_with
from lpxsched.schedule.routes.choices import Choice, Style, find_ways
from lpxsched.schedule.routes.merging import merged_plan
from lpxsched.schedule.routes.trees import Merging, PackedTrees
from lpxsched.schedule.symmetry.quotient import Quotient, Ways, mirror
from lpxsched.schedule.times.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Integers


class Candidate(NamedTuple):
    """A plan, the order in which to place it (by depth where there is none), and its times where they stay."""

    plan: Plan
    order: Integers | None = None
    timed: Placement | None = None


def candidate_of(
    forward: Quotient, backward: Quotient, *, gathered: bool, cyclic: bool
) -> Callable[[Style, int], Candidate | None]:
    """Return the function that makes a plan of a choice and gives up on what takes longer than a limit."""
    collective = forward.instance.stage
    if gathered:
        return lambda choice, limit: _gathered(forward, choice, limit)
    if not collective.is_sum:
        return lambda choice, limit: _copies(forward, choice, limit, settles=not cyclic)
    if collective.kind != "all-reduce":
        return lambda choice, limit: _sums(forward, backward, choice, limit)
    return lambda choice, limit: _sums_and_copies(forward, backward, choice, limit)


def _copies(problem: Quotient, choice: Style, limit: int, *, settles: bool) -> Candidate | None:
    """Return copies; where they settle the matter and are very many, with the times that the search for ways found."""
    ways = find_ways(problem, choice, limit=limit)
    if ways is None:
        return None
    timed = Placement(ways.depart, ways.lane, ways.makespan_cycles) if ways.makespan_cycles else None
    stays = timed is not None and settles and len(ways.block) > MOST_JUSTIFIED
    plan = copy_plan(problem, ways.blocks, ways.block, ways.bundle, timed=stays)
    return Candidate(plan, timed=timed) if stays else Candidate(plan, np.arange(len(ways.block)))


def _gathered(problem: Quotient, choice: Style, limit: int) -> Candidate | None:
    copies = _copies(problem, choice, limit, settles=False)
    if copies is None:
        return None
    plan = gathered_plan(problem, copies.plan)
    return Candidate(plan, np.arange(plan.slots + plan.sums))


def _sums(forward: Quotient, backward: Quotient, choice: Style, limit: int) -> Candidate | None:
    ways = find_ways(backward, choice, limit=limit, mirrored=True)
    if ways is None:
        return None
    if isinstance(choice, PackedTrees) and choice.merging:
        return _merged(forward, ways, choice.merging, limit)
    if isinstance(choice, PackedTrees) and choice.beside:
        plan = beside_plan(forward, ways)
    else:
        plan = sum_plan(forward, ways.blocks, ways.block, ways.bundle)
    return Candidate(plan, _sum_order(plan))


def _merged(forward: Quotient, ways: Ways, merging: Merging, limit: int) -> Candidate | None:
    """Return sums of many operands, block after block; None where links are loaded beyond a limit."""
    plan = merged_plan(forward, ways, merging)
    wires = forward.wires
    load = np.bincount(
        wires.resource[plan.slot_bundle],
        weights=forward.instance.network.hold_cycles(plan.blocks.vectors[plan.slot_block], plan.slot_bundle),
        minlength=len(wires.lanes),
    )
    if (load > limit * wires.lanes.astype(np.float64)).any():
        return None
    turn = np.empty(len(ways.blocks), dtype=np.int64)
    number, first = np.unique(ways.block, return_index=True)
    turn[number] = first
    return Candidate(plan, np.argsort(turn[np.concatenate([plan.slot_block, plan.sum_block])], kind="stable"))


def _sum_order(plan: Plan) -> Integers:
    """Order slots as time backwards has them, each sum before what carries its result; that of a block comes last."""
    slot_rank = -np.arange(plan.slots)
    sum_rank = np.full(plan.sums, 1, dtype=np.int64)
    carried = np.flatnonzero(plan.slot_sum >= 0)
    np.minimum.at(sum_rank, plan.slot_sum[carried], slot_rank[carried])
    kind = np.concatenate([np.ones(plan.slots, dtype=np.int64), np.zeros(plan.sums, dtype=np.int64)])
    return np.lexsort((kind, np.concatenate([slot_rank, sum_rank])))


def _sums_and_copies(forward: Quotient, backward: Quotient, choice: Style, limit: int) -> Candidate | None:
    summing = _sums(forward, backward, choice, limit)
    ways = find_ways(forward, choice, limit=limit)
    if summing is None or ways is None:
        return None
    sums, order = summing.plan, _sum_order(summing.plan)
    # What is summed first, the first block of the copies, was the last when time ran backwards.
    block = ways.block
    if isinstance(choice, Choice) and choice.urgency != "spread":
        block = mirror(np.unique(ways.blocks.piece, return_counts=True)[1])[block]
    plan = joined(sums, copy_plan(forward, sums.blocks, block, ways.bundle))
    later = np.arange(sums.slots, plan.slots)
    first = np.where(order >= sums.slots, order + len(later), order)
    return Candidate(plan, np.concatenate([first, later]))


def beside_plan(problem: Quotient, ways: Ways) -> Plan:
    """Return the plan of sums along trees of the reversed problem, made beside the reader wherever that can be.

    Where all of a block comes to its reader over one neighbour that adds already, that neighbour may as well add the
    reader's summand too: it is sent that, and sends the sum. The way back is idle, and the reader is spared a sum: its
    time at the end, and its vector unit.
    """
    network, blocks, bundle = problem.network, ways.blocks, ways.bundle.copy()
    moved = _moved(problem, ways)
    last = bundle[moved]
    bundle[moved] = _back(problem)[last]
    place = blocks.source.copy()
    place[ways.block[moved]] = network.source[last]
    made = replace(blocks, source=place, target=blocks.source)
    sums = sum_plan(problem, made, ways.block, bundle)
    # What comes last when time runs backwards is sent first.
    return joined(sums, copy_plan(problem, made, ways.block[moved][::-1], last[::-1]))


def _moved(problem: Quotient, ways: Ways) -> Integers:
    """Return the slots that alone bring a block to its reader, and might bring its sum instead."""
    network = problem.network
    into = np.flatnonzero(network.destination[ways.bundle] == ways.blocks.source[ways.block])
    arriving = np.bincount(ways.block[into], minlength=len(ways.blocks))
    before = ways.block[into] * network.nodes + network.source[ways.bundle[into]]
    adds = np.isin(before, ways.block * network.nodes + network.destination[ways.bundle])
    moves = (arriving[ways.block[into]] == 1) & adds & (_back(problem)[ways.bundle[into]] >= 0)
    return np.asarray(into[moves], dtype=np.int64)


def _back(problem: Quotient) -> Integers:
    """Return a bundle the other way round for each bundle, `NONE` where there is none."""
    network = problem.network
    ends = network.source * network.nodes + network.destination
    wanted = network.destination * network.nodes + network.source
    return first_with(ends, wanted)

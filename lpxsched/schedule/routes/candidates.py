"""From a choice of how to search to a plan, with an order in which to place its tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.plan import Plan, copy_plan, gathered_plan, joined, sum_plan
from lpxsched.schedule.policy import MOST_JUSTIFIED
from lpxsched.schedule.problem.ragged import first_with
from lpxsched.schedule.routes.choices import Choice, KnownWays, Style, find_ways
from lpxsched.schedule.routes.merging import merged_plan
from lpxsched.schedule.routes.trees import Merging, PackedTrees
from lpxsched.schedule.symmetry.quotient import Quotient, Ways, mirror
from lpxsched.schedule.times.placement import Placement

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers


class Candidate(NamedTuple):
    """A plan, the order in which to place it (by depth where there is none), and its times where they stay."""

    plan: Plan
    order: Integers | None = None
    timed: Placement | None = None


def directions(forward: Quotient, backward: Quotient, *, gathered: bool = False) -> list[tuple[Quotient, bool]]:
    """Return the problems whose trees make a collective, and whether these are sums backwards in time."""
    stage = forward.instance.stage
    sums = stage.is_sum and not gathered
    copies = not sums or stage.kind == "all-reduce"
    return [(backward, True)] * sums + [(forward, False)] * copies


class Candidates:
    """Plans of choices, each once: other seeds and prices often lead to ways that were found before."""

    def __init__(self, forward: Quotient, backward: Quotient, *, gathered: bool, cyclic: bool) -> None:
        self._problem, self._gathered, self._settles = forward, gathered, not cyclic
        # Each with what is known of it.
        self._directions: list[tuple[Quotient, bool, KnownWays]] = [
            (problem, is_sum, {}) for problem, is_sum in directions(forward, backward, gathered=gathered)
        ]
        self._made: set[tuple[object, ...]] = set()

    def __call__(self, choice: Style, limit: int) -> Candidate | None:
        """Return the plan of a choice; None where it takes longer than a limit, or is one that was returned before."""
        found: list[Ways] = []
        for problem, is_sum, known in self._directions:
            ways = find_ways(problem, choice, limit=limit, mirrored=is_sum, known=known)
            if ways is None:
                return None
            found.append(ways)
        if self._is_made(choice, found):
            return None
        if self._gathered:
            plan = gathered_plan(self._problem, _copies(self._problem, *found, settles=False).plan)
            return Candidate(plan, np.arange(plan.slots + plan.sums))
        if not self._directions[0][1]:
            return _copies(self._problem, *found, settles=self._settles)
        summing = _sums(self._problem, found[0], choice, limit)
        return summing if summing is None or len(found) == 1 else _with_copies(self._problem, summing, found[1], choice)

    def _is_made(self, choice: Style, found: list[Ways]) -> bool:
        """Return whether these ways came before; those of very many slots, of which few are tried, are not kept."""
        if max(len(ways.block) for ways in found) > MOST_JUSTIFIED:
            return False
        # All else that a choice says is in its ways.
        style = (choice.beside, choice.merging) if isinstance(choice, PackedTrees) else choice.urgency == "spread"
        # Packed trees may be the same and carry other numbers of vectors.
        columns = [column for ways in found for column in (ways.block, ways.bundle, ways.blocks.vectors)]
        plan = choice.length, style, *(column.tobytes() for column in columns)
        is_made = plan in self._made
        self._made.add(plan)
        return is_made


def _copies(problem: Quotient, ways: Ways, *, settles: bool) -> Candidate:
    """Return copies; where they settle the matter and are very many, with the times that the search for ways found."""
    timed = Placement(ways.depart, ways.lane, ways.makespan_cycles) if ways.makespan_cycles else None
    stays = timed is not None and settles and len(ways.block) > MOST_JUSTIFIED
    plan = copy_plan(problem, ways.blocks, ways.block, ways.bundle, timed=stays)
    return Candidate(plan, timed=timed) if stays else Candidate(plan, np.arange(len(ways.block)))


def _sums(problem: Quotient, ways: Ways, choice: Style, limit: int) -> Candidate | None:
    if isinstance(choice, PackedTrees) and choice.merging:
        return _merged(problem, ways, choice.merging, limit)
    if isinstance(choice, PackedTrees) and choice.beside:
        plan = beside_plan(problem, ways)
    else:
        plan = sum_plan(problem, ways.blocks, ways.block, ways.bundle)
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
    turn = first_with(ways.block, np.arange(len(ways.blocks)))
    return Candidate(plan, np.argsort(turn[np.concatenate([plan.slot_block, plan.sum_block])], kind="stable"))


def _sum_order(plan: Plan) -> Integers:
    """Order slots as time backwards has them, each sum before what carries its result; that of a block comes last."""
    slot_rank = -np.arange(plan.slots)
    sum_rank = np.full(plan.sums, 1, dtype=np.int64)
    carried = np.flatnonzero(plan.slot_sum >= 0)
    np.minimum.at(sum_rank, plan.slot_sum[carried], slot_rank[carried])
    kind = np.concatenate([np.ones(plan.slots, dtype=np.int64), np.zeros(plan.sums, dtype=np.int64)])
    return np.lexsort((kind, np.concatenate([slot_rank, sum_rank])))


def _with_copies(problem: Quotient, summing: Candidate, ways: Ways, choice: Style) -> Candidate:
    """Return sums with copies of their results after them."""
    sums, order = summing.plan, _sum_order(summing.plan)
    # What is summed first, the first block of the copies, was the last when time ran backwards.
    block = ways.block
    if isinstance(choice, Choice) and choice.urgency != "spread":
        block = mirror(np.unique(ways.blocks.piece, return_counts=True)[1])[block]
    plan = joined(sums, copy_plan(problem, sums.blocks, block, ways.bundle))
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

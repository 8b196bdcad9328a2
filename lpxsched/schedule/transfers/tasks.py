"""The slots and sums of a plan as tasks: what each holds and for how long, and what must be over before it starts.

**A sum pays like a relay.** Its result leaves the chip no earlier than its end, and no earlier than a turnaround and
the duration of the sum after the last vector of each operand that arrived was read. If another sum of the same chip is
an operand, the durations of both follow the turnaround. On the chip itself the result is there when the sum ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.transfers.placing import Tasks
from lpxsched.schedule.transfers.reduced import counted
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.transfers.plan import Plan
    from lpxsched.schedule.transfers.reduced import Reduced

INJECT, EJECT = 0, 1


class Precedences(NamedTuple):
    """Rows (before, after, delay) as `Tasks` has them."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    delay: NDArray[np.int64]


def plan_tasks(problem: Reduced, plan: Plan) -> Tasks:
    """Return the slots and then the sums of a plan as tasks."""
    wires, fabric = problem.wires, problem.problem
    vectors = plan.blocks.vectors[plan.slot_block]
    length = hold_cycles(problem, plan.slot_bundle, vectors)
    duration = wires.hop[plan.slot_bundle] + hold_cycles(problem, plan.slot_bundle, vectors - 1)
    sum_cycles = sum_durations(problem, plan)
    orbits = int(wires.node_orbit.max(initial=0)) + 1
    port, offset = _ports(problem, plan)
    before, after, delay = _precedences(problem, plan, duration, sum_cycles)
    nothing = np.full((plan.sums, 2), NONE, dtype=np.int64)
    limits = [max(1, fabric.inject_per_cycle), max(1, fabric.eject_per_cycle)]
    return Tasks(
        resource=np.concatenate([wires.resource[plan.slot_bundle], len(wires.lanes) + wires.node_orbit[plan.sum_node]]),
        length=np.concatenate([length, sum_cycles]),
        duration=np.concatenate([duration, sum_cycles]),
        release=np.zeros(plan.slots + plan.sums, dtype=np.int64),
        before=before,
        after=after,
        delay=delay,
        port=np.concatenate([port, nothing]),
        port_offset=np.concatenate([offset, np.zeros_like(nothing)]),
        lanes=np.concatenate([wires.lanes, np.ones(orbits, dtype=np.int64)]),
        port_lanes=np.repeat(limits, orbits).astype(np.int64),
    )


def _precedences(
    problem: Reduced, plan: Plan, duration: NDArray[np.int64], sum_cycles: NDArray[np.int64]
) -> Precedences:
    """R2 and R3: what is sent was read a turnaround before or has been added; a sum reads all that it adds."""
    relayed = np.flatnonzero(plan.slot_fed >= 0)
    arrived, leaving = plan.slot_bundle[plan.slot_fed[relayed]], plan.slot_bundle[relayed]
    lead = _lead_cycles(problem, arrived, leaving, plan.blocks.vectors[plan.slot_block[relayed]])
    added = np.flatnonzero((plan.slot_sum >= 0) & (plan.slot_fed < 0))
    arriving = np.flatnonzero(plan.operand_slot >= 0)
    chained = np.flatnonzero(plan.operand_slot < NONE)
    earlier = NONE - 1 - plan.operand_slot[chained]
    turnaround = problem.problem.turnaround_cycles
    rows = [
        Precedences(plan.slot_fed[relayed], relayed, problem.wires.hop[arrived] + turnaround + lead),
        Precedences(plan.slots + plan.slot_sum[added], added, sum_cycles[plan.slot_sum[added]]),
        Precedences(
            plan.operand_slot[arriving],
            plan.slots + plan.operand_sum[arriving],
            duration[plan.operand_slot[arriving]],
        ),
        Precedences(plan.slots + earlier, plan.slots + plan.operand_sum[chained], sum_cycles[earlier]),
    ]
    if turnaround:
        brought = _brought(plan, sum_cycles)
        row, slot = _matching(brought.after, plan.slot_sum[added])
        delay = duration[brought.before] + turnaround + brought.delay
        rows.append(Precedences(brought.before[row], added[slot], delay[row]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))


def _brought(plan: Plan, sum_cycles: NDArray[np.int64]) -> Precedences:
    """Return the slots whose vectors are in each sum, with the cycles of all sums from them on to that one."""
    arriving, chained = np.flatnonzero(plan.operand_slot >= 0), np.flatnonzero(plan.operand_slot < NONE)
    into = plan.operand_sum[arriving]
    found = [Precedences(plan.operand_slot[arriving], into, sum_cycles[into])]
    while len(found[-1].before):
        last = found[-1]
        row, further = _matching(last.after, NONE - 1 - plan.operand_slot[chained])
        into = plan.operand_sum[chained[further]]
        found.append(Precedences(last.before[row], into, last.delay[row] + sum_cycles[into]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _matching(keys: NDArray[np.int64], others: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of a row and another row with the same key."""
    order = np.argsort(others, kind="stable")
    first, last = (np.searchsorted(others[order], keys, side=side) for side in ("left", "right"))
    row, place = counted(last - first)
    return row, order[first[row] + place]


def _ports(problem: Reduced, plan: Plan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """R7: which slots begin and end at the chips of their bundles."""
    wires, fabric = problem.wires, problem.problem
    orbits = int(wires.node_orbit.max(initial=0)) + 1
    source, destination = fabric.bundle_source[plan.slot_bundle], fabric.bundle_destination[plan.slot_bundle]
    target = plan.blocks.target[plan.slot_block]
    summed = np.zeros(plan.slots, dtype=np.bool_)
    summed[plan.operand_slot[plan.operand_slot >= 0]] = True
    ends = (target == destination) | ((target == EVERY) & (destination < fabric.width)) | summed
    port = np.full((plan.slots, 2), NONE, dtype=np.int64)
    port[:, INJECT] = np.where((plan.slot_fed < 0) & (fabric.inject_per_cycle > 0), wires.node_orbit[source], NONE)
    port[:, EJECT] = np.where(ends & (fabric.eject_per_cycle > 0), orbits + wires.node_orbit[destination], NONE)
    offset = np.zeros((plan.slots, 2), dtype=np.int64)
    offset[:, EJECT] = wires.hop[plan.slot_bundle]
    return port, offset


def sum_durations(problem: Reduced, plan: Plan) -> NDArray[np.int64]:
    """Return the cycles of each sum."""
    operands = np.bincount(plan.operand_sum, minlength=plan.sums)
    vectors = plan.blocks.vectors[plan.sum_block]
    pairs, index = np.unique(np.column_stack([operands, vectors]), axis=0, return_inverse=True)
    cycles = [problem.problem.add_cost.cycles(m, n) for m, n in pairs.tolist()]
    return np.array(cycles, dtype=np.int64)[index.ravel()]


def hold_cycles(problem: Reduced, bundle: NDArray[np.int64], vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ceil(n pitch) for slots."""
    wires = problem.wires
    return -(-vectors * wires.numerator[bundle] // wires.denominator[bundle])


def _lead_cycles(
    problem: Reduced, arrived: NDArray[np.int64], bundle: NDArray[np.int64], vectors: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how much later a relay sends streams on where the wire in is slower than the wire out."""
    wires = problem.wires
    slower = wires.numerator[arrived] * wires.denominator[bundle] - wires.numerator[bundle] * wires.denominator[arrived]
    both = wires.denominator[arrived] * wires.denominator[bundle]
    return np.where(slower > 0, -(-(vectors - 1) * slower // both), 0).astype(np.int64)

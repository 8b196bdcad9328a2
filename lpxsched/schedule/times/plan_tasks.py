"""The slots and sums of a plan as tasks: what each holds and for how long, and what must be over before it starts.

**A sum pays like a relay.** Its result leaves the chip no earlier than its end, and no earlier than a turnaround and
the duration of the sum after the last vector of each operand that arrived was read. If another sum of the same chip is
an operand, the durations of both follow the turnaround. On the chip itself the result is there when the sum ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.instance import sum_cycles
from lpxsched.schedule.problem.joins import matching
from lpxsched.schedule.times.placement import Precedences, Tasks
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.symmetry.quotient import Quotient

INJECT, EJECT = 0, 1


def plan_tasks(problem: Quotient, plan: Plan) -> Tasks:
    """Return the slots and then the sums of a plan as tasks."""
    wires, network = problem.wires, problem.instance.network
    vectors = plan.blocks.vectors[plan.slot_block]
    length = network.hold_cycles(vectors, plan.slot_bundle)
    duration = wires.hop[plan.slot_bundle] + network.hold_cycles(vectors - 1, plan.slot_bundle)
    operands = np.bincount(plan.operand_sum, minlength=plan.sums)
    sums = sum_cycles(problem.instance.add_cost, operands, plan.blocks.vectors[plan.sum_block])
    orbits = int(wires.node_orbit.max(initial=0)) + 1
    port, offset = _ports(problem, plan)
    before, after, delay = _precedences(problem, plan, duration, sums)
    nothing = np.full((plan.sums, 2), NONE, dtype=np.int64)
    limits = [max(1, network.inject_per_cycle), max(1, network.eject_per_cycle)]
    return Tasks(
        resource=np.concatenate([wires.resource[plan.slot_bundle], len(wires.lanes) + wires.node_orbit[plan.sum_node]]),
        length=np.concatenate([length, sums]),
        duration=np.concatenate([duration, sums]),
        release=np.zeros(plan.slots + plan.sums, dtype=np.int64),
        before=before,
        after=after,
        delay=delay,
        port=np.concatenate([port, nothing]),
        port_offset=np.concatenate([offset, np.zeros_like(nothing)]),
        lanes=np.concatenate([wires.lanes, np.ones(orbits, dtype=np.int64)]),
        port_lanes=np.repeat(limits, orbits).astype(np.int64),
    )


def _precedences(problem: Quotient, plan: Plan, duration: NDArray[np.int64], sums: NDArray[np.int64]) -> Precedences:
    """R2 and R3: what is sent was read a turnaround before or has been added; a sum reads all that it adds."""
    relayed = np.flatnonzero(plan.slot_fed >= 0)
    arrived, leaving = plan.slot_bundle[plan.slot_fed[relayed]], plan.slot_bundle[relayed]
    lead = problem.instance.network.lead_cycles(arrived, leaving, plan.blocks.vectors[plan.slot_block[relayed]])
    added = np.flatnonzero((plan.slot_sum >= 0) & (plan.slot_fed < 0))
    arriving = np.flatnonzero(plan.operand_slot >= 0)
    chained = np.flatnonzero(plan.operand_slot < NONE)
    earlier = NONE - 1 - plan.operand_slot[chained]
    turnaround = problem.instance.network.turnaround_cycles
    rows = [
        Precedences(plan.slot_fed[relayed], relayed, problem.wires.hop[arrived] + turnaround + lead),
        Precedences(plan.slots + plan.slot_sum[added], added, sums[plan.slot_sum[added]]),
        Precedences(
            plan.operand_slot[arriving],
            plan.slots + plan.operand_sum[arriving],
            duration[plan.operand_slot[arriving]],
        ),
        Precedences(plan.slots + earlier, plan.slots + plan.operand_sum[chained], sums[earlier]),
    ]
    if turnaround:
        brought = _brought(plan, sums)
        row, slot = matching(brought.after, plan.slot_sum[added])
        delay = duration[brought.before] + turnaround + brought.delay
        rows.append(Precedences(brought.before[row], added[slot], delay[row]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))


def _brought(plan: Plan, sums: NDArray[np.int64]) -> Precedences:
    """Return the slots whose vectors are in each sum, with the cycles of all sums from them on to that one."""
    arriving, chained = np.flatnonzero(plan.operand_slot >= 0), np.flatnonzero(plan.operand_slot < NONE)
    into = plan.operand_sum[arriving]
    found = [Precedences(plan.operand_slot[arriving], into, sums[into])]
    while len(found[-1].before):
        last = found[-1]
        row, further = matching(last.after, NONE - 1 - plan.operand_slot[chained])
        into = plan.operand_sum[chained[further]]
        found.append(Precedences(last.before[row], into, last.delay[row] + sums[into]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _ports(problem: Quotient, plan: Plan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """R7: which slots begin and end at the chips of their bundles."""
    wires, network = problem.wires, problem.instance.network
    orbits = int(wires.node_orbit.max(initial=0)) + 1
    source, destination = network.source[plan.slot_bundle], network.destination[plan.slot_bundle]
    target = plan.blocks.target[plan.slot_block]
    summed = np.zeros(plan.slots, dtype=np.bool_)
    summed[plan.operand_slot[plan.operand_slot >= 0]] = True
    ends = (target == destination) | ((target == EVERY) & (destination < network.width)) | summed
    port = np.full((plan.slots, 2), NONE, dtype=np.int64)
    port[:, INJECT] = np.where((plan.slot_fed < 0) & (network.inject_per_cycle > 0), wires.node_orbit[source], NONE)
    port[:, EJECT] = np.where(ends & (network.eject_per_cycle > 0), orbits + wires.node_orbit[destination], NONE)
    offset = np.zeros((plan.slots, 2), dtype=np.int64)
    offset[:, EJECT] = wires.hop[plan.slot_bundle]
    return port, offset

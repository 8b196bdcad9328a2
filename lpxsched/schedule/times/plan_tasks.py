"""The slots, sums and operators of a plan as tasks: what each holds and for how long, and what each waits for.

**A sum pays like a relay.** Its result leaves the chip no earlier than its end, and no earlier than a turnaround and
the duration of the sum after the last vector of each operand that arrived was read. If another sum of the same chip is
an operand, the durations of both follow the turnaround. On the chip itself the result is there when the sum ends.

The makespan of a layer is the start of its last operator, so what nothing waits for has no duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.plan import OPERATOR, SLOT, SUM, Operands, Plan, deliveries
from lpxsched.schedule.problem.instance import HOST, VECTOR, sum_cycles
from lpxsched.schedule.problem.ragged import matching
from lpxsched.schedule.times.calendars import closed_by
from lpxsched.schedule.times.placement import Precedences, Tasks
from lpxsched.units import NONE, lead_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.symmetry.groups import Represented

INJECT, EJECT = 0, 1


def plan_tasks(problem: Represented, plan: Plan) -> Tasks:
    """Return the slots, then the sums, then the operators of a plan as tasks."""
    wires, operators = problem.wires, problem.operators
    vectors = plan.blocks.vectors[plan.slot_block]
    length = problem.network.hold_cycles(vectors, plan.slot_bundle)
    stream = wires.hop[plan.slot_bundle] + problem.network.hold_cycles(vectors - 1, plan.slot_bundle)
    sums = sum_cycles(problem.add_cost, plan.operand_counts(), plan.blocks.vectors[plan.sum_block])
    duration = np.concatenate([stream, sums, operators.cycles])
    waits = _precedences(problem, plan, duration)
    is_last = np.arange(len(duration)) >= plan.slots + plan.sums
    is_last[waits.before] = False
    orbits = int(wires.node_orbit.max(initial=0)) + 1
    unit, units = _units(problem, plan, orbits)
    port, offset = _ports(problem, plan, orbits)
    limits = [max(1, wires.inject), max(1, wires.eject)]
    return Tasks(
        resource=np.concatenate([wires.resource[plan.slot_bundle], len(wires.lanes) + unit]),
        length=np.concatenate([length, sums, np.where(operators.unit == HOST, 0, operators.cycles)]),
        duration=np.where(is_last, 0, duration),
        release=np.full(len(duration), operators.release, dtype=np.int64),
        before=waits.before,
        after=waits.after,
        delay=waits.delay,
        port=port,
        port_offset=offset,
        lanes=np.concatenate([wires.lanes, np.ones(units, dtype=np.int64)]),
        port_lanes=np.repeat(limits, orbits).astype(np.int64),
        closed=closed_by(problem.instance.deskews, wires, units),
    )


def _units(problem: Represented, plan: Plan, orbits: int) -> tuple[Integers, int]:
    """R4: return the unit of each sum and operator, and how many there are: of vectors, of matrices, one of hosts."""
    operators, node_orbit = problem.operators, problem.wires.node_orbit
    of_sums = node_orbit[plan.sum_node]
    if not operators:
        return of_sums, orbits
    of_operators = np.where(operators.unit == VECTOR, 0, orbits) + node_orbit[operators.node]
    return np.concatenate([of_sums, np.where(operators.unit == HOST, 2 * orbits, of_operators)]), 2 * orbits + 1


def _precedences(problem: Represented, plan: Plan, duration: Integers) -> Precedences:
    """R2 and R3: what is sent was read a turnaround before or has been made; a sum or operator reads what it needs."""
    wires, operators = problem.wires, problem.operators
    relayed, begins = np.flatnonzero(plan.slot_fed >= 0), np.flatnonzero(plan.slot_fed < 0)
    arrived, leaving = plan.slot_bundle[plan.slot_fed[relayed]], plan.slot_bundle[relayed]
    pitches = [(wires.numerator[bundle], wires.denominator[bundle]) for bundle in (arrived, leaving)]
    lead = lead_cycles(plan.blocks.vectors[plan.slot_block[relayed]], *pitches)
    added = begins[plan.slot_kind[begins] == SUM]
    total = plan.slots + plan.slot_number[added]
    first = plan.slots + plan.sums
    rows = [
        Precedences(plan.slot_fed[relayed], relayed, wires.hop[arrived] + wires.turnaround + lead),
        Precedences(total, added, duration[total]),
        *_needs(problem, plan, plan.operands, plan.slots + plan.operands.reader, duration),
    ]
    if operators:
        made = begins[plan.slot_kind[begins] == OPERATOR]
        maker = first + operators.task[plan.slot_number[made]]
        rows.append(Precedences(maker, made, duration[maker]))
        rows += _needs(problem, plan, plan.reads, first + operators.task[plan.reads.reader], duration)
        rows.append(Precedences(first + operators.before, first + operators.after, duration[first + operators.before]))
    if wires.turnaround:
        brought = _brought(plan, duration[plan.slots : first])
        row, slot = matching(brought.after, total - plan.slots)
        delay = duration[brought.before] + wires.turnaround + brought.delay
        rows.append(Precedences(brought.before[row], added[slot], delay[row]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))


def _needs(
    problem: Represented, plan: Plan, needed: Operands, after: Integers, duration: Integers
) -> list[Precedences]:
    """Return what each of some tasks waits for: reads, the ends of sums and of operators."""
    rows = []
    for kind, first in ((SLOT, 0), (SUM, plan.slots), (OPERATOR, plan.slots + plan.sums)):
        if kind == OPERATOR and not problem.operators:
            continue
        of_kind = np.flatnonzero(needed.kind == kind)
        number = needed.number[of_kind]
        before = first + (problem.operators.task[number] if kind == OPERATOR else number)
        rows.append(Precedences(before, after[of_kind], duration[before]))
    return rows


def _brought(plan: Plan, sums: Integers) -> Precedences:
    """Return the slots whose vectors are in each sum, with the cycles of all sums from them on to that one."""
    arriving, chained = plan.operands.of_kind(SLOT), plan.operands.of_kind(SUM)
    found = [Precedences(arriving.number, arriving.reader, sums[arriving.reader])]
    while len(found[-1].before):
        last = found[-1]
        row, further = matching(last.after, chained.number)
        into = chained.reader[further]
        found.append(Precedences(last.before[row], into, last.delay[row] + sums[into]))
    return Precedences(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _ports(problem: Represented, plan: Plan, orbits: int) -> tuple[Integers, Integers]:
    """R7: which slots begin and end at the chips of their bundles."""
    wires = problem.wires
    shape = plan.slots + plan.sums + len(problem.operators.node), 2
    port, offset = np.full(shape, NONE, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    slots = slice(plan.slots)
    if wires.inject:
        port[slots, INJECT] = np.where(plan.slot_fed < 0, wires.node_orbit[wires.source[plan.slot_bundle]], NONE)
    if wires.eject:
        ends = np.zeros(plan.slots, dtype=np.bool_)
        for needed in (plan.operands, deliveries(wires, plan)):
            ends[needed.of_kind(SLOT).number] = True
        port[slots, EJECT] = np.where(ends, orbits + wires.node_orbit[wires.destination[plan.slot_bundle]], NONE)
        offset[slots, EJECT] = wires.hop[plan.slot_bundle]
    return port, offset

"""What the root of a reduce needs of an all-reduce: shares that are summed anywhere and sent on to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.found import Found
from lpxsched.schedule.parts import chosen
from lpxsched.schedule.plan import SLOT, SUM, deliveries
from lpxsched.schedule.symmetry.quotient import Blocks
from lpxsched.schedule.times.placement import improved, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.symmetry.quotient import Quotient


def narrowed(problem: Quotient, found: Found[Quotient], *, enough: int) -> Found[Quotient]:
    """Return a reduce made of an all-reduce of the same chips, which is never longer.

    Parameters
    ----------
    problem : Quotient
        The reduce, without symmetry.
    found : Found
        The all-reduce, without symmetry.
    enough : int
        Nothing is looked for below it.
    """
    plan, flow, root = found.plan, found.problem.flow, problem.instance.stage.root
    slot, total = _needed(found.problem, plan, root)
    blocks, nothing = plan.blocks, np.zeros(len(plan.reads.reader), dtype=np.bool_)
    kept = chosen(plan, slot, total, nothing)
    first = flow.first_vector[blocks.piece] + blocks.first_vector
    ends = Blocks(0 * blocks.piece, first, blocks.vectors, blocks.source, np.full_like(blocks.source, root))
    plan = replace(kept, blocks=ends)
    tasks = plan_tasks(problem, plan)
    again = placed(tasks, np.argsort(found.placement.start[np.append(slot, total)], kind="stable"))
    return Found(problem, plan, improved(tasks, again, enough=enough))


def _needed(problem: Quotient, plan: Plan, root: int) -> tuple[Flags, Flags]:
    """Return which slots and which sums bring the root what it reads."""
    slot, total = np.zeros(plan.slots + 1, dtype=np.bool_), np.zeros(plan.sums + 1, dtype=np.bool_)
    read = deliveries(problem.wires, plan)
    for kind, needed in ((SLOT, slot), (SUM, total)):
        needed[read.number[(read.reader == root) & (read.kind == kind)]] = True
    while True:
        before = int(slot.sum() + total.sum())
        slot[plan.slot_fed[slot[:-1]]] = True
        total[plan.slot_sum[slot[:-1]]] = True
        added = total[plan.operands.reader]
        for kind, needed in ((SLOT, slot), (SUM, total)):
            needed[plan.operands.number[added & (plan.operands.kind == kind)]] = True
        # The last of each stands for none.
        slot[-1] = total[-1] = False
        if int(slot.sum() + total.sum()) == before:
            return slot[:-1], total[:-1]

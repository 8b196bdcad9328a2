"""Parts of plans, what a layer does with the blocks of some demands above all; and such parts as one plan."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.schedule.plan import SLOT, SLOT_COLUMNS, SUM, SUM_COLUMNS, Operands, Plan
from lpxsched.schedule.symmetry.quotient import Blocks
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Flags, Integers


def beside(plans: Sequence[Plan]) -> Plan:
    """Return plans of different blocks of a layer as one."""
    blocks, slots, sums = (
        np.cumsum([0, *counts])
        for counts in ([len(p.blocks) for p in plans], [p.slots for p in plans], [p.sums for p in plans])
    )
    moved = [_counted_on(*of_plan) for of_plan in zip(plans, blocks, slots, sums, strict=False)]

    def operands(name: str) -> Operands:
        return Operands(*(np.concatenate(c) for c in zip(*(getattr(plan, name) for plan in moved), strict=True)))

    parts = (plan.blocks for plan in plans)
    names = [field.name for field in fields(Blocks)]
    every = Blocks(*(np.concatenate(c) for c in zip(*([getattr(b, n) for n in names] for b in parts), strict=True)))
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(plan, name) for plan in moved]) for name in (*SLOT_COLUMNS, *SUM_COLUMNS)
    }
    return Plan(blocks=every, **columns, operands=operands("operands"), reads=operands("reads"))


def _counted_on(plan: Plan, blocks: int, slots: int, sums: int) -> Plan:
    """Return a plan whose blocks, slots and sums are numbered behind so many others."""

    def behind(rows: Operands, readers: int) -> Operands:
        more = np.where(rows.kind == SLOT, slots, np.where(rows.kind == SUM, sums, 0))
        return rows._replace(reader=rows.reader + readers, number=rows.number + more, block=rows.block + blocks)

    return replace(
        plan,
        slot_block=plan.slot_block + blocks,
        slot_fed=np.where(plan.slot_fed >= 0, plan.slot_fed + slots, NONE),
        slot_number=plan.slot_number + np.where(plan.slot_kind == SUM, sums, 0),
        sum_block=plan.sum_block + blocks,
        operands=behind(plan.operands, sums),
        reads=behind(plan.reads, 0),
    )


def of_pieces(plan: Plan, pieces: Flags) -> tuple[Plan, Integers]:
    """Return what a layer's plan does with the blocks of some demands, and which of its slots and sums these are.

    Parameters
    ----------
    plan : Plan
    pieces : ndarray of bool, shape (demands,)
    """
    kept = pieces[plan.blocks.piece]
    slot, total = kept[plan.slot_block], kept[plan.sum_block]
    return chosen(plan, slot, total, kept[plan.reads.block]), np.flatnonzero(np.append(slot, total))


def chosen(plan: Plan, slot: Flags, total: Flags, read: Flags) -> Plan:
    """Return some slots, sums and reads of a plan, which need no others."""
    of_slot, of_sum = np.append(np.cumsum(slot) - 1, NONE), np.append(np.cumsum(total) - 1, NONE)

    def those(rows: Operands, kept: Flags) -> Operands:
        rows = Operands(*(column[kept] for column in rows))
        number = np.where(rows.kind == SLOT, of_slot[np.where(rows.kind == SLOT, rows.number, NONE)], rows.number)
        return rows._replace(
            number=np.where(rows.kind == SUM, of_sum[np.where(rows.kind == SUM, number, NONE)], number)
        )

    operands = those(plan.operands, total[plan.operands.reader])
    moved = replace(
        plan,
        slot_fed=of_slot[plan.slot_fed],
        slot_number=np.where(plan.slot_kind == SUM, of_sum[plan.slot_sum], plan.slot_number),
    )
    columns = {name: getattr(moved, name)[slot] for name in SLOT_COLUMNS}
    return replace(
        plan,
        **columns,
        **{name: getattr(plan, name)[total] for name in SUM_COLUMNS},
        operands=operands._replace(reader=of_sum[operands.reader]),
        reads=those(plan.reads, read),
    )

"""Parts of a layer's plan, what it does with the blocks of some demands; and such parts as one plan."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.schedule.plan import SLOT, SUM, Operands, Plan
from lpxsched.schedule.symmetry.quotient import Blocks
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
        field.name: np.concatenate([getattr(plan, field.name) for plan in moved])
        for field in fields(Plan)
        if field.name.startswith(("slot", "sum"))
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


def of_pieces(plan: Plan, chosen: NDArray[np.bool_]) -> tuple[Plan, NDArray[np.int64]]:
    """Return what a layer's plan does with the blocks of some demands, and which of its slots and sums these are.

    Parameters
    ----------
    plan : Plan
    chosen : ndarray of bool, shape (demands,)
    """
    kept = chosen[plan.blocks.piece]
    slot, total = np.flatnonzero(kept[plan.slot_block]), np.flatnonzero(kept[plan.sum_block])
    of_slot, of_sum = np.cumsum(kept[plan.slot_block]) - 1, np.cumsum(kept[plan.sum_block]) - 1

    def those(rows: Operands, reader: NDArray[np.int64] | None) -> Operands:
        rows = Operands(*(column[kept[rows.block]] for column in rows))
        number = rows.number.copy()
        for kind, moved in ((SLOT, of_slot), (SUM, of_sum)):
            number[rows.kind == kind] = moved[number[rows.kind == kind]]
        return rows._replace(number=number, reader=rows.reader if reader is None else reader[rows.reader])

    number = np.where(plan.slot_kind == SUM, np.append(of_sum, NONE)[plan.slot_sum], plan.slot_number)
    return replace(
        plan,
        slot_block=plan.slot_block[slot],
        slot_bundle=plan.slot_bundle[slot],
        slot_fed=np.where(plan.slot_fed >= 0, np.append(of_slot, NONE)[plan.slot_fed], NONE)[slot],
        slot_kind=plan.slot_kind[slot],
        slot_number=number[slot],
        slot_origin=plan.slot_origin[slot],
        sum_block=plan.sum_block[total],
        sum_node=plan.sum_node[total],
        sum_complete=plan.sum_complete[total],
        operands=those(plan.operands, of_sum),
        reads=those(plan.reads, None),
    ), np.concatenate([slot, plan.slots + total])

"""Plans built row by row; parts of plans, of some demands of a layer or what is read; parts as one plan."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpxsched.schedule.plan import (
    OPERATOR,
    SLOT,
    SLOT_COLUMNS,
    SUM,
    SUM_COLUMNS,
    Operands,
    Plan,
    leaving_with,
    no_operands,
)
from lpxsched.schedule.symmetry.quotient import Blocks, Quotient
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Flags, Integers


class Made(NamedTuple):
    """An operand at a representative node: its kind, its number, and the node where it was made."""

    kind: int
    number: int
    origin: int


@dataclass(slots=True)
class Builder:
    """Rows of a plan that grows phase by phase; nodes and bundles are representatives of their orbits.

    Slots are (block, bundle, fed, kind, number, origin), sums (block, node, whether complete), operands (sum, kind,
    number, origin, block).
    """

    problem: Quotient
    slots: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    sums: list[tuple[int, int, bool]] = field(default_factory=list)
    operands: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def add(self, block: int, node: int, parts: Sequence[Made], *, complete: bool) -> Made:
        """Add operands at a node; return the sum as an operand of others."""
        number = len(self.sums)
        self.sums.append((block, node, complete))
        self.operands += [(number, *part, block) for part in parts]
        return Made(SUM, number, node)

    def complete(self, block: int, node: int, parts: Sequence[Made]) -> None:
        """Add the last operands at a node; a sum to which nothing came since is complete already."""
        if len(parts) > 1:
            self.add(block, node, parts, complete=True)
        else:
            self.sums[parts[0].number] = (block, node, True)

    def send(self, block: int, bundle: int, part: Made) -> Made:
        """Send an operand of a representative over a bundle that leaves an image of it; return what arrives."""
        source = int(self.problem.network.source[bundle])
        fed, kind, number, origin = NONE, part.kind, part.number, source
        if part.kind == SLOT:
            fed, (kind, number) = part.number, self.slots[part.number][3:5]
            origin = int(self._image(source)[part.origin])
        self.slots.append((block, bundle, fed, kind, origin if kind == OPERATOR else number, origin))
        return Made(SLOT, len(self.slots) - 1, origin)

    def _image(self, node: int) -> Integers:
        """Return where the element goes that takes the representative of a node's orbit to the node."""
        node_map = self.problem.symmetry.node_map
        return np.asarray(node_map[np.flatnonzero(node_map[:, self.problem.least_node[node]] == node)[0]])

    def plan(self, blocks: Blocks) -> Plan:
        """Return the plan of these rows."""
        slots, sums, operands = (
            np.array(rows, dtype=np.int64).reshape(-1, columns).T.copy()
            for rows, columns in ((self.slots, len(SLOT_COLUMNS)), (self.sums, len(SUM_COLUMNS)), (self.operands, 5))
        )
        columns: dict[str, Any] = dict(zip((*SLOT_COLUMNS, *SUM_COLUMNS), (*slots, *sums), strict=True))
        columns["sum_complete"] = columns["sum_complete"].astype(np.bool_)
        return Plan(blocks, **columns, operands=Operands(*operands), reads=no_operands())


def beside(plans: Sequence[Plan]) -> Plan:
    """Return plans of different blocks as one."""
    moved, counts = [], np.zeros(3, dtype=np.int64)
    for plan in plans:
        sizes = (len(plan.blocks), plan.slots, plan.sums)
        moved.append(_renumbered(plan, *(first + np.arange(size) for first, size in zip(counts, sizes, strict=True))))
        counts = counts + sizes

    def operands(name: str) -> Operands:
        return Operands(*(np.concatenate(c) for c in zip(*(getattr(plan, name) for plan in moved), strict=True)))

    parts = (plan.blocks for plan in plans)
    names = [field.name for field in fields(Blocks)]
    every = Blocks(*(np.concatenate(c) for c in zip(*([getattr(b, n) for n in names] for b in parts), strict=True)))
    names = [*SLOT_COLUMNS, *SUM_COLUMNS]
    columns: dict[str, Any] = {name: np.concatenate([getattr(plan, name) for plan in moved]) for name in names}
    return Plan(blocks=every, **columns, operands=operands("operands"), reads=operands("reads"))


def _renumbered(plan: Plan, block: Integers, slot: Integers, total: Integers) -> Plan:
    """Return a plan that calls blocks, slots and sums by other numbers, given that of each."""
    slot, total = np.append(slot, NONE), np.append(total, NONE)

    def told(rows: Operands, reader: Integers) -> Operands:
        number = rows.number.copy()
        for kind, numbers in ((SLOT, slot), (SUM, total)):
            of_kind = rows.kind == kind
            number[of_kind] = numbers[number[of_kind]]
        return rows._replace(reader=reader, number=number, block=block[rows.block])

    return replace(
        plan,
        slot_block=block[plan.slot_block],
        slot_fed=slot[plan.slot_fed],
        slot_number=np.where(plan.slot_kind == SUM, total[plan.slot_sum], plan.slot_number),
        sum_block=block[plan.sum_block],
        operands=told(plan.operands, total[plan.operands.reader]),
        reads=told(plan.reads, plan.reads.reader),
    )


def of_pieces(plan: Plan, pieces: Flags) -> tuple[Plan, Integers]:
    """Return what a layer's plan does with the blocks of some demands, and which of its slots and sums these are."""
    kept = pieces[plan.blocks.piece]
    slot, total = kept[plan.slot_block], kept[plan.sum_block]
    return chosen(plan, slot, total, kept[plan.reads.block]), np.flatnonzero(np.append(slot, total))


def chosen(plan: Plan, slot: Flags, total: Flags, read: Flags) -> Plan:
    """Return some slots, sums and reads of a plan, which need no others."""
    some = replace(
        plan,
        **{name: getattr(plan, name)[slot] for name in SLOT_COLUMNS},
        **{name: getattr(plan, name)[total] for name in SUM_COLUMNS},
        operands=Operands(*(column[total[plan.operands.reader]] for column in plan.operands)),
        reads=Operands(*(column[read] for column in plan.reads)),
    )
    return _renumbered(some, np.arange(len(plan.blocks)), np.cumsum(slot) - 1, np.cumsum(total) - 1)


def pruned(plan: Plan, read: Operands) -> tuple[Plan, Integers]:
    """Return what of a collective's plan brings what is read, and which of its slots and sums that is."""
    slot, total = _needed(plan, read)
    kept = chosen(plan, slot, total, np.zeros(0, dtype=np.bool_))
    used = np.unique(np.append(kept.slot_block, kept.sum_block))
    number = np.searchsorted(used, np.arange(len(plan.blocks)))
    return _in_blocks(kept, plan.blocks.taken(used), number), np.flatnonzero(np.append(slot, total))


def _needed(plan: Plan, read: Operands) -> tuple[Flags, Flags]:
    """Return which slots and which sums bring readers what they read."""
    slot, total = np.zeros(plan.slots + 1, dtype=np.bool_), np.zeros(plan.sums + 1, dtype=np.bool_)
    for kind, marked in ((SLOT, slot), (SUM, total)):
        marked[read.number[read.kind == kind]] = True
    while True:
        before = int(slot.sum() + total.sum())
        slot[plan.slot_fed[slot[:-1]]] = True
        total[plan.slot_sum[slot[:-1]]] = True
        added = total[plan.operands.reader]
        for kind, marked in ((SLOT, slot), (SUM, total)):
            marked[plan.operands.number[added & (plan.operands.kind == kind)]] = True
        # The last of each stands for none.
        slot[-1] = total[-1] = False
        if int(slot.sum() + total.sum()) == before:
            return slot[:-1], total[:-1]


def _in_blocks(plan: Plan, blocks: Blocks, number: Integers) -> Plan:
    """Return a plan of other blocks, given the number that each gets."""
    return replace(_renumbered(plan, number, np.arange(plan.slots), np.arange(plan.sums)), blocks=blocks)


def followed(one: Plan, other: Plan, runs: Blocks) -> Plan:
    """Return a plan of sums followed by one of copies of runs of their results.

    Each block of the other lies in one block of the one, whose complete sum is where it begins. As blocks of the whole,
    those of the one and then those of the other are `runs`.
    """
    ends = np.column_stack([runs.piece, runs.first_vector, -runs.vectors])
    _, first, number = np.unique(ends, axis=0, return_index=True, return_inverse=True)
    whole, number = runs.taken(first), number.reshape(-1).astype(np.int64)
    summed = len(one.blocks)
    one, other = _in_blocks(one, whole, number[:summed]), _in_blocks(other, whole, number[summed:])
    # A block comes before those that lie in it.
    complete = np.flatnonzero(one.sum_complete)
    complete = complete[np.argsort(one.sum_block[complete], kind="stable")]
    of_block = complete[np.searchsorted(one.sum_block[complete], np.arange(len(whole)), side="right") - 1]
    return leaving_with(one, other, of_block[other.slot_block])

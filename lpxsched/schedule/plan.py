"""Plans: slots and sums of the representatives, and what each carries or adds.

A plan says what happens where, and which result each thing needs; `times` says what that takes, and when. Copies
are made of trees of slots. Sums are the same trees backwards: what was sent from u to v is now sent from v to u, and a
node adds what arrives to what it holds before it sends the total on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpxsched.schedule.problem.ragged import first_with
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.wires import Wires
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


SLOT, SUM, OPERATOR = 0, 1, 2


class Operands(NamedTuple):
    """What sums add, or operators read, a row each.

    `reader` is the sum, or the operator. `kind` and `number` name a slot that brings it, a sum of the same node that
    leaves it, or the operator of the same node that makes it. `origin` is the node where it was made, which tells an
    image of a slot or sum from others; `block` the block that is added or read.
    """

    reader: Integers
    kind: Integers
    number: Integers
    origin: Integers
    block: Integers

    def of_kind(self, kind: int) -> Operands:
        """Return the rows of a kind."""
        rows = np.flatnonzero(self.kind == kind)
        return Operands(*(column[rows] for column in self))


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Slots, then sums, of the representatives, and what operators read; of a collective, see `deliveries`.

    In a collective the operator of a node is what makes that which the node holds at first; its number is the node's.

    Attributes
    ----------
    slot_block, slot_bundle : shape (slots,)
    slot_fed, slot_kind, slot_number, slot_origin : shape (slots,)
        The slot that brought what this one carries, `NONE` where that was made at its node; the `SUM` or `OPERATOR`
        whose result it is, and the node where that was made.
    sum_block, sum_node, sum_complete : shape (sums,)
        Complete where all summands are in; `operands` are sorted by sum.
    """

    blocks: Blocks
    slot_block: Integers
    slot_bundle: Integers
    slot_fed: Integers
    slot_kind: Integers
    slot_number: Integers
    slot_origin: Integers
    sum_block: Integers
    sum_node: Integers
    sum_complete: Flags
    operands: Operands
    reads: Operands

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.slot_block)

    @property
    def sums(self) -> int:
        """Number of sums."""
        return len(self.sum_block)

    @property
    def slot_sum(self) -> Integers:
        """The sum whose result each slot carries, `NONE` for what an operator made."""
        return np.where(self.slot_kind == SUM, self.slot_number, NONE)

    def operand_counts(self) -> Integers:
        """Return how many operands each sum has."""
        return np.bincount(self.operands.reader, minlength=self.sums)


SLOT_COLUMNS, SUM_COLUMNS = (
    tuple(field.name for field in fields(Plan) if field.name.startswith(kind)) for kind in ("slot", "sum")
)


def no_operands() -> Operands:
    """Return no rows."""
    return Operands(*(np.zeros(0, dtype=np.int64) for _ in Operands._fields))


def deliveries(wires: Wires, plan: Plan) -> Operands:
    """Return what each node of a collective reads in the end of the blocks: what slots bring, then sums made there.

    The reader is the node; images under the group are all that anyone reads.
    """
    parts = slot_deliveries(wires, plan, slice(None)), sum_deliveries(wires, plan)
    return Operands(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def slot_deliveries(wires: Wires, plan: Plan, slots: slice) -> Operands:
    """Return what some slots bring of what `deliveries` has."""
    block, destination = plan.slot_block[slots], wires.destination[plan.slot_bundle[slots]]
    target = plan.blocks.target[block]
    reads = (target == destination) | ((target == EVERY) & (destination < wires.width))
    if plan.sums:
        is_sum = plan.slot_kind[slots] == SUM
        reads &= is_sum & plan.sum_complete[np.where(is_sum, plan.slot_number[slots], 0)]
    row = np.flatnonzero(reads)
    number = row + (slots.start or 0)
    return Operands(destination[row], np.full_like(row, SLOT), number, plan.slot_origin[number], block[row])


def sum_deliveries(wires: Wires, plan: Plan) -> Operands:
    """Return the sums of what `deliveries` has."""
    target = plan.blocks.target[plan.sum_block]
    ends = np.where(target == EVERY, plan.sum_node < wires.width, target == plan.sum_node)
    total = np.flatnonzero(plan.sum_complete & ends)
    node = plan.sum_node[total]
    return Operands(node, np.full_like(total, SUM), total, node, plan.sum_block[total])


def copy_plan(problem: Quotient, blocks: Blocks, block: Integers, bundle: Integers, *, timed: bool = False) -> Plan:
    """Return the plan of copies along trees, given as the bundles of each block; when timed, without feeding slots."""
    none = np.zeros(0, dtype=np.int64)
    fed, made = (np.broadcast_to(np.int64(value), len(block)) for value in (NONE, OPERATOR))
    if not timed:
        nodes, source = problem.network.nodes, problem.network.source[bundle]
        arrived = block * nodes + problem.network.destination[bundle]
        fed = np.where(source == blocks.source[block], NONE, first_with(arrived, block * nodes + source))
    origin, no_sums = blocks.source[block], (none, none, none.astype(np.bool_))
    slots = block, bundle, fed, made, origin, origin
    return Plan(blocks, *slots, *no_sums, operands=no_operands(), reads=no_operands())


def sum_plan(problem: Quotient, blocks: Blocks, block: Integers, bundle: Integers) -> Plan:
    """Return the plan of sums along trees of copies of the reversed problem, which `problem` itself uses backwards.

    Of each slot `block` and `bundle` tell the trees: each block from its source over all nodes.
    """
    network = problem.network
    keys = block * network.nodes + network.destination[bundle]
    merging, arrivals = np.unique(keys, return_counts=True)
    node = merging % network.nodes
    adds = arrivals + (node < network.width) > 1
    sum_key, sum_node = merging[adds], node[adds]
    sum_block, leaves = sum_key // network.nodes, block * network.nodes + network.source[bundle]
    into, slot_sum = first_with(sum_key, keys), first_with(sum_key, leaves)
    fed = np.where(slot_sum < 0, first_with(keys, leaves), NONE)
    slots, own = np.flatnonzero(into >= 0), np.flatnonzero(sum_node < network.width)
    operand_sum = np.concatenate([into[slots], own])
    operand_slot = np.concatenate([slots, np.full(len(own), NONE, dtype=np.int64)])
    order = np.lexsort((operand_slot, operand_sum))
    first = origins(fed)
    slot_sum, slot_origin = slot_sum[first], network.source[bundle[first]]
    # Where no slot brings it, an operand is what the node holds.
    reader, slot = operand_sum[order], operand_slot[order]
    brought, added = slot >= 0, sum_block[reader]
    made = np.where(brought, np.append(slot_origin, NONE)[slot], sum_node[reader])
    operands = Operands(reader, np.where(brought, SLOT, OPERATOR), np.where(brought, slot, made), made, added)
    carried = np.where(slot_sum >= 0, SUM, OPERATOR), np.where(slot_sum >= 0, slot_sum, slot_origin), slot_origin
    sums = sum_block, sum_node, sum_node == blocks.source[sum_block]
    return Plan(blocks, block, bundle, fed, *carried, *sums, operands=operands, reads=no_operands())


def gathered_plan(problem: Quotient, copies: Plan) -> Plan:
    """Return the plan of an all-reduce in which every chip gets every summand and adds them all at once.

    Copies are those of an all-gather of the summands.
    """
    network, node_map = problem.network, problem.symmetry.node_map
    representative = problem.least_node
    arrives = network.destination[copies.slot_bundle]
    element = (node_map[:, arrives] == representative[arrives]).argmax(axis=0)
    ranges, first_block, place_of = np.unique(copies.blocks.first_vector, return_index=True, return_inverse=True)
    nodes = np.unique(representative[: network.width])
    place = np.searchsorted(nodes, representative[arrives])
    ends = np.flatnonzero(arrives < network.width)
    operand_sum = (place * len(ranges) + place_of[copies.slot_block])[ends]
    own_sum, sum_node = np.arange(len(nodes) * len(ranges)), np.repeat(nodes, len(ranges))
    reader, number = np.concatenate([operand_sum, own_sum]), np.concatenate([ends, sum_node])
    origin = np.concatenate([node_map[element, copies.slot_origin][ends], sum_node])
    kind = np.repeat([SLOT, OPERATOR], [len(ends), len(own_sum)])
    sum_block = np.tile(first_block, len(nodes)).astype(np.int64)
    operands, order = Operands(reader, kind, number, origin, sum_block[reader]), np.argsort(reader, kind="stable")
    return replace(
        copies,
        sum_block=sum_block,
        sum_node=sum_node,
        sum_complete=np.ones(len(own_sum), dtype=np.bool_),
        operands=Operands(*(column[order] for column in operands)),
    )


def origins(fed: Integers) -> Integers:
    """Return, for each slot, the slot on which what it carries began its way."""
    origin = np.arange(len(fed))
    while True:
        further = np.where(fed[origin] >= 0, fed[origin], origin)
        if (further == origin).all():
            return origin
        origin = further


def joined(one: Plan, other: Plan) -> Plan:
    """Return a plan of sums followed by one of copies of their results: a copy leaves with its block's complete sum."""
    complete = np.full(len(one.blocks), NONE, dtype=np.int64)
    complete[one.sum_block[one.sum_complete]] = np.flatnonzero(one.sum_complete)
    return leaving_with(one, other, complete[other.slot_block])


def leaving_with(one: Plan, other: Plan, total: Integers) -> Plan:
    """Return a plan of sums followed by one of copies, given the sum with which each copy leaves, `NONE` for none."""
    other = replace(
        other,
        slot_fed=np.where(other.slot_fed >= 0, other.slot_fed + one.slots, NONE),
        slot_kind=np.where(total >= 0, SUM, other.slot_kind),
        slot_number=np.where(total >= 0, total, other.slot_number),
    )
    slots: dict[str, Any] = {name: np.append(getattr(one, name), getattr(other, name)) for name in SLOT_COLUMNS}
    return replace(one, **slots)

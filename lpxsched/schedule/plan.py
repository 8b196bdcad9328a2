"""Plans: slots and sums of the representatives, and what each carries or adds.

A plan says what happens where, and which result each thing needs; `tasks` says what that takes, `placing` when. Copies
are made of trees of slots. Sums are the same trees backwards: what was sent from u to v is now sent from v to u, and a
node adds what arrives to what it holds before it sends the total on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Slots, then sums, of the representatives.

    Attributes
    ----------
    blocks : Blocks
    slot_block, slot_bundle : ndarray of int64, shape (slots,)
    slot_fed : ndarray of int64, shape (slots,)
        The slot that brought what this slot carries, `NONE` where it begins at the slot's node.
    slot_sum, slot_origin : ndarray of int64, shape (slots,)
        The sum whose result is carried, `NONE` for what a chip holds at first; the node where that is.
    sum_block, sum_node : ndarray of int64, shape (sums,)
    sum_complete : ndarray of bool, shape (sums,)
    operand_sum, operand_slot, operand_origin : ndarray of int64, shape (operands,)
        What a sum adds, sorted by sum: what a slot, or an image of it, brought, and the node where that began;
        `NONE` for what the sum's node holds at first. Another sum of that node is ``NONE - 1 - its number``.
    """

    blocks: Blocks
    slot_block: NDArray[np.int64]
    slot_bundle: NDArray[np.int64]
    slot_fed: NDArray[np.int64]
    slot_sum: NDArray[np.int64]
    slot_origin: NDArray[np.int64]
    sum_block: NDArray[np.int64]
    sum_node: NDArray[np.int64]
    sum_complete: NDArray[np.bool_]
    operand_sum: NDArray[np.int64]
    operand_slot: NDArray[np.int64]
    operand_origin: NDArray[np.int64]

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.slot_block)

    @property
    def sums(self) -> int:
        """Number of sums."""
        return len(self.sum_block)


def copy_plan(
    problem: Quotient, blocks: Blocks, block: NDArray[np.int64], bundle: NDArray[np.int64], *, timed: bool = False
) -> Plan:
    """Return the plan of copies along trees, given as the bundles of each block; when timed, without feeding slots."""
    none = np.zeros(0, dtype=np.int64)
    carried = np.broadcast_to(np.int64(NONE), len(block))
    fed = carried if timed else _feeding_slots(problem, blocks, block, bundle)
    origin = blocks.source[block]
    return Plan(blocks, block, bundle, fed, carried, origin, none, none, none.astype(np.bool_), none, none, none)


def sum_plan(problem: Quotient, blocks: Blocks, block: NDArray[np.int64], bundle: NDArray[np.int64]) -> Plan:
    """Return the plan of sums along trees of copies of the reversed problem.

    Parameters
    ----------
    problem : Quotient
        The problem with its own bundles, not the reversed ones.
    block, bundle : ndarray of int64, shape (slots,)
        Trees: each block from its source over all nodes, every bundle used against its direction.
    """
    network = problem.instance.network
    keys = block * network.nodes + network.destination[bundle]
    merging, arrivals = np.unique(keys, return_counts=True)
    node = merging % network.nodes
    adds = arrivals + (node < network.width) > 1
    sum_key, sum_node = merging[adds], node[adds]
    sum_block = sum_key // network.nodes
    leaves = block * network.nodes + network.source[bundle]
    slot_sum = _lookup(sum_key, leaves)
    fed = np.where(slot_sum < 0, _first_with(keys, leaves), NONE)
    into = _lookup(sum_key, keys)
    slots = np.flatnonzero(into >= 0)
    own = np.flatnonzero(sum_node < network.width)
    operand_sum = np.concatenate([into[slots], own])
    operand_slot = np.concatenate([slots, np.full(len(own), NONE, dtype=np.int64)])
    order = np.lexsort((operand_slot, operand_sum))
    first = origins(fed)
    slot_sum = slot_sum[first]
    slot_origin = network.source[bundle[first]]
    operand_origin = np.where(operand_slot >= 0, slot_origin[operand_slot], sum_node[operand_sum])
    return Plan(
        blocks,
        block,
        bundle,
        fed,
        slot_sum,
        slot_origin,
        sum_block,
        sum_node,
        sum_node == blocks.source[sum_block],
        operand_sum[order],
        operand_slot[order],
        operand_origin[order],
    )


def gathered_plan(problem: Quotient, copies: Plan) -> Plan:
    """Return the plan of an all-reduce in which every chip gets every summand and adds them all at once.

    Parameters
    ----------
    problem : Quotient
    copies : Plan
        Of an all-gather of the summands.
    """
    network, node_map = problem.instance.network, problem.symmetry.node_map
    representative = np.unique(problem.wires.node_orbit, return_index=True)[1][problem.wires.node_orbit]
    arrives = network.destination[copies.slot_bundle]
    element = (node_map[:, arrives] == representative[arrives]).argmax(axis=0)
    ranges, first_block, number = np.unique(copies.blocks.first_vector, return_index=True, return_inverse=True)
    nodes = np.unique(representative[: network.width])
    place = np.searchsorted(nodes, representative[arrives])
    ends = np.flatnonzero(arrives < network.width)
    operand_sum = (place * len(ranges) + number[copies.slot_block])[ends]
    own_sum = np.arange(len(nodes) * len(ranges))
    sum_node = np.repeat(nodes, len(ranges))
    origin = node_map[element, copies.slot_origin]
    order = np.argsort(np.concatenate([operand_sum, own_sum]), kind="stable")
    every = np.concatenate([ends, np.full(len(own_sum), NONE, dtype=np.int64)])
    return replace(
        copies,
        sum_block=np.tile(first_block, len(nodes)).astype(np.int64),
        sum_node=sum_node,
        sum_complete=np.ones(len(own_sum), dtype=np.bool_),
        operand_sum=np.concatenate([operand_sum, own_sum])[order],
        operand_slot=every[order],
        operand_origin=np.concatenate([origin[ends], sum_node])[order],
    )


def origins(fed: NDArray[np.int64]) -> NDArray[np.int64]:
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
    return Plan(
        one.blocks,
        np.concatenate([one.slot_block, other.slot_block]),
        np.concatenate([one.slot_bundle, other.slot_bundle]),
        np.concatenate([one.slot_fed, np.where(other.slot_fed >= 0, other.slot_fed + one.slots, NONE)]),
        np.concatenate([one.slot_sum, complete[other.slot_block]]),
        np.concatenate([one.slot_origin, other.slot_origin]),
        one.sum_block,
        one.sum_node,
        one.sum_complete,
        one.operand_sum,
        one.operand_slot,
        one.operand_origin,
    )


def _lookup(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each wanted key is in sorted keys, `NONE` where it is not."""
    if not len(keys):
        return np.full(len(wanted), NONE, dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, NONE).astype(np.int64)


def _first_with(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row that has each wanted key, `NONE` where none has."""
    order = np.argsort(keys, kind="stable")
    found = _lookup(keys[order], wanted)
    return np.where(found >= 0, order[np.maximum(found, 0)] if len(order) else NONE, NONE).astype(np.int64)


def _feeding_slots(
    problem: Quotient, blocks: Blocks, block: NDArray[np.int64], bundle: NDArray[np.int64]
) -> NDArray[np.int64]:
    network = problem.instance.network
    source = network.source[bundle]
    arrived = block * network.nodes + network.destination[bundle]
    fed = _first_with(arrived, block * network.nodes + source)
    return np.where(source == blocks.source[block], NONE, fed)

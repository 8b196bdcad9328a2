"""From the rows of the list schedule to a plan and its times.

A node has a block because an operator made it there, because a sum made it, because one summand arrived that it passes
on, or because the result arrived. Which of these it is tells what leaves the node, and what is read there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.plan import OPERATOR, SLOT, SUM, Operands, Plan, origins
from lpxsched.schedule.problem.ragged import Index, Ragged, grouped, indexed, looked_up
from lpxsched.schedule.result import Found
from lpxsched.schedule.symmetry.images import positions
from lpxsched.schedule.times.placement import Placement
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.routes.columns import Placed
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Blocks

SUMMING, SPREADING = 0, 1
KIND_BITS = 2
KIND_MASK = (1 << KIND_BITS) - 1


def known_by(arrived: Integers, added: Integers, made: Integers, maker: Integers) -> Index:
    """Return an index of what brings a block to a node: kind and number, in one, by key.

    Of a key that is in several columns the sum is told, or else the slot that arrives.
    """
    slot, total = (np.arange(len(keys), dtype=np.int64) for keys in (arrived, added))
    numbers = [maker << KIND_BITS | OPERATOR, slot << KIND_BITS | SLOT, total << KIND_BITS | SUM]
    return indexed(np.concatenate([made, arrived, added]), np.concatenate(numbers))


def _key(nodes: int, block: Integers, phase: Integers | int, node: Integers) -> Integers:
    """Return a number for a block at a node, as a summand or sum, or as the result that arrives."""
    return (2 * block + phase) * nodes + node


def _held_key(index: Index, nodes: int, block: Integers, phase: Integers | int, node: Integers) -> Integers:
    """Return the key of what each node has of a block; where no result arrives it is made there."""
    key = _key(nodes, block, SPREADING, node)
    key -= nodes * ((phase == SUMMING) | (looked_up(index, key) < 0))
    return key


class Listed(NamedTuple):
    """What the list schedule has placed of a problem: enough to tell how good it is, before there is a plan of it."""

    problem: Padded
    blocks: Blocks
    placed: Placed

    @property
    def makespan_cycles(self) -> int:
        """Start of the last operator; those that are no representatives have none."""
        return int(self.placed.operator_start.max(initial=0))

    @property
    def quality(self) -> tuple[int, int]:
        """Makespan, then number of slots: less is better."""
        return self.makespan_cycles, int(self.placed.counts[0])


def found_of(listed: Listed) -> Found[Padded]:
    """Return the plan and the times of what the list schedule has placed: blocks of representatives alone."""
    problem, blocks, placed = listed
    block, phase, bundle, depart, lane = placed.slots[: placed.counts[0]].T.copy()
    sum_block, sum_node, _, sum_start = placed.sums[: placed.counts[1]].T.copy()
    own = np.flatnonzero(problem.least_demand[blocks.piece] == blocks.piece)
    if len(own) < len(blocks):
        number = positions(own, len(blocks))
        blocks, block, sum_block = blocks.taken(own), number[block], number[sum_block]
    plan = layer_plan(problem, blocks, (block, phase, bundle), (sum_block, sum_node))
    begin = placed.operator_start[np.unique(problem.least_operator)]
    start = np.concatenate([depart, sum_start, begin])
    lane = np.concatenate([lane, np.zeros(plan.sums + len(begin), dtype=np.int64)])
    return Found(problem, plan, Placement(start, lane, listed.makespan_cycles))


def layer_plan(
    problem: Padded, blocks: Blocks, slots: tuple[Integers, Integers, Integers], sums: tuple[Integers, Integers]
) -> Plan:
    """Return the plan of the blocks of representatives, which begin at the roots of their demands.

    Of slots block, phase and bundle are given, of sums block and node; blocks by their number in the plan.
    """
    network, (block, phase, bundle), (sum_block, sum_node) = problem.network, slots, sums
    entry, leaf = problem.leaves.entries(blocks.piece)
    maker = problem.makers.entries(blocks.piece)[1]
    arrived = _key(network.nodes, block, phase, network.destination[bundle])
    made = _key(network.nodes, entry, SUMMING, leaf)
    index = known_by(arrived, _key(network.nodes, sum_block, SUMMING, sum_node), made, maker)
    source = network.source[bundle]
    loads = fed, kind, number, origin = carried(index, _held_key(index, network.nodes, block, phase, source), source)
    # What is sent on towards the root is not the sum of all.
    complete = np.ones(len(sum_node), dtype=np.bool_)
    complete[number[(phase == SUMMING) & (kind == SUM) & (fed < 0)]] = False
    # Sums add their node's own summand, and what arrives.
    kinds, total = held(index, np.append(made, arrived))
    added = np.flatnonzero(kinds == SUM)
    added = added[grouped(total[added], len(sum_node))[0]]
    reader, makers = total[added], np.append(maker, np.arange(len(arrived)))[added]
    made_by = np.where(added < len(made), OPERATOR, SLOT)
    operands = Operands(reader, made_by, makers, np.append(leaf, origin)[added], sum_block[reader])
    reads = _reads(problem, index, blocks.piece, origin)
    return Plan(blocks, block, bundle, *loads, sum_block, sum_node, complete, operands=operands, reads=reads)


def held(index: Index, key: Integers) -> tuple[Integers, Integers]:
    """Return kind and number of what each key stands for, `NONE` where nothing does."""
    found = looked_up(index, key)
    return np.where(found >= 0, found & KIND_MASK, NONE), found >> KIND_BITS


def carried(index: Index, key: Integers, source: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Return of each slot, by key, the one that feeds it, and kind, number and node of what it carries."""
    kind, number = held(index, key)
    fed = np.where(kind == SLOT, number, NONE)
    first = origins(fed)
    return fed, kind[first], number[first], source[first]


def needed(
    index: Index, key: Integers, *, reader: Integers, node: Integers, block: Integers, slot_origin: Integers
) -> Operands:
    """Return what readers at nodes need, by key."""
    kind, number = held(index, key)
    brought = kind == SLOT
    origin = np.where(brought, np.append(slot_origin, NONE)[np.where(brought, number, NONE)], node)
    return Operands(reader, kind, number, origin, block)


def _reads(problem: Padded, index: Index, demand: Integers, origin: Integers) -> Operands:
    """Return what operators read of the representatives' blocks, by demand; images are all that operators read."""
    number, offsets = grouped(demand, problem.instance.demands)
    row, block = Ragged(offsets, number).entries(problem.reads.values)
    reader = problem.reads.row[row]
    node = problem.instance.operator_node[reader]
    key = _held_key(index, problem.network.nodes, block, SPREADING, node)
    return needed(index, key, reader=reader, node=node, block=block, slot_origin=origin)

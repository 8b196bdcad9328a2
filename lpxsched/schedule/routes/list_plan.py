"""From the rows of the list schedule to a plan and its times.

A node has a block because an operator made it there, because a sum made it, because one summand arrived that it passes
on, or because the result arrived. Which of these it is tells what leaves the node, and what is read there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.plan import OPERATOR, SLOT, SUM, Operands, Plan, origins
from lpxsched.schedule.problem.ragged import Index, Ragged, grouped, indexed, looked_up, number_of, row_and_place
from lpxsched.schedule.result import Found
from lpxsched.schedule.symmetry.images import positions
from lpxsched.schedule.times.placement import Placement
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.routes.columns import Placed
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Blocks

SUMMING, SPREADING = 0, 1
KIND_BITS = 2
KIND_MASK = (1 << KIND_BITS) - 1


class Rows(NamedTuple):
    """Slots and sums of representatives' blocks, by the blocks' numbers in a plan."""

    block: Integers
    phase: Integers
    bundle: Integers
    sum_block: Integers
    sum_node: Integers


@dataclass(frozen=True, eq=False)
class Values:
    """What brings a block to a node, by key: slots that arrive, sums made there, operators that make it.

    Without slots, so that the index is made when it is first asked for, and once.
    """

    arrived: Integers
    added: Integers
    made: Integers
    maker: Integers

    @cached_property
    def index(self) -> Index:
        """Kind and number, in one, of what each key stands for: a sum, what one slot brought, or what was made."""
        slot, total = (np.arange(len(keys), dtype=np.int64) for keys in (self.arrived, self.added))
        held = [self.maker << KIND_BITS | OPERATOR, slot << KIND_BITS | SLOT, total << KIND_BITS | SUM]
        return indexed(np.concatenate([self.made, self.arrived, self.added]), np.concatenate(held))


def _key(nodes: int, block: Integers, phase: Integers | int, node: Integers) -> Integers:
    """Return a number for a block at a node, as a summand or sum, or as the result that arrives."""
    return (2 * block + phase) * nodes + node


def _held_keys(values: Values, nodes: int, block: Integers, phase: Integers, node: Integers) -> Integers:
    """Return the key of what each node has of a block; where no result arrives it is made there."""
    keys = np.empty(len(block), dtype=np.int64)
    _find_keys(values.index, nodes, _key(nodes, block, SUMMING, node), phase, keys)
    return keys


@kernel
def _find_keys(index: Index, nodes: int, summing: Integers, phase: Integers, keys: Integers) -> None:
    for row in range(len(keys)):
        spread = summing[row] + nodes
        arrives = phase[row] == SPREADING and number_of(index, spread) >= 0
        keys[row] = spread if arrives else summing[row]


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
    plan = layer_plan(problem, blocks, Rows(block, phase, bundle, sum_block, sum_node))
    begin = placed.operator_start[np.unique(problem.least_operator)]
    start = np.concatenate([depart, sum_start, begin])
    lane = np.concatenate([lane, np.zeros(plan.sums + len(begin), dtype=np.int64)])
    return Found(problem, plan, Placement(start, lane, listed.makespan_cycles))


def layer_plan(problem: Padded, blocks: Blocks, rows: Rows) -> Plan:
    """Return the plan of slots and sums of the blocks of representatives, which begin at the roots of their demands."""
    network = problem.network
    entry, place = row_and_place(np.diff(problem.leaves.offsets)[blocks.piece])
    place += problem.leaves.offsets[blocks.piece[entry]]
    values = Values(
        arrived=_key(network.nodes, rows.block, rows.phase, network.destination[rows.bundle]),
        added=_key(network.nodes, rows.sum_block, SUMMING, rows.sum_node),
        made=_key(network.nodes, entry, SUMMING, problem.leaves.values[place]),
        maker=problem.makers.values[place],
    )
    source = network.source[rows.bundle]
    key = _held_keys(values, network.nodes, rows.block, rows.phase, source)
    loads = fed, kind, number, origin = carried(values, key, source)
    # What is sent on towards the root is not the sum of all.
    complete = np.ones(len(rows.sum_node), dtype=np.bool_)
    complete[number[(rows.phase == SUMMING) & (kind == SUM) & (fed < 0)]] = False
    return Plan(
        blocks,
        rows.block,
        rows.bundle,
        *loads,
        rows.sum_block,
        rows.sum_node,
        complete,
        operands=_operands(values, rows, network.nodes, origin),
        reads=_reads(problem, values, blocks.piece, origin),
    )


def held(values: Values, key: Integers) -> tuple[Integers, Integers]:
    """Return kind and number of what each key stands for, `NONE` where nothing does."""
    found = looked_up(values.index, key)
    return np.where(found >= 0, found & KIND_MASK, NONE), found >> KIND_BITS


def carried(values: Values, key: Integers, source: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Return of each slot, by key, the one that feeds it, and kind, number and node of what it carries."""
    kind, number = held(values, key)
    fed = np.where(kind == SLOT, number, NONE)
    first = origins(fed)
    return fed, kind[first], number[first], source[first]


def needed(
    values: Values, key: Integers, *, reader: Integers, node: Integers, block: Integers, slot_origin: Integers
) -> Operands:
    """Return what readers at nodes need, by key."""
    kind, number = held(values, key)
    brought = kind == SLOT
    origin = np.where(brought, np.append(slot_origin, NONE)[np.where(brought, number, NONE)], node)
    return Operands(reader, kind, number, origin, block)


def _operands(values: Values, rows: Rows, nodes: int, origin: Integers) -> Operands:
    """Return all that sums add: their node's own summand, and what arrives."""
    kind, number = held(values, np.concatenate([values.made, values.arrived]))
    added = np.flatnonzero(kind == SUM)
    added = added[grouped(number[added], len(rows.sum_node))[0]]
    reader, slots = number[added], np.arange(len(values.arrived))
    return Operands(
        reader,
        np.where(added < len(values.made), OPERATOR, SLOT),
        np.concatenate([values.maker, slots])[added],
        np.concatenate([values.made % nodes, origin])[added],
        rows.sum_block[reader],
    )


def _reads(problem: Padded, values: Values, demand: Integers, origin: Integers) -> Operands:
    """Return what operators read of the representatives' blocks, by demand; images are all that operators read."""
    number, offsets = grouped(demand, problem.instance.demands)
    row, block = Ragged(offsets, number).entries(problem.reads.values)
    reader = problem.reads.row[row]
    node = problem.instance.operator_node[reader]
    key = _held_keys(values, problem.network.nodes, block, np.full_like(block, SPREADING), node)
    return needed(values, key, reader=reader, node=node, block=block, slot_origin=origin)

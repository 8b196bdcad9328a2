"""From the rows of the list schedule to a plan and its times.

A node has a block because an operator made it there, because a sum made it, because one summand arrived that it passes
on, or because the result arrived. Which of these it is tells what leaves the node, and what is read there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.plan import OPERATOR, SLOT, SUM, Operands, Plan, origins
from lpxsched.schedule.problem.ragged import matching
from lpxsched.schedule.result import Found
from lpxsched.schedule.times.placement import Placement
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.columns import Placed
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Blocks

SUMMING, SPREADING = 0, 1


class Rows(NamedTuple):
    """Slots and sums of representatives' blocks, by the blocks' numbers in a plan."""

    block: Integers
    phase: Integers
    bundle: Integers
    sum_block: Integers
    sum_node: Integers


class Values(NamedTuple):
    """What brings a block to a node, by key: slots that arrive, sums made there, operators that make it."""

    arrived: Integers
    added: Integers
    made: Integers
    maker: Integers


class _View(NamedTuple):
    """An instance with the representatives' blocks, and a number for each block at each node."""

    instance: Instance
    demand: Integers

    def key(self, block: Integers, phase: Integers | int, node: Integers) -> Integers:
        """Return a number for a block at a node, as a summand or sum, or as the result that arrives."""
        return (2 * block + phase) * self.instance.network.nodes + node

    def result(self, values: Values, block: Integers, node: Integers) -> Integers:
        """Return the key of the result of each block at a node: where none has arrived it was made."""
        spread = self.key(block, SPREADING, node)
        return np.where(np.isin(spread, values.arrived), spread, self.key(block, SUMMING, node))


def found_of(problem: Padded, blocks: Blocks, placed: Placed) -> Found[Padded]:
    """Return the plan and the times of what the list schedule has placed: blocks of representatives alone."""
    own = np.flatnonzero(problem.least_demand[blocks.piece] == blocks.piece)
    number = np.full(len(blocks), NONE, dtype=np.int64)
    number[own] = np.arange(len(own))
    block, phase, bundle, depart, lane = placed.slots[: placed.counts[0]].T.copy()
    sum_block, sum_node, _, sum_start = placed.sums[: placed.counts[1]].T.copy()
    rows = Rows(number[block], phase, bundle, number[sum_block], sum_node)
    plan = layer_plan(problem, blocks.taken(own), rows)
    operators = np.unique(problem.least_operator)
    start = np.concatenate([depart, sum_start, placed.operator_start[operators]])
    lane = np.concatenate([lane, np.zeros(plan.sums + len(operators), dtype=np.int64)])
    return Found(problem, plan, Placement(start, lane, int(placed.operator_start[operators].max(initial=0))))


def layer_plan(problem: Padded, blocks: Blocks, rows: Rows) -> Plan:
    """Return the plan of slots and sums of the blocks of representatives, which begin at the roots of their demands."""
    instance = problem.instance
    view = _View(instance, blocks.piece)
    entry, leaf = instance.demand_leaves.flat().entries(blocks.piece)
    _, maker = instance.demand_leaf_operators.flat().entries(blocks.piece)
    values = Values(
        arrived=view.key(rows.block, rows.phase, instance.network.destination[rows.bundle]),
        added=view.key(rows.sum_block, SUMMING, rows.sum_node),
        made=view.key(entry, SUMMING, leaf),
        maker=maker,
    )
    source = instance.network.source[rows.bundle]
    gathered = view.key(rows.block, SUMMING, source)
    loads = carried(values, np.where(rows.phase, view.result(values, rows.block, source), gathered), source)
    return Plan(
        blocks,
        rows.block,
        rows.bundle,
        *loads,
        rows.sum_block,
        rows.sum_node,
        ~np.isin(values.added, gathered[rows.phase == SUMMING]),
        operands=_operands(values, rows, loads[3]),
        reads=_reads(problem, view, values, loads[3]),
    )


def held(values: Values, key: Integers) -> tuple[Integers, Integers]:
    """Return kind and number of what each key stands for: a sum, what one slot brought, or what an operator made."""
    kind, number = np.full((2, len(key)), NONE, dtype=np.int64)
    for of_kind, keys, numbers in (
        (OPERATOR, values.made, values.maker),
        (SLOT, values.arrived, np.arange(len(values.arrived))),
        (SUM, values.added, np.arange(len(values.added))),
    ):
        row, other = matching(key, keys)
        kind[row], number[row] = of_kind, numbers[other]
    return kind, number


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


def _operands(values: Values, rows: Rows, origin: Integers) -> Operands:
    """Return all that sums add: their node's own summand, and what arrives."""
    brought, slot = matching(values.added, values.arrived)
    own, made = matching(values.added, values.made)
    reader = np.concatenate([own, brought])
    order = np.argsort(reader, kind="stable")
    return Operands(
        reader[order],
        np.repeat([OPERATOR, SLOT], [len(own), len(brought)])[order],
        np.concatenate([values.maker[made], slot])[order],
        np.concatenate([rows.sum_node[own], origin[slot]])[order],
        rows.sum_block[reader[order]],
    )


def _reads(problem: Padded, view: _View, values: Values, origin: Integers) -> Operands:
    """Return what operators read of the representatives' blocks; images are all that operators read."""
    instance = problem.instance
    reader, demand = instance.operator_demands.flat().entries(np.arange(instance.operators))
    row, block = matching(demand, view.demand)
    reader = reader[row]
    node = instance.operator_node[reader]
    key = view.result(values, block, node)
    return needed(values, key, reader=reader, node=node, block=block, slot_origin=origin)

"""Greedy list scheduling: work in order of its tail, each piece as early as links and units allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import MOST_WORK
from lpxsched.schedule.problem.instance import HOST, UNITS_PER_CHIP, Instance, ranks, sum_cycles
from lpxsched.schedule.problem.ragged import Interned, Ragged, grouped
from lpxsched.schedule.problem.wires import hops_to
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.columns import Board, OperatorColumns, Placed, Traffic, TreeScratch
from lpxsched.schedule.routes.in_order import list_schedule
from lpxsched.schedule.routes.list_plan import Listed
from lpxsched.schedule.symmetry.padding import Padded, unpadded
from lpxsched.schedule.symmetry.quotient import HALVES, Blocks, Quotient, Ways
from lpxsched.schedule.times.calendars import close, closed_by, empty_calendars
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers


class ListScheduler:
    """The list schedule of a problem, for any cut into blocks; left as it is by the problem's group, too."""

    def __init__(self, problem: Padded) -> None:
        instance, wires = problem.instance, problem.wires
        units, lanes = UNITS_PER_CHIP * instance.network.chips, int(wires.lanes.sum())
        hold = np.zeros_like(wires.lanes)
        hold[wires.resource] = -(-wires.numerator // wires.denominator)
        self._problem, self._ranks = problem, ranks(instance)
        self._program, self._traffic = _program(problem, lanes), _traffic(problem, lanes)
        self._closed = closed_by(instance.deskews, wires, units)
        # Links, then units, have calendars for each of their lanes.
        self._first = np.append(wires.first_lane, lanes + np.arange(units))
        self._lanes = np.append(wires.lanes, [1] * units)
        self._shortest = np.append(np.repeat(hold, wires.lanes), [1] * units)

    def listed(self, blocks: Blocks, *, seed: int = 0) -> Listed:
        """Return all blocks and operators of representatives, placed.

        Seed 0 keeps blocks of equal rank in their order; any other shuffles them.
        """
        problem, instance, closed = self._problem, self._problem.instance, self._closed
        # Each node sends a summand once at most, and receives the result once at most.
        sums = int((instance.demand_leaves.counts > 1)[blocks.piece].sum())
        most_slots, most_sums = (len(blocks) + sums) * instance.network.nodes + 1, sums * instance.network.chips + 1
        room = most_slots + most_sums + instance.operators + int(self._lanes[closed.resource].sum()) + 1
        calendars = empty_calendars(self._shortest, room)
        if len(closed.resource):
            close(calendars, closed, self._first, self._lanes)
        placed = Placed(
            slots=np.empty((most_slots, 5), dtype=np.int64),
            sums=np.empty((most_sums, 4), dtype=np.int64),
            counts=np.zeros(2, dtype=np.int64),
            operator_start=np.zeros(instance.operators, dtype=np.int64),
            delivered=np.zeros((instance.demands, instance.network.nodes), dtype=np.int64),
        )
        work = _represented(work_order(instance, blocks, *self._ranks, seed=seed), problem, blocks)
        traffic, tree = _traffic_of(self._traffic, instance, blocks), _empty_tree(instance.network.nodes)
        list_schedule(work, Board(problem.wires, self._program, traffic, calendars, placed, tree))
        return Listed(problem, blocks, placed)


def work_order(
    instance: Instance, blocks: Blocks, operator_rank: Integers, demand_rank: Integers, *, seed: int = 0
) -> Integers:
    """Return all work in a precedence-feasible order: operators as their number, blocks as ``~block``.

    Rank is the longest chain of operators and demands before a piece of work (`ranks`). Within a rank the blocks with
    the most vectors behind them in their demand go first, so that all demands advance side by side.
    """
    rest = instance.demand_vectors[blocks.piece] - blocks.first_vector
    noise = np.random.default_rng(seed).permutation(len(blocks)) if seed else np.arange(len(blocks))
    block_order = np.lexsort((noise, -rest, demand_rank[blocks.piece]))
    operators = np.arange(instance.operators)
    rank = np.concatenate([operator_rank, demand_rank[blocks.piece][block_order]])
    items = np.concatenate([operators, ~block_order])
    return items[np.argsort(rank, kind="stable")].astype(np.int64)


def _represented(work: Integers, problem: Padded, blocks: Blocks) -> Integers:
    """Return the work of representatives."""
    operators, demands = (least == np.arange(len(least)) for least in (problem.least_operator, problem.least_demand))
    # Blocks count backwards from -1.
    kept: Integers = work[np.concatenate([operators, demands[blocks.piece][::-1]])[work]]
    return kept


def _program(problem: Padded, lanes: int) -> OperatorColumns:
    """Return operators; each reads the representatives of its demands, where the group takes its node with them."""
    instance, node_map = problem.instance, problem.symmetry.node_map
    node = problem.least_node[instance.operator_node]
    calendar = lanes + instance.operator_unit * instance.network.chips + node
    needed = problem.reads
    return OperatorColumns(
        release=instance.release_cycles,
        calendar=np.where(instance.operator_unit == HOST, NONE, calendar),
        cycles=instance.operator_cycles,
        after_offsets=instance.operator_after.offsets,
        after=problem.least_operator[instance.operator_after.values],
        needs_offsets=needed.offsets,
        needs=problem.least_demand[needed.values],
        needs_node=node_map[problem.demand_map.argmin(axis=0)[needed.values], instance.operator_node[needed.row]],
    )


def _traffic(problem: Padded, lanes: int) -> Traffic:
    instance, none = problem.instance, np.zeros(0, dtype=np.int64)
    distance, readers = hops_to(np.unique(instance.demand_root), instance.network), _readers(problem)
    return Traffic(
        root=instance.demand_root,
        leaf_offsets=problem.leaves.offsets,
        leaf=problem.leaves.values,
        leaf_operator=problem.least_operator[problem.makers.values],
        reader_offsets=readers.offsets,
        reader=readers.values,
        block_demand=none,
        block_vectors=none,
        sum_cycles=none.reshape(0, 0),
        adder=lanes + instance.network.chips + problem.least_node[: instance.network.chips],
        distance=distance,
        farthest_first=np.argsort(-distance.astype(np.int16), axis=1, kind="stable").astype(np.int64),
    )


def _traffic_of(traffic: Traffic, instance: Instance, blocks: Blocks) -> Traffic:
    """Return the traffic of some blocks."""
    lengths = np.unique(blocks.vectors)
    operands = np.arange(2, instance.network.nodes + 2)[:, None]
    # Sums of no operand and of one take no time.
    table = np.zeros((len(operands) + 2, int(lengths.max(initial=0)) + 1), dtype=np.int64)
    table[2:, lengths] = sum_cycles(instance.add_cost, operands, lengths)
    return traffic._replace(block_demand=blocks.piece, block_vectors=blocks.vectors, sum_cycles=table)


def _readers(problem: Padded) -> Ragged:
    """Return the nodes that read each demand, its root after the others."""
    instance, needed, others = problem.instance, problem.reads, problem.instance.demand_consumers.flat()
    at_root = instance.operator_node[needed.row] == instance.demand_root[needed.values]
    rooted = np.unique(needed.values[at_root])
    # Of a collective the root is among the consumers.
    elsewhere = others.values != instance.demand_root[others.row]
    demand = np.concatenate([others.row[elsewhere], rooted])
    order, offsets = grouped(demand, instance.demands)
    return Ragged(offsets, np.concatenate([others.values[elsewhere], instance.demand_root[rooted]])[order])


def _empty_tree(nodes: int) -> TreeScratch:
    numbers, flags = np.zeros((9, nodes), dtype=np.int64), np.zeros((3, nodes), dtype=np.bool_)
    leaves = 1 << (nodes - 1).bit_length()
    winner = np.append(np.zeros(leaves, dtype=np.int64), np.minimum(np.arange(leaves), nodes - 1))
    return TreeScratch(*(*numbers, *flags, winner))


def spread_ways(problem: Quotient, length: int, *, seed: int) -> Ways | None:
    """Return ways of earliest arrival for blocks of at most `length` vectors; None where there are too many.

    A block takes whatever way brings it first: the direct link, or, while earlier blocks fill that, a longer way round
    over chips that only relay. So a large message spreads over many routes by itself. The search is the list schedule,
    on an instance without operators that take time; the problem is under the trivial group, and limits on injection and
    ejection are left to the placement that follows.
    """
    network = problem.network
    vectors = problem.flow.vectors[problem.representatives]
    count = int((-(-vectors // max(1, length))).sum())
    if length == HALVES or count * network.nodes > MOST_WORK:
        return None
    instance = _instance(problem)
    cut = cut_blocks(instance, Cut(length, length))
    placed = ListScheduler(unpadded(instance)).listed(cut, seed=seed).placed
    pieces = problem.representatives[cut.piece]
    flow = problem.flow
    blocks = Blocks(pieces, cut.first_vector, cut.vectors, flow.source[pieces], flow.target[pieces])
    block, _, bundle, depart, _ = placed.slots[: placed.counts[0]].T
    order = np.lexsort((block, depart))
    return Ways(blocks, block[order], bundle[order], np.zeros_like(order), depart[order])


def _instance(problem: Quotient) -> Instance:
    """Return the pieces that move as demands of an instance on which every node may relay."""
    network, flow, pieces = problem.network, problem.flow, problem.representatives
    everyone = list(range(network.width))
    source = flow.source[pieces].tolist()
    readers = [
        [node for node in (everyone if target == EVERY else [target]) if node != held]
        for held, target in zip(source, flow.target[pieces].tolist(), strict=True)
    ]
    nodes = np.arange(network.nodes, dtype=np.int64)
    return Instance(
        network=replace(network, chips=network.nodes),
        release_cycles=0,
        operator_node=nodes,
        operator_unit=np.full(network.nodes, HOST, dtype=np.int64),
        operator_cycles=np.zeros(network.nodes, dtype=np.int64),
        operator_after=Ragged.of([] for _ in range(network.nodes)),
        operator_demands=Interned.of([] for _ in range(network.nodes)),
        demand_vectors=flow.vectors[pieces],
        demand_root=flow.source[pieces],
        demand_leaves=Interned.of([node] for node in source),
        demand_leaf_operators=Interned.of([node] for node in source),
        demand_consumers=Interned.of(readers),
        add_cost=problem.instance.add_cost,
    )

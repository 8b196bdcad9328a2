"""What blocks are to do, in the words of the model of ways: trips from one node to others, or from others to one.

A copy goes from its base to all its ends. A sum is the same backwards in time: summands go from the ends, the leaves,
to the base, and are added where they meet. What is summed and then copied is two trips with one base.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.symmetry.groups import Represented
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient

NOBODY: Mapping[int, int] = {}


class Trip(NamedTuple):
    """One way of a block, between the source and the readers of copies, or the root and the leaves of sums.

    The base is among the ends of a sum where it has a summand. The partner is the trip that sums what this one copies,
    or copies what it sums; it takes so many cycles at least `before` this one begins, or `after` it has ended, when
    what is read may be added, too. `makers` are the tasks of operators by the node that has what they make at first.
    """

    block: int
    vectors: int
    base: int
    ends: frozenset[int]
    is_sum: bool
    partner: int = NONE
    before: int = 0
    after: int = 0
    makers: Mapping[int, int] = NOBODY

    @property
    def target(self) -> int:
        """The only reader of a copy; `EVERY` of more, and of sums."""
        return EVERY if self.is_sum or len(self.ends) != 1 else next(iter(self.ends))


@dataclass(frozen=True, eq=False)
class Trips:
    """All trips of some blocks, and their number by block and whether they sum; without slots, for what is found once.

    Of operators `reads` has the task, the trip that brings what it reads and the node to which, `waits` the task, and
    one before it.
    """

    problem: Represented
    blocks: Blocks
    rows: list[Trip]
    number: dict[tuple[int, bool], int]
    reads: list[tuple[int, int, int]]
    waits: list[tuple[int, int]]

    @property
    def release(self) -> int:
        """Before it nothing leaves."""
        return self.problem.operators.release

    @cached_property
    def is_sum(self) -> Flags:
        """Whether each trip is a sum."""
        return np.array([row.is_sum for row in self.rows], dtype=np.bool_)

    def heads(self, trip: Integers, bundle: Integers) -> Integers:
        """Return the ends of bundles that are farther from the base on the trees of trips."""
        wires = self.problem.wires
        return np.where(self.is_sum[trip], wires.source[bundle], wires.destination[bundle])

    def of_slots(self, plan: Plan) -> Integers:
        """Return the trip of each slot of a plan, `NONE` where there is none; what leaves a base as a sum is copied."""
        table = np.full((len(self.blocks), 2), NONE, dtype=np.int64)
        for (block, is_sum), trip in self.number.items():
            table[block, int(is_sum)] = trip
        copied = np.append(plan.sum_complete, False)[plan.slot_sum]
        copied &= plan.slot_origin == plan.blocks.source[plan.slot_block]
        summed = (table[plan.slot_block, 1] >= 0) & ~copied
        return np.asarray(table[plan.slot_block, summed.astype(np.int64)])


def is_gathered(problem: Quotient) -> bool:
    """Return whether an all-reduce copies all summands to every chip, which then adds them."""
    flow = problem.flow
    return problem.instance.stage.kind == "all-reduce" and len(flow.source) > 1 and not flow.first_vector.any()


def is_modelled(plan: Plan, trips: Trips) -> bool:
    """Return whether a plan is made of trips: each block one tree, whose sums take all that comes to their nodes."""
    trip = trips.of_slots(plan)
    if (trip == NONE).any():
        return False
    keys = trip * trips.problem.wires.nodes + trips.heads(trip, plan.slot_bundle)
    if len(np.unique(keys)) < len(keys) or not trips.is_sum[trip].any():
        return len(np.unique(keys)) == len(keys)
    complete = np.sort(plan.sum_block[plan.sum_complete])
    sums = [row.block for row in trips.rows if row.is_sum]
    at_base = plan.sum_node[plan.sum_complete] == plan.blocks.source[plan.sum_block[plan.sum_complete]]
    return bool(at_base.all()) and complete.tolist() == sorted(sums)


def collective_trips(problem: Quotient, blocks: Blocks) -> Trips:
    """Return the trips of a collective: its copies, its sums, or both, the sums first; of a gathered one its copies."""
    collective, everyone = problem.instance.stage, frozenset(range(problem.network.width))
    kinds = [True, False] if collective.kind == "all-reduce" else [collective.is_sum]
    gathers = is_gathered(problem)
    if gathers:
        kinds = [False]
    way, width = problem.way, problem.network.width
    rows, count = [], len(blocks)
    columns = (blocks.source.tolist(), blocks.target.tolist(), blocks.vectors.tolist())
    for is_sum in kinds:
        for block, (base, target, vectors) in enumerate(zip(*columns, strict=True)):
            ends = everyone if target == EVERY else frozenset([target])
            added = problem.add_cost.cycles(width, vectors) if gathers else 0
            trip = Trip(block, vectors, base, ends, is_sum, after=added)
            if len(kinds) > 1:
                partner = block + count if is_sum else block
                before = 0 if is_sum else int(way[:width, base].max())
                trip = trip._replace(partner=partner, before=before, after=int(way[base, :width].max()) * is_sum)
            rows.append(trip)
    return Trips(problem, blocks, rows, {(row.block, row.is_sum): trip for trip, row in enumerate(rows)}, [], [])


def layer_trips(problem: Padded, plan: Plan) -> Trips:
    """Return the trips of the blocks of a layer, and what its operators read."""
    instance, task = problem.instance, problem.operators.task.tolist()
    rows: list[Trip] = []
    for block, demand in enumerate(plan.blocks.piece.tolist()):
        vectors, base = int(plan.blocks.vectors[block]), int(plan.blocks.source[block])
        leaves, makers = instance.demand_leaves[demand].tolist(), instance.demand_leaf_operators[demand].tolist()
        made = {node: task[maker] for node, maker in zip(leaves, makers, strict=True)}
        readers = frozenset(instance.demand_consumers[demand].tolist()) - {base}
        if len(leaves) > 1:
            partner = len(rows) + 1 if readers else NONE
            rows.append(Trip(block, vectors, base, frozenset(leaves), True, partner, makers=made))
        if readers:
            partner = len(rows) - 1 if len(leaves) > 1 else NONE
            rows.append(Trip(block, vectors, base, readers, False, partner, makers={} if partner >= 0 else made))
    number = {(row.block, row.is_sum): trip for trip, row in enumerate(rows)}
    reads, waits = [], list(zip(problem.operators.after.tolist(), problem.operators.before.tolist(), strict=True))
    for reader, block in zip(plan.reads.reader.tolist(), plan.reads.block.tolist(), strict=True):
        node = int(instance.operator_node[reader])
        if node != int(plan.blocks.source[block]) or (block, True) in number:
            trip = number[block, node == int(plan.blocks.source[block])]
            reads.append((task[reader], trip, node))
        else:
            (maker,) = instance.demand_leaf_operators[int(plan.blocks.piece[block])].tolist()
            waits.append((task[reader], task[maker]))
    return Trips(problem, plan.blocks, rows, number, reads, waits)


class Crossings(NamedTuple):
    """Pairs of a trip and a bundle, sorted by trip, then bundle; shape (crossings,)."""

    trip: Integers
    bundle: Integers

    def united(self, trip: Integers, bundle: Integers) -> Crossings:
        """Return these crossings and others."""
        pairs = np.unique(np.column_stack([np.append(self.trip, trip), np.append(self.bundle, bundle)]), axis=0)
        return Crossings(pairs[:, 0], pairs[:, 1])


def crossings(trips: Trips, latest_cycles: int, *, detours: bool) -> Crossings:
    """Return the bundles that each trip may cross in time, on the shortest ways alone or on detours as well."""
    known: dict[tuple[object, ...], Integers] = {}
    found = []
    for trip in trips.rows:
        kind = (trip.base, trip.ends, trip.vectors, trip.is_sum, trip.before, trip.after)
        if kind not in known:
            latest = latest_cycles - trip.before - trip.after - trips.release
            known[kind] = np.flatnonzero(_usable(trips, trip, latest, detours))
        found.append(known[kind])
    trip_of = np.repeat(np.arange(len(found)), [len(row) for row in found])
    return Crossings(trip_of.astype(np.int64), np.concatenate([*found, np.zeros(0, dtype=np.int64)]))


def _usable(trips: Trips, trip: Trip, latest_cycles: int, detours: bool) -> Flags:
    """Return, for each bundle, whether a trip may cross it; for sums all is told backwards in time."""
    network, way = trips.problem.network, trips.problem.way.astype(np.int64)
    start, end = network.source, network.destination
    if trip.is_sum:
        way, start, end = way.T, end, start
    base, target, nodes = trip.base, trip.target, np.arange(network.nodes)
    read = way[base, start] + np.where(start != base, network.turnaround_cycles, 0) + network.hop_cycles
    after_first = network.hold_cycles(trip.vectors - 1)
    readers = np.isin(nodes, list(trip.ends))
    if target == EVERY:
        onward = (read + np.where(readers[end], after_first, 0) <= latest_cycles) & (end != base)
        shortest = read == way[base, end]
    else:
        rest = np.where(end != target, network.turnaround_cycles, after_first) + way[end, target]
        onward = (end != base) & (start != target) & (read + rest <= latest_cycles)
        shortest = read + rest - np.where(end != target, 0, after_first) == way[base, target]
    onward &= ((start == base) | (start < network.chips)) & (readers[end] | (end < network.chips))
    return _connected(onward & (shortest | detours), start, end, nodes == base, readers)


def _connected(usable: Flags, start: Integers, end: Integers, holders: Flags, readers: Flags) -> Flags:
    """Return the usable bundles to which others, or a holder, lead, and from which others, or a reader, lead on."""
    while True:
        reached, useful = holders.copy(), readers.copy()
        reached[end[usable]] = True
        useful[start[usable]] = True
        fewer = usable & reached[start] & useful[end]
        if (fewer == usable).all():
            return fewer
        usable = fewer

"""Variables of the CP-SAT model, one bundle of variables for each thing that is scheduled.

Under a group of translations all images of a slot, a sum or an operator have their variables in common: those of the
representative of their orbit. Without a group everything represents itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.problem.distances import hops_from, hops_to_roots
from lpxsched.schedule.result import SPREADING, SUMMING
from lpxsched.schedule.symmetry.orbits import Orbits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry

Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SlotVariables:
    """A block that may leave over a bundle: whether it does, and when."""

    block: int
    phase: int
    bundle: int
    present: cp_model.IntVar
    depart: cp_model.IntVar
    interval: cp_model.IntervalVar


@dataclass(frozen=True, slots=True)
class SumVariables:
    """A block's sum at a node: whether it is made, when, and how long it takes."""

    present: cp_model.IntVar
    start: cp_model.IntVar
    cycles: cp_model.IntVar | int
    end: cp_model.IntVar
    interval: cp_model.IntervalVar


@dataclass(slots=True)
class Variables:
    """Variables of an instance and the blocks of a hint.

    Attributes
    ----------
    instance : Instance
    hint : Schedule
        A complete schedule; nothing longer is looked for.
    cp : CpModel
    slots : dict
        By block, phase and bundle.
    sums : dict
        By block and node.
    starts : list
        Start of each operator.
    symmetry : Symmetry
        A group that leaves instance and hint as they are.
    """

    instance: Instance
    hint: Schedule
    symmetry: Symmetry | None = None
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    slots: dict[Key, SlotVariables] = field(default_factory=dict)
    sums: dict[tuple[int, int], SumVariables] = field(default_factory=dict)
    starts: list[cp_model.IntVar] = field(default_factory=list)
    orbits: Orbits = field(init=False)
    bundles_into: list[list[int]] = field(init=False)
    bundles_out_of: list[list[int]] = field(init=False)

    @property
    def horizon(self) -> int:
        """No better schedule is longer than the hint."""
        return self.hint.makespan_cycles

    def __post_init__(self) -> None:
        instance, nodes = self.instance, range(self.instance.network.nodes)
        self.orbits = Orbits.of(instance, self.hint.blocks, self.symmetry)
        self.bundles_into = [np.flatnonzero(instance.network.destination == node).tolist() for node in nodes]
        self.bundles_out_of = [np.flatnonzero(instance.network.source == node).tolist() for node in nodes]
        self._add_slots()
        self._add_sums()
        own = {operator: self._time(f"operator {operator}") for operator in self.orbits.operators}
        self.starts = [own[operator] for operator in self.orbits.operator.tolist()]
        self.add_hints(self.cp, self.hint)

    def _time(self, name: str) -> cp_model.IntVar:
        return self.cp.new_int_var(self.instance.release_cycles, self.horizon, name)

    def _add_slots(self) -> None:
        """Make a variable for each block and bundle on a shortest way, or on the hint's."""
        ways = shortest_bundles(self.instance)
        keys = {(block, phase, bundle) for block in self.orbits.blocks for phase, bundle in ways[self.demand_of(block)]}
        for key in sorted(keys | self.departures(self.hint).keys()):
            self._add_slot(*key)

    def _add_slot(self, block: int, phase: int, bundle: int) -> None:
        vectors = int(self.hint.blocks.vectors[block])
        hold = int(self.instance.network.hold_cycles(vectors)[bundle])
        name = f"{block}.{phase}.{bundle}"
        depart = self._time(name)
        present = self.cp.new_bool_var(name)
        interval = self.cp.new_optional_fixed_size_interval_var(depart, hold, present, name)
        self.slots[block, phase, bundle] = SlotVariables(block, phase, bundle, present, depart, interval)

    def _add_sums(self) -> None:
        """R5: make a sum wherever a summand may meet others."""
        for block in self.orbits.blocks:
            if not self.instance.is_reduction(self.demand_of(block)):
                continue
            for node in range(self.instance.network.chips):
                arriving = self.into(block, SUMMING, node)
                if arriving:
                    self.sums[block, node] = self._sum(block, node, arriving)

    def _sum(self, block: int, node: int, arriving: list[SlotVariables]) -> SumVariables:
        """R5: a sum takes all that arrives and the node's own summand; its duration follows from their number."""
        demand, vectors = self.demand_of(block), int(self.hint.blocks.vectors[block])
        own = int(node in self.instance.demand_leaves[demand])
        name = f"sum {block}.{node}"
        most = len(arriving) + own
        durations = [self.instance.add_cost.cycles(count, vectors) if count > 1 else 0 for count in range(most + 1)]
        operands = sum(slot.present for slot in arriving) + own
        present = self.cp.new_bool_var(name)
        self.cp.add(operands >= 2).only_enforce_if(present)
        self.cp.add(operands <= 1).only_enforce_if(~present)
        start, end = self._time(name), self._time(name)
        if len(set(durations[2:])) <= 1:
            self.cp.add(end >= start + durations[-1]).only_enforce_if(present)
            interval = self.cp.new_optional_fixed_size_interval_var(start, durations[-1], present, name)
            return SumVariables(present, start, durations[-1], end, interval)
        duration = self.cp.new_int_var(0, max(durations), name)
        self.cp.add_element(operands, durations, duration)
        interval = self.cp.new_optional_interval_var(start, duration, end, present, name)
        return SumVariables(present, start, duration, end, interval)

    def add_hints(self, model: cp_model.CpModel, schedule: Schedule) -> None:
        """Hint a whole schedule to the model or to a copy of it, so that the solver starts from it."""
        departures, made = self.departures(schedule), self.sums_made(schedule)
        for key, slot in self.slots.items():
            model.add_hint(slot.present, key in departures)
            model.add_hint(slot.depart, departures.get(key, self.instance.release_cycles))
        for place, total in self.sums.items():
            start, end = made.get(place, (self.instance.release_cycles,) * 2)
            model.add_hint(total.present, place in made)
            model.add_hint(total.start, start)
            model.add_hint(total.end, end)
        for operator in self.orbits.operators:
            model.add_hint(self.starts[operator], int(schedule.operator_start[operator]))

    def departures(self, schedule: Schedule) -> dict[Key, int]:
        """Return when representatives' slots leave in a schedule, by block, phase and bundle."""
        own = set(self.orbits.blocks)
        columns = (schedule.slot_block, schedule.slot_phase, schedule.slot_bundle, schedule.slot_depart)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {(block, phase, bundle): depart for block, phase, bundle, depart in rows if block in own}

    def sums_made(self, schedule: Schedule) -> dict[tuple[int, int], tuple[int, int]]:
        """Return start and end of representatives' sums in a schedule, by block and node."""
        own, cycles = set(self.orbits.blocks), self.instance.add_cost.cycles
        vectors = schedule.blocks.vectors.tolist()
        columns = (schedule.sum_block, schedule.sum_node, schedule.sum_operands, schedule.sum_start)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {
            (block, node): (start, start + cycles(operands, vectors[block]))
            for block, node, operands, start in rows
            if block in own
        }

    def schedule(self, solver: cp_model.CpSolver) -> Schedule:
        """Return the schedule that a solver found."""
        slots = [
            (slot.block, slot.phase, slot.bundle, solver.value(slot.depart))
            for slot in self.slots.values()
            if solver.boolean_value(slot.present)
        ]
        sums = []
        for (block, node), total in self.sums.items():
            if solver.boolean_value(total.present):
                arriving = self.into(block, SUMMING, node)
                own = node in self.instance.demand_leaves[self.demand_of(block)]
                operands = sum(solver.boolean_value(slot.present) for slot in arriving) + own
                sums.append((block, node, operands, solver.value(total.start)))
        starts = [solver.value(start) for start in self.starts]
        columns = (np.array(rows, dtype=np.int64) for rows in (slots, sums, starts))
        return self.orbits.lifted(*columns)

    def demand_of(self, block: int) -> int:
        """Demand that a block is part of."""
        return int(self.hint.blocks.demand[block])

    def into(self, block: int, phase: int, node: int) -> list[SlotVariables]:
        """Slots in which a representative's block may arrive at a node."""
        return self._known(block, phase, self.bundles_into[node])

    def out_of(self, block: int, phase: int, node: int) -> list[SlotVariables]:
        """Slots in which a representative's block may leave a node."""
        return self._known(block, phase, self.bundles_out_of[node])

    def _known(self, block: int, phase: int, bundles: list[int]) -> list[SlotVariables]:
        keys = ((block, phase, bundle) for bundle in bundles)
        return [self.slots[key] for key in keys if key in self.slots]

    def made_at(self, demand: int, node: int) -> list[int]:
        """Operators that produce a summand (or the one copy) of a demand at a node."""
        at_node = self.instance.demand_leaves[demand] == node
        operators: list[int] = self.instance.demand_leaf_operators[demand][at_node].tolist()
        return operators

    def end(self, operator: int) -> cp_model.LinearExprT:
        """End of an operator."""
        return self.starts[operator] + int(self.instance.operator_cycles[operator])

    def last_read(self, slot: SlotVariables) -> cp_model.LinearExprT:
        """Cycle at which the last vector of a slot is read."""
        vectors = int(self.hint.blocks.vectors[slot.block])
        stream = int(self.instance.network.hold_cycles(vectors - 1)[slot.bundle])
        return slot.depart + int(self.instance.network.hop_cycles[slot.bundle]) + stream

    def lead(self, arrived: int, leaving: int, vectors: int) -> int:
        """Cycles by which a relay waits for a stream.

        Where the wire in is slower than the wire out the last vector decides, else the first.
        """
        return int(self.instance.network.lead_cycles(arrived, leaving, vectors))


def shortest_bundles(instance: Instance) -> list[list[tuple[int, int]]]:
    """Return, for each demand, phase and bundle of every hop on a shortest way.

    Summands go to the root from leaves, results from the root to consumers; hosts never relay.
    """
    to_root = hops_to_roots(instance)
    roots, row = np.unique(instance.demand_root, return_inverse=True)
    from_roots = hops_from(roots, instance.network)
    ways = []
    rows = list(enumerate(zip(instance.network.source.tolist(), instance.network.destination.tolist(), strict=True)))
    for demand in range(instance.demands):
        root = int(instance.demand_root[demand])
        from_root = from_roots[row[demand]].tolist()
        usable = {bundle: ends for bundle, ends in rows if ends[0] < instance.network.chips or ends[0] == root}
        wanted = _ancestors(from_root, usable.values(), instance.demand_consumers[demand].tolist())
        leaves = set(instance.demand_leaves[demand].tolist())
        keys = []
        for bundle, (source, destination) in usable.items():
            nearer = to_root[root, destination] == to_root[root, source] - 1 >= 0
            if instance.is_reduction(demand) and nearer and {source, destination} <= leaves | {root}:
                keys.append((SUMMING, bundle))
            if destination in wanted and from_root[source] == from_root[destination] - 1 >= 0:
                keys.append((SPREADING, bundle))
        ways.append(keys)
    return ways


def _ancestors(hops: list[int], ends: Iterable[tuple[int, int]], consumers: list[int]) -> set[int]:
    """Return the nodes on shortest ways from a root to its consumers."""
    wanted = set(consumers)
    frontier = wanted
    while frontier:
        frontier = {
            source
            for source, destination in ends
            if destination in frontier and hops[source] == hops[destination] - 1 >= 0
        } - wanted
        wanted = wanted | frontier
    return wanted

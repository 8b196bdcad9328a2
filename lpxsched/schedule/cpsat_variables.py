"""Variables of the CP-SAT model, one bundle of variables for each thing that is scheduled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.distances import hops_from, hops_to_roots
from lpxsched.schedule.result import SPREADING, SUMMING, Schedule
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lpxsched.schedule.instance import Instance

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
    """

    instance: Instance
    hint: Schedule
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    slots: dict[Key, SlotVariables] = field(default_factory=dict)
    sums: dict[tuple[int, int], SumVariables] = field(default_factory=dict)
    starts: list[cp_model.IntVar] = field(default_factory=list)

    @property
    def horizon(self) -> int:
        """No better schedule is longer than the hint."""
        return self.hint.makespan_cycles

    def __post_init__(self) -> None:
        self._add_slots()
        self._add_sums()
        self.starts = [self._time(f"operator {operator}") for operator in range(self.instance.operators)]
        self._add_hints()

    def _time(self, name: str) -> cp_model.IntVar:
        return self.cp.new_int_var(self.instance.release_cycles, self.horizon, name)

    def _add_slots(self) -> None:
        """Make a variable for each block and bundle on a shortest way, or on the hint's."""
        ways = shortest_bundles(self.instance)
        keys = {
            (block, phase, bundle)
            for block, demand in enumerate(self.hint.blocks.demand.tolist())
            for phase, bundle in ways[demand]
        }
        for key in sorted(keys | self._hinted_departures().keys()):
            self._add_slot(*key)

    def _hinted_departures(self) -> dict[Key, int]:
        hint = self.hint
        columns = (hint.slot_block, hint.slot_phase, hint.slot_bundle, hint.slot_depart)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {(block, phase, bundle): depart for block, phase, bundle, depart in rows}

    def _add_slot(self, block: int, phase: int, bundle: int) -> None:
        vectors = int(self.hint.blocks.vectors[block])
        hold = int(self.instance.hold_cycles(vectors)[bundle])
        name = f"{block}.{phase}.{bundle}"
        depart = self._time(name)
        present = self.cp.new_bool_var(name)
        interval = self.cp.new_optional_fixed_size_interval_var(depart, hold, present, name)
        self.slots[block, phase, bundle] = SlotVariables(block, phase, bundle, present, depart, interval)

    def _add_sums(self) -> None:
        """R5: make a sum wherever a summand may meet others."""
        for block, demand in enumerate(self.hint.blocks.demand.tolist()):
            if not self.instance.is_reduction(demand):
                continue
            for node in range(self.instance.chips):
                arriving = self.into(block, SUMMING, node)
                if arriving:
                    self.sums[block, node] = self._sum(block, node, arriving)

    def _sum(self, block: int, node: int, arriving: list[SlotVariables]) -> SumVariables:
        """R5: a sum takes all that arrives and the node's own summand; its duration follows from their number."""
        demand, vectors = int(self.hint.blocks.demand[block]), int(self.hint.blocks.vectors[block])
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
        else:
            duration = self.cp.new_int_var(0, max(durations), name)
            self.cp.add_element(operands, durations, duration)
            interval = self.cp.new_optional_interval_var(start, duration, end, present, name)
        return SumVariables(present, start, end, interval)

    def _add_hints(self) -> None:
        """Hint the whole schedule, so that the solver starts from it."""
        departures = self._hinted_departures()
        for key, slot in self.slots.items():
            self.cp.add_hint(slot.present, key in departures)
            self.cp.add_hint(slot.depart, departures.get(key, self.instance.release_cycles))
        hint = self.hint
        columns = (hint.sum_block, hint.sum_node, hint.sum_operands, hint.sum_start)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        made = {(block, node): (operands, start) for block, node, operands, start in rows}
        for (block, node), total in self.sums.items():
            operands, start = made.get((block, node), (0, self.instance.release_cycles))
            vectors = int(hint.blocks.vectors[block])
            cycles = self.instance.add_cost.cycles(operands, vectors) if operands else 0
            self.cp.add_hint(total.present, operands > 0)
            self.cp.add_hint(total.start, start)
            self.cp.add_hint(total.end, start + cycles)
        for variable, start in zip(self.starts, hint.operator_start.tolist(), strict=True):
            self.cp.add_hint(variable, start)

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
                own = node in self.instance.demand_leaves[int(self.hint.blocks.demand[block])]
                operands = sum(solver.boolean_value(slot.present) for slot in arriving) + own
                sums.append((block, node, operands, solver.value(total.start)))
        starts = [solver.value(start) for start in self.starts]
        return Schedule.of_rows(self.hint.blocks, *(np.array(rows, dtype=np.int64) for rows in (slots, sums, starts)))

    def into(self, block: int, phase: int, node: int) -> list[SlotVariables]:
        """Slots in which a block may arrive at a node."""
        return self._present(block, phase, np.flatnonzero(self.instance.bundle_destination == node))

    def out_of(self, block: int, phase: int, node: int) -> list[SlotVariables]:
        """Slots in which a block may leave a node."""
        return self._present(block, phase, np.flatnonzero(self.instance.bundle_source == node))

    def _present(self, block: int, phase: int, bundles: NDArray[np.int64]) -> list[SlotVariables]:
        keys = ((block, phase, bundle) for bundle in bundles.tolist())
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
        stream = int(self.instance.last_read_cycles(vectors)[slot.bundle])
        return slot.depart + int(self.instance.hop_cycles[slot.bundle]) + stream

    def lead(self, arrived: int, leaving: int, vectors: int) -> int:
        """Cycles by which a relay waits for a stream.

        Where the wire in is slower than the wire out the last vector decides, else the first.
        """
        instance = self.instance
        slow = int(instance.bundle_time_numerator[arrived]) * int(instance.bundle_time_denominator[leaving])
        fast = int(instance.bundle_time_numerator[leaving]) * int(instance.bundle_time_denominator[arrived])
        scale = int(instance.bundle_time_denominator[arrived]) * int(instance.bundle_time_denominator[leaving])
        return max(0, ceil_div((vectors - 1) * (slow - fast), scale))


def shortest_bundles(instance: Instance) -> list[list[tuple[int, int]]]:
    """Return, for each demand, phase and bundle of every hop on a shortest way.

    Summands go to the root from leaves, results from the root to consumers; hosts never relay.
    """
    to_root = hops_to_roots(instance)
    ways = []
    rows = list(enumerate(zip(instance.bundle_source.tolist(), instance.bundle_destination.tolist(), strict=True)))
    for demand in range(instance.demands):
        root = int(instance.demand_root[demand])
        from_root = hops_from(root, instance)
        usable = {bundle: ends for bundle, ends in rows if ends[0] < instance.chips or ends[0] == root}
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

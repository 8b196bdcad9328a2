"""Constraints of the CP-SAT model, one function a rule; ``instance`` explains the rules.

Every rule is stated once an orbit, for the representatives: of the images of one slot exactly one lies on a given
bundle of the slot's orbit, so the load of a bundle is that of its orbit, and likewise for functional units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.schedule.problem.instance import HOST, VECTOR
from lpxsched.schedule.result import SPREADING, SUMMING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from lpxsched.schedule.cpsat.layer_variables import SlotVariables, Variables


def r1_links(model: Variables) -> None:
    """R1: slots of a bundle never need more links than it has."""
    on_bundle: dict[int, list[cp_model.IntervalVar]] = {}
    for slot in model.slots.values():
        on_bundle.setdefault(int(model.orbits.bundle[slot.bundle]), []).append(slot.interval)
    for bundle, intervals in sorted(on_bundle.items()):
        lanes = int(model.instance.network.lanes[bundle])
        if lanes == 1:
            model.cp.add_no_overlap(intervals)
        elif len(intervals) > lanes:
            model.cp.add_cumulative(intervals, [1] * len(intervals), lanes)


def r2_causality(model: Variables) -> None:
    """R2: what leaves a node was produced there, or read there a turnaround before."""
    for slot in model.slots.values():
        node = int(model.instance.network.source[slot.bundle])
        demand = model.demand_of(slot.block)
        made = model.made_at(demand, node)
        if slot.phase == SUMMING or not model.instance.is_reduction(demand):
            for operator in made:
                model.cp.add(slot.depart >= model.end(operator)).only_enforce_if(slot.present)
        if slot.phase == SUMMING or node == model.instance.demand_root[demand]:
            _after_sum(model, slot, node)
        else:
            _after_relay(model, slot, node)


def _after_sum(model: Variables, slot: SlotVariables, node: int) -> None:
    """After the sum at a node, and a turnaround after the read of what arrived there, with the sum if it is added."""
    if (slot.block, node) not in model.sums:
        return
    total = model.sums[slot.block, node]
    model.cp.add(slot.depart >= total.end).only_enforce_if(slot.present, total.present)
    for arriving in model.into(slot.block, SUMMING, node):
        ready = model.last_read(arriving) + model.instance.network.turnaround_cycles
        model.cp.add(slot.depart >= ready).only_enforce_if(slot.present, arriving.present)
        summed = [slot.present, arriving.present, total.present]
        model.cp.add(slot.depart - total.cycles >= ready).only_enforce_if(summed)


def _after_relay(model: Variables, slot: SlotVariables, node: int) -> None:
    for arriving in model.into(slot.block, SPREADING, node):
        lead = model.lead(arriving.bundle, slot.bundle, int(model.hint.blocks.vectors[slot.block]))
        read = arriving.depart + int(model.instance.network.hop_cycles[arriving.bundle])
        ready = read + model.instance.network.turnaround_cycles + lead
        model.cp.add(slot.depart >= ready).only_enforce_if(slot.present, arriving.present)


def r3_delivery(model: Variables) -> None:
    """R3: a block arrives once where it is needed, and a node sends on only what arrives there."""
    for block in model.orbits.blocks:
        demand = model.demand_of(block)
        root = int(model.instance.demand_root[demand])
        consumers = set(model.instance.demand_consumers[demand].tolist()) - {root}
        for node in range(model.instance.network.nodes):
            arriving = model.into(block, SPREADING, node)
            leaving = model.out_of(block, SPREADING, node)
            if node in consumers:
                model.cp.add_exactly_one(slot.present for slot in arriving)
            elif node != root:
                model.cp.add_at_most_one(slot.present for slot in arriving)
                for slot in leaving:
                    model.cp.add_bool_or(other.present for other in arriving).only_enforce_if(slot.present)
                for slot in arriving:
                    model.cp.add_bool_or(other.present for other in leaving).only_enforce_if(slot.present)


def r3_operands(model: Variables) -> None:
    """R3: an operator starts no earlier than the reads of its operands and the ends of its predecessors."""
    instance = model.instance
    blocks_of: dict[int, list[int]] = {}
    for block, demand in enumerate(model.hint.blocks.demand.tolist()):
        blocks_of.setdefault(demand, []).append(block)
    for operator in model.orbits.operators:
        node, start = int(instance.operator_node[operator]), model.starts[operator]
        for other in instance.operator_after[operator].tolist():
            model.cp.add(start >= model.end(other))
        for demand in instance.operator_demands[operator].tolist():
            for block in blocks_of[demand]:
                _after_reads(
                    model, start, *model.orbits.home(block, node), is_root=node == instance.demand_root[demand]
                )
            if node == instance.demand_root[demand] and not instance.is_reduction(demand):
                for other in instance.demand_leaf_operators[demand].tolist():
                    model.cp.add(start >= model.end(other))


def _after_reads(model: Variables, start: cp_model.IntVar, block: int, node: int, *, is_root: bool) -> None:
    """After the reads of a block at a node, or where its sum ends, after that."""
    for slot in model.into(block, SPREADING, node):
        model.cp.add(start >= model.last_read(slot)).only_enforce_if(slot.present)
    if is_root and (block, node) in model.sums:
        total = model.sums[block, node]
        model.cp.add(start >= total.end).only_enforce_if(total.present)
        for slot in model.into(block, SUMMING, node):
            model.cp.add(start >= model.last_read(slot)).only_enforce_if(slot.present)


def r4_operators(model: Variables) -> None:
    """R4: one operator or sum at a time on a functional unit."""
    on_unit: dict[tuple[int, int], list[cp_model.IntervalVar]] = {}
    for operator in model.orbits.operators:
        start = model.starts[operator]
        unit = int(model.instance.operator_unit[operator])
        cycles = int(model.instance.operator_cycles[operator])
        if unit != HOST and cycles:
            interval = model.cp.new_fixed_size_interval_var(start, cycles, f"operator {operator}")
            node = int(model.orbits.node[model.instance.operator_node[operator]])
            on_unit.setdefault((node, unit), []).append(interval)
    if model.instance.add_cost.cycles(2, 1):
        for (_, node), total in model.sums.items():
            on_unit.setdefault((int(model.orbits.node[node]), VECTOR), []).append(total.interval)
    for intervals in on_unit.values():
        model.cp.add_no_overlap(intervals)


def r5_reduction(model: Variables) -> None:
    """R5: each summand goes one way towards the root, once; a sum starts after all that it takes."""
    for block in model.orbits.blocks:
        demand = model.demand_of(block)
        if not model.instance.is_reduction(demand):
            continue
        root = int(model.instance.demand_root[demand])
        leaves = set(model.instance.demand_leaves[demand].tolist())
        for node in range(model.instance.network.nodes):
            leaving = model.out_of(block, SUMMING, node)
            arriving = model.into(block, SUMMING, node)
            if node in leaves - {root}:
                model.cp.add_exactly_one(slot.present for slot in leaving)
            elif node != root and (leaving or arriving):
                model.cp.add_at_most_one(slot.present for slot in leaving)
                for slot in leaving:
                    model.cp.add_bool_or(other.present for other in arriving).only_enforce_if(slot.present)
                for slot in arriving:
                    model.cp.add_bool_or(other.present for other in leaving).only_enforce_if(slot.present)
            if (block, node) in model.sums:
                total = model.sums[block, node]
                for slot in arriving:
                    model.cp.add(total.start >= model.last_read(slot)).only_enforce_if(slot.present, total.present)
                for operator in model.made_at(demand, node):
                    model.cp.add(total.start >= model.end(operator)).only_enforce_if(total.present)


def add_rules(model: Variables) -> None:
    """Add all rules to a model."""
    r1_links(model)
    r2_causality(model)
    r3_delivery(model)
    r3_operands(model)
    r4_operators(model)
    r5_reduction(model)

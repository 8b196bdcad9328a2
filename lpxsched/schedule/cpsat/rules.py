"""Constraints of the CP-SAT model of copies, one function a rule; ``schedule.instance`` explains the rules."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ortools.sat.python import cp_model

    from lpxsched.schedule.cpsat.variables import RouteVariables, Slots

Intervals = dict[int, list["cp_model.IntervalVar"]]


def add_rules(model: RouteVariables, kept: Slots) -> None:
    """Add all rules to a model.

    Parameters
    ----------
    model : RouteVariables
    kept : Slots
        All slots of the blocks for which the model has no variables: they stay as they are.
    """
    r1_links(model, kept)
    r2_departures(model)
    r3_delivery(model)
    r7_injections(model, kept)
    r7_ejections(model, kept)
    r10_deadline(model)


def r1_links(model: RouteVariables, kept: Slots) -> None:
    """R1: slots of a resource never need more lanes than it has."""
    bundles = model.bundles
    alike: dict[tuple[int, int, int, int, int], list[int]] = defaultdict(list)
    for block, bundle in model.present:
        node = bundles.destination[bundle]
        start = model.distance(block, node) - bundles.hop[bundle]
        hold = bundles.hold(bundle, model.vectors(block))
        alike[block, model.places[block, node], start, hold, bundles.resource[bundle]].append(bundle)
    used: Intervals = defaultdict(list)
    for (block, _, _, hold, resource), group in alike.items():
        # Bundles that a block would cross at one time are one interval.
        literal = model.any_of(block, group)
        interval = model.cp.new_optional_fixed_size_interval_var(model.depart(block, group[0]), hold, literal, "")
        used[resource].append(interval)
    for block, bundle, depart in kept.rows():
        if bundles.resource[bundle] in used:
            hold = bundles.hold(bundle, model.vectors(block))
            interval = model.cp.new_fixed_size_interval_var(depart // model.step, hold, "")
            used[bundles.resource[bundle]].append(interval)
    for resource, intervals in used.items():
        add_capacity(model.cp, intervals, int(model.problem.wires.lanes[resource]))


def add_capacity(cp: cp_model.CpModel, intervals: list[cp_model.IntervalVar], capacity: int) -> None:
    """Let at most `capacity` intervals overlap."""
    if capacity == 1:
        cp.add_no_overlap(intervals)
    elif len(intervals) > capacity:
        cp.add_cumulative(intervals, [1] * len(intervals), capacity)


def r2_departures(model: RouteVariables) -> None:
    """R2: what leaves a node begins there, or was read there a turnaround before."""
    for block, places in _places(model).items():
        if model.shares_delays(block):
            for nearer, farther in pairwise(places):
                model.cp.add(model.delays[block, farther] >= model.delays[block, nearer])
    for (block, bundle), present in model.present.items():
        node, depart = model.bundles.source[bundle], model.depart(block, bundle)
        if node == model.source(block):
            if model.distance(block, model.bundles.destination[bundle]) < model.bundles.hop[bundle]:
                model.cp.add(depart >= 0).only_enforce_if(present)
            continue
        ready = model.reads[block, node] + model.turnaround
        if not model.shares_delays(block):
            model.cp.add(depart >= ready).only_enforce_if(present)
        for arrived in model.into.get((block, node), ()):
            lead = model.bundles.lead(arrived, bundle, model.vectors(block))
            if lead:
                model.cp.add(depart >= ready + lead).only_enforce_if(present, model.present[block, arrived])


def _places(model: RouteVariables) -> dict[int, list[int]]:
    """Return the places of each block, the nearest first."""
    places: dict[int, list[int]] = defaultdict(list)
    for block, place in sorted(model.delays):
        places[block].append(place)
    return places


def r3_delivery(model: RouteVariables) -> None:
    """R3: each reader gets each block once, other nodes at most once, and they send only what they get."""
    for (block, node), bundles in model.into.items():
        arriving = [model.present[block, bundle] for bundle in bundles]
        if model.is_reader(block, node):
            model.cp.add_exactly_one(arriving)
            continue
        # A relay gets nothing that it does not pass on; to one reader it passes it on once.
        leaving = [model.present[block, bundle] for bundle in model.out_of.get((block, node), ())]
        away = model.cp.new_bool_var("")
        model.cp.add_exactly_one([*arriving, away])
        if model.target(block) != EVERY:
            model.cp.add_exactly_one([*leaving, away])
            continue
        model.cp.add_bool_or([*leaving, away])
    for (block, node), bundles in model.out_of.items():
        leaving = [model.present[block, bundle] for bundle in bundles]
        if node == model.source(block):
            if model.target(block) != EVERY:
                model.cp.add_exactly_one(leaving)
        elif not model.is_reader(block, node):
            arriving = [model.present[block, bundle] for bundle in model.into.get((block, node), ())]
            for literal in leaving:
                model.cp.add_bool_or(arriving).only_enforce_if(literal)


def r7_injections(model: RouteVariables, kept: Slots) -> None:
    """R7: no more vectors begin at a node in a cycle than it may inject."""
    network, orbit = model.problem.instance.network, model.problem.wires.node_orbit.tolist()
    if not network.inject_per_cycle:
        return
    moments: Intervals = defaultdict(list)
    for node, start, present in _injections(model):
        moments[orbit[node]].append(model.cp.new_optional_fixed_size_interval_var(start, 1, present, ""))
    for block, bundle, depart in kept.rows():
        node = model.bundles.source[bundle]
        if node == model.source(block) and orbit[node] in moments:
            moments[orbit[node]].append(model.cp.new_fixed_size_interval_var(depart, 1, ""))
    for intervals in moments.values():
        add_capacity(model.cp, intervals, network.inject_per_cycle)


def _injections(
    model: RouteVariables,
) -> Iterator[tuple[int, cp_model.LinearExprT, cp_model.LiteralT]]:
    """Yield node, step and presence of each departure from where a block begins."""
    for (block, node), bundles in model.out_of.items():
        if node != model.source(block):
            continue
        if model.target(block) == EVERY:
            # Copies of one block that leave together are several vectors.
            yield from ((node, model.depart(block, bundle), model.present[block, bundle]) for bundle in bundles)
            continue
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for bundle in bundles:
            end = model.bundles.destination[bundle]
            alike[model.places[block, end], model.distance(block, end) - model.bundles.hop[bundle]].append(bundle)
        for group in alike.values():
            yield node, model.depart(block, group[0]), True if len(alike) == 1 else model.any_of(block, group)


def r7_ejections(model: RouteVariables, kept: Slots) -> None:
    """R7: no more vectors end at a node in a cycle than it may eject."""
    network, orbit = model.problem.instance.network, model.problem.wires.node_orbit.tolist()
    if not network.eject_per_cycle:
        return
    moments: Intervals = defaultdict(list)
    for block, node in model.into:
        if model.is_reader(block, node):
            moments[orbit[node]].append(model.cp.new_fixed_size_interval_var(model.reads[block, node], 1, ""))
    for block, bundle, depart in kept.rows():
        node = model.bundles.destination[bundle]
        if model.is_reader(block, node) and orbit[node] in moments:
            read = depart + model.bundles.hop[bundle]
            moments[orbit[node]].append(model.cp.new_fixed_size_interval_var(read, 1, ""))
    for intervals in moments.values():
        add_capacity(model.cp, intervals, network.eject_per_cycle)


def r10_deadline(model: RouteVariables) -> None:
    """R10: the last vector of a block is read in time, also where it comes over a slow wire."""
    for read, tail, present in _last_reads(model):
        model.cp.add(read + tail <= model.latest).only_enforce_if(present)


def minimize_lateness(model: RouteVariables, due_cycles: int) -> None:
    """Let the last reads pass a cycle by as little as can be, all taken together."""
    due = due_cycles // model.step
    late = []
    for read, tail, present in _last_reads(model):
        late.append(model.cp.new_int_var(0, max(0, model.latest - due), ""))
        model.cp.add(late[-1] >= read + tail - due).only_enforce_if(present)
    model.cp.minimize(sum(late))


def _last_reads(model: RouteVariables) -> Iterator[tuple[cp_model.LinearExprT, int, list[cp_model.IntVar]]]:
    """Yield each read in the end: its first step, how long it takes, and what must be crossed for that."""
    for (block, node), bundles in model.into.items():
        if model.is_reader(block, node):
            tails: dict[int, list[int]] = defaultdict(list)
            for bundle in bundles:
                tails[model.tail(block, bundle)].append(bundle)
            for tail, alike in tails.items():
                present = [] if len(tails) == 1 else [model.any_of(block, alike)]
                yield model.reads[block, node], tail, present


def order_alike(model: RouteVariables, alike: Iterable[list[int]]) -> None:
    """Let blocks that may change places be read at their first reader one after the other."""
    for blocks in alike:
        node = min(node for block, node in model.into if block == blocks[0] and model.is_reader(block, node))
        for one, other in pairwise(blocks):
            model.cp.add(model.reads[one, node] <= model.reads[other, node])

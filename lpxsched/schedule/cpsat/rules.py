"""Constraints of the CP-SAT model, one function a rule; ``schedule.problem.instance`` explains the rules.

R5, which makes variables of its own, is `sums.add_sums`.

What trips need of links, vector units and ports is numbered as in the tasks of a plan, and what is kept are such tasks.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.cpsat.sums import add_sums
from lpxsched.schedule.cpsat.times import Resources
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ortools.sat.python import cp_model

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.cpsat.variables import Variables
    from lpxsched.schedule.times.placement import Tasks


def add_rules(model: Variables, tasks: Tasks, start: Integers, stays: Flags) -> None:
    """Add all rules to a model, given the tasks of a plan, and which stay where they start: no operators."""
    add_sums(model)
    resources, first = Resources(model.cp, tasks), len(tasks) - len(model.starts)
    r1_links(model, resources)
    r7_ports(model, resources)
    resources.add_tasks(enumerate(model.starts, first))
    contested = np.isin(tasks.resource, list(resources.used))
    contested |= np.isin(resources.port(0) + tasks.port, list(resources.used)).any(axis=1)
    rows = np.flatnonzero(stays & contested)
    resources.add_tasks(((int(row), int(start[row]) // model.step) for row in rows), model.step)
    resources.close()
    r2_departures(model)
    r3_delivery(model)
    r3_operands(model)
    r10_deadline(model)


def r1_links(model: Variables, resources: Resources) -> None:
    """R1 and R4: slots never need more lanes than there are, sums and operators never one unit at a time."""
    wires = model.trips.problem.wires
    alike: dict[tuple[int, int, int, int, int], list[int]] = defaultdict(list)
    for trip, bundle in model.present:
        node, row = model.head(trip, bundle), model.row(trip)
        start = 0 if row.is_sum else model.distance(trip, node) - model.hop[bundle]
        hold = model.hold(bundle, row.vectors)
        alike[trip, model.place(node), start, hold, model.resource[bundle]].append(bundle)
    for (trip, _, _, hold, resource), group in alike.items():
        # Bundles that a trip would cross at one time are one interval.
        resources.add(resource, model.depart(trip, group[0]), hold, model.any_of(trip, group))
    for (_, node), total in model.sums.items():
        if not isinstance(total.cycles, int) or total.cycles:
            interval = model.cp.new_optional_interval_var(total.start, total.cycles, total.end, total.adds, "")
            resources.used[len(wires.lanes) + int(wires.node_orbit[node])].append(interval)


def r2_departures(model: Variables) -> None:
    """R2: what leaves a node begins there, or was read there a turnaround before; of sums see `variables`."""
    for (trip, bundle), present in model.present.items():
        if model.row(trip).is_sum:
            continue
        node, depart = model.root_side(trip, bundle), model.depart(trip, bundle)
        if node == model.row(trip).base:
            _begins(model, trip, bundle)
            continue
        ready = model.times[trip, node] + model.turnaround
        if model.waits:
            model.cp.add(depart >= ready).only_enforce_if(present)
        for arrived in model.into.get((trip, node), ()):
            lead = model.lead(trip, arrived, bundle)
            if lead:
                model.cp.add(depart >= ready + lead).only_enforce_if(present, model.present[trip, arrived])


def _begins(model: Variables, trip: int, bundle: int) -> None:
    """Let a copy leave its base when it has been made there, or summed there and, where it came, a turnaround later."""
    row, depart, present = model.row(trip), model.depart(trip, bundle), model.present[trip, bundle]
    if model.distance(trip, model.head(trip, bundle)) < model.hop[bundle]:
        model.cp.add(depart >= model.trips.release).only_enforce_if(present)
    for task in row.makers.values():
        model.cp.add(depart >= model.end(task)).only_enforce_if(present)
    if row.partner == NONE:
        return
    total = model.sums[row.partner, row.base]
    model.cp.add(depart >= total.end).only_enforce_if(present)
    if model.turnaround:
        for arrived in model.out_of[row.partner, row.base]:
            ready = model.last_read(row.partner, arrived) + total.cycles + model.turnaround
            model.cp.add(depart >= ready).only_enforce_if(present, model.present[row.partner, arrived])


def r3_delivery(model: Variables) -> None:
    """R3 and R5: a copy comes once to each reader, a summand leaves each leaf once; others pass on what they get."""
    for (trip, node), bundles in model.into.items():
        arriving = [model.present[trip, bundle] for bundle in bundles]
        if node in model.row(trip).ends:
            model.cp.add_exactly_one(arriving)
            continue
        # A relay gets nothing that it does not pass on; to one reader it passes it on once.
        leaving = [model.present[trip, bundle] for bundle in model.out_of.get((trip, node), ())]
        away = model.cp.new_bool_var("")
        model.cp.add_exactly_one([*arriving, away])
        if model.row(trip).target != EVERY:
            model.cp.add_exactly_one([*leaving, away])
            continue
        model.cp.add_bool_or([*leaving, away])
    for (trip, node), bundles in model.out_of.items():
        leaving = [model.present[trip, bundle] for bundle in bundles]
        if node == model.row(trip).base:
            if model.row(trip).target != EVERY:
                model.cp.add_exactly_one(leaving)
        elif node not in model.row(trip).ends:
            arriving = [model.present[trip, bundle] for bundle in model.into.get((trip, node), ())]
            for literal in leaving:
                model.cp.add_bool_or(arriving).only_enforce_if(literal)


def r3_operands(model: Variables) -> None:
    """R3: an operator starts after all that it reads, and after the operators before it."""
    for after, before in model.trips.waits:
        model.cp.add(model.starts[after] >= model.end(before))
    for task, trip, node in model.trips.reads:
        if model.row(trip).is_sum:
            if (trip, node) in model.sums:
                model.cp.add(model.starts[task] >= model.sums[trip, node].end)
            continue
        for bundle in model.into.get((trip, node), ()):
            present = model.present[trip, bundle]
            model.cp.add(model.starts[task] >= model.last_read(trip, bundle)).only_enforce_if(present)


def r7_ports(model: Variables, resources: Resources) -> None:
    """R7: no more vectors begin, and no more end, at a node in a cycle than it may inject and eject."""
    wires = model.trips.problem.wires
    orbit, orbits = wires.node_orbit.tolist(), int(wires.node_orbit.max(initial=0)) + 1
    for first, moments in (
        (0, _injections(model) if wires.inject else ()),
        (orbits, _ejections(model) if wires.eject else ()),
    ):
        for node, start, present in moments:
            resources.add(resources.port(first + orbit[node]), start, 1, present)


def _injections(model: Variables) -> Iterator[tuple[int, cp_model.LinearExprT, cp_model.LiteralT]]:
    """Yield node, step and presence of each departure of what begins where it leaves."""
    for (trip, node), bundles in model.out_of.items():
        if model.row(trip).is_sum or node != model.row(trip).base:
            continue
        if model.row(trip).target == EVERY:
            # Copies of one block that leave together are several vectors.
            yield from ((node, model.depart(trip, bundle), model.present[trip, bundle]) for bundle in bundles)
            continue
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for bundle in bundles:
            end = model.head(trip, bundle)
            alike[model.place(end), model.distance(trip, end) - model.hop[bundle]].append(bundle)
        for group in alike.values():
            yield node, model.depart(trip, group[0]), True if len(alike) == 1 else model.any_of(trip, group)
    for (trip, node), bundles in model.into.items():
        if model.row(trip).is_sum:
            # A node that passes one summand on begins nothing.
            adds = model.sums[trip, node].adds if (trip, node) in model.sums else False
            yield node, model.depart(trip, bundles[0]), True if node in model.row(trip).ends else adds


def _ejections(model: Variables) -> Iterator[tuple[int, cp_model.LinearExprT, cp_model.LiteralT]]:
    """Yield node, step and presence of each first read of what ends where it is read."""
    for (trip, node), time in model.times.items():
        if not model.row(trip).is_sum and node in model.row(trip).ends:
            yield node, time, True
    for (trip, node), total in model.sums.items():
        for bundle in model.out_of[trip, node]:
            both = model.cp.new_bool_var("")
            model.cp.add_min_equality(both, [model.present[trip, bundle], total.adds])
            yield node, model.depart(trip, bundle) + model.hop[bundle], both


def r10_deadline(model: Variables) -> None:
    """R10: the last vector of a block is read in time, also where it comes over a slow wire."""
    for read, tail, present in _last_reads(model):
        model.cp.add(read + tail <= model.latest).only_enforce_if(present)


def minimize_lateness(model: Variables, due_cycles: int) -> None:
    """Let the last reads of a collective pass a cycle by as little as can be, all taken together."""
    due = due_cycles // model.step
    late = []
    for read, tail, present in _last_reads(model):
        late.append(model.cp.new_int_var(0, max(0, model.latest - due), ""))
        model.cp.add(late[-1] >= read + tail - due).only_enforce_if(present)
    model.cp.minimize(sum(late))


def minimize_makespan(model: Variables, least_cycles: int) -> None:
    """Let the last operator start as early as can be."""
    makespan = model.cp.new_int_var(least_cycles, model.latest, "")
    model.cp.add_max_equality(makespan, model.starts)
    model.cp.add_hint(makespan, model.latest)
    model.cp.minimize(makespan)


def _last_reads(model: Variables) -> Iterator[tuple[cp_model.LinearExprT, int, list[cp_model.IntVar]]]:
    """Yield each read in the end: its first step, how long it takes, and what must be crossed for that."""
    if model.starts:
        return
    for (trip, node), bundles in model.into.items():
        if node in model.row(trip).ends and not model.row(trip).is_sum:
            tails: dict[int, list[int]] = defaultdict(list)
            for bundle in bundles:
                tails[model.tail(trip, bundle) + model.row(trip).after // model.step].append(bundle)
            for tail, alike in tails.items():
                present = [] if len(tails) == 1 else [model.any_of(trip, alike)]
                yield model.times[trip, node], tail, present
    for (trip, node), total in model.sums.items():
        if node == model.row(trip).base and model.row(trip).partner == NONE:
            yield total.end, 0, []


def order_alike(model: Variables, alike: Iterable[list[int]]) -> None:
    """Let trips that may change places come to, or leave, their first end one after the other."""
    for trips in alike:
        node = min(node for trip, node in model.into if trip == trips[0] and node in model.row(trip).ends)
        for one, other in pairwise(trips):
            model.cp.add(model.times[one, node] <= model.times[other, node])

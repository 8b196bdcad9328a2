"""Sums of the CP-SAT model: a node that has several summands of a trip adds them before it sends the total on.

**A sum pays like a relay.** Its result leaves no earlier than its end, and no earlier than a turnaround and its
duration after the last vector of each summand that arrived was read. What a node passes on alone is relayed as copies
are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.schedule.cpsat.variables import Sum, Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def add_sums(model: Variables) -> None:
    """R5: make a sum wherever summands may meet, and let summands leave after what they are made of (R2)."""
    for trip, node in list(model.into):
        row = model.row(trip)
        if row.is_sum and node in row.makers:
            model.cp.add(model.times[trip, node] >= model.end(row.makers[node]))
    for (trip, node), bundles in list(model.out_of.items()):
        row = model.row(trip)
        if not row.is_sum:
            continue
        if len(bundles) + (node in row.ends) > 1 or node == row.base:
            model.sums[trip, node] = _sum(model, trip, node, bundles)
        if node != row.base:
            _leaves(model, trip, node, bundles)


def _sum(model: Variables, trip: int, node: int, bundles: list[int]) -> Sum:
    """Return a sum of all that arrives and the node's own summand; how long it takes follows from their number.

    At the base it is done when all has arrived there, also where that is one sum made elsewhere.
    """
    cp, row, cost = model.cp, model.row(trip), model.trips.problem.add_cost
    own, is_base = int(node in row.ends), node == row.base
    operands = sum(model.present[trip, bundle] for bundle in bundles) + own
    adds: cp_model.IntVar | bool = True
    if not is_base or not own:
        adds = cp.new_bool_var("")
        cp.add(operands >= 2).only_enforce_if(adds)
        cp.add(operands <= 1).only_enforce_if(~adds)
    if is_base and model.trips.problem.instance.stages:
        cp.add(operands >= 2)
    durations = [cost.cycles(count, row.vectors) if count > 1 else 0 for count in range(len(bundles) + own + 1)]
    possible = durations[1 if is_base and not own else 2 :]
    start = model.new_time()
    cycles: cp_model.IntVar | int = possible[0]
    end: cp_model.LinearExpr = start + possible[0]
    if len(set(possible)) > 1:
        cycles, end = cp.new_int_var(min(possible), max(possible), ""), model.new_time()
        cp.add_element(operands, [possible[0]] * (len(durations) - len(possible)) + possible, cycles)
        cp.add(end == start + cycles).only_enforce_if(True if is_base else adds)
    for bundle in bundles:
        enforced = [model.present[trip, bundle], True if is_base else adds]
        cp.add(start >= model.last_read(trip, bundle)).only_enforce_if(enforced)
    if node in row.makers:
        cp.add(start >= model.end(row.makers[node])).only_enforce_if(adds)
    return Sum(adds, start, cycles, end)


def _leaves(model: Variables, trip: int, node: int, bundles: list[int]) -> None:
    """Let what leaves a node follow what came there."""
    cp, total, leaves = model.cp, model.sums.get((trip, node)), model.times[trip, node]
    if total is not None:
        cp.add(leaves >= total.end).only_enforce_if(total.adds)
    for bundle in bundles:
        present = model.present[trip, bundle]
        if total is not None and (model.turnaround or node not in model.row(trip).ends):
            ready = model.last_read(trip, bundle) + total.cycles + model.turnaround
            cp.add(leaves >= ready).only_enforce_if(present, total.adds)
        if node not in model.row(trip).ends:
            alone = [] if total is None else [~total.adds]
            read = model.depart(trip, bundle) + (model.hop[bundle] + model.turnaround)
            for leaving in model.into[trip, node]:
                lead = model.lead(trip, bundle, leaving)
                enforced = [present, model.present[trip, leaving], *alone]
                cp.add(leaves >= read + lead).only_enforce_if(enforced)

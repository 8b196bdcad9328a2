"""Large-neighbourhood search: the full model is solved again and again with most of it held fast.

What lies outside a neighbourhood keeps its ways and times; inside, ways, times and sums are chosen anew. Many chips end
at the same cycle, so a neighbourhood of a few can rarely shorten the makespan: the sum of all operators' starts is made
small instead, which falls chip by chip, and the makespan never grows. The model is built once; each neighbourhood is a
copy with smaller domains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat.layers import full_model, one_worker, solve_interruptibly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.cpsat.layer_variables import Variables
    from lpxsched.schedule.cpsat.layers import Effort
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Schedule

# A window takes one of so many parts of the makespan; windows overlap by half.
WINDOWS = 4
# Chips whose demands are chosen anew together.
CHIPS_TOGETHER = 2


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What may be chosen anew, operators apart, which always may: what leaves or starts in [begin, end).

    Attributes
    ----------
    begin, end : int
        Cycles.
    demands : frozenset of int or None
        Only of these demands; None is of all.
    """

    begin: int
    end: int
    demands: frozenset[int] | None = None

    def frees(self, cycle: int, demand: int) -> bool:
        """Return whether what happens at a cycle for a demand may be chosen anew."""
        return self.begin <= cycle < self.end and (self.demands is None or demand in self.demands)


def improve_in_parts(
    instance: Instance,
    hint: Schedule,
    bound: LowerBound,
    effort: Effort,
    *,
    rounds: int,
) -> Schedule:
    """Return the best schedule found with the blocks of a hint; the hint itself when nothing is shorter.

    Parameters
    ----------
    instance : Instance
    hint : Schedule
    bound : LowerBound
        Search ends when it is met.
    effort : Effort
        Of each neighbourhood; its seed chooses their order.
    rounds : int
        Neighbourhoods that are searched.
    """
    model, makespan = full_model(instance, hint, bound)
    all_starts = cp_model.LinearExpr.sum(model.starts)
    model.cp.minimize(all_starts)
    best = hint
    for _, neighbourhood in zip(range(rounds), neighbourhoods(model, effort.seed), strict=False):
        if best.makespan_cycles == bound.cycles:
            break
        part = _part(model, best, neighbourhood)
        _hold(part, makespan, bound.cycles, best.makespan_cycles)
        part.add(all_starts < int(best.operator_start.sum()))
        solver = one_worker(*effort)
        if solve_interruptibly(solver, part) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            best = model.schedule(solver)
    return best if best.makespan_cycles < hint.makespan_cycles else hint


def neighbourhoods(model: Variables, seed: int) -> Iterator[Neighbourhood]:
    """Yield windows of time and demands of a few chips, without end, in rounds of all, each in another order."""
    random = np.random.default_rng(seed)
    last = model.hint.makespan_cycles + 1
    length = max(1, last // WINDOWS)
    every = [Neighbourhood(begin, begin + length) for begin in range(0, last, max(1, length // 2))]
    demands = range(model.instance.demands)
    chip = {demand: int(model.instance.demand_root[demand]) % model.instance.network.chips for demand in demands}
    chips = sorted(set(chip.values()))
    for first in range(0, len(chips), CHIPS_TOGETHER):
        together = chips[first : first + CHIPS_TOGETHER]
        every.append(Neighbourhood(0, last, frozenset(demand for demand in demands if chip[demand] in together)))
    while True:
        for index in random.permutation(len(every)).tolist():
            yield every[index]


def _part(model: Variables, best: Schedule, free: Neighbourhood) -> cp_model.CpModel:
    """Return a copy of a model in which a schedule is held fast outside a neighbourhood."""
    part: cp_model.CpModel = model.cp.clone()
    part.proto.solution_hint.vars.clear()
    part.proto.solution_hint.values.clear()
    model.add_hints(part, best)
    departures = model.departures(best)
    held = {
        (block, phase)
        for (block, phase, _), depart in departures.items()
        if not free.frees(depart, model.demand_of(block))
    }
    for key, slot in model.slots.items():
        depart = departures.get(key)
        if depart is None and key[:2] in held:
            _hold(part, slot.present, 0, 0)
        elif depart is not None and not free.frees(depart, model.demand_of(slot.block)):
            _hold(part, slot.present, 1, 1)
            _hold(part, slot.depart, depart, depart)
    for (block, node), (start, end) in model.sums_made(best).items():
        if not free.frees(start, model.demand_of(block)):
            total = model.sums[block, node]
            _hold(part, total.present, 1, 1)
            _hold(part, total.start, start, start)
            _hold(part, total.end, end, end)
    return part


def _hold(part: cp_model.CpModel, variable: cp_model.IntVar, least: int, most: int) -> None:
    domain = part.proto.variables[variable.index].domain
    domain.clear()
    domain.extend([least, most])

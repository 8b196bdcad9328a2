"""The searches for a collective, group after group of translations, each within a budget."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.parts import narrowed
from lpxsched.schedule.plan import deliveries
from lpxsched.schedule.policy import (
    GOOD_ENOUGH,
    MOST_GROUPS,
    PACKING_SECONDS,
    PATIENCE,
    ROUNDS,
    SLOTS,
    SLOTS_PER_CANDIDATE,
)
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.routes.choices import packs_trees
from lpxsched.schedule.search import Budget, exchange, search
from lpxsched.schedule.symmetry.groups import Symmetry, symmetries, trivial
from lpxsched.schedule.symmetry.quotient import Quotient, flow_of, gathered_flow, middle_flow, quotient
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found, LowerBound


def searches(problem: Instance, options: SolveOptions, bound: LowerBound) -> Iterator[Found[Quotient]]:
    """Yield what each search finds for a collective until one meets the bound; the largest group comes first.

    Parameters
    ----------
    problem : Instance
        Of one stage.
    options : SolveOptions
    bound : LowerBound
        Nothing is looked for below it.
    """
    more = options.effort - 1
    packing_seconds = options.seconds(PACKING_SECONDS) if options.cyclic and may_model(options) else 0.0
    budget = Budget(
        SLOTS << more,
        ROUNDS << more,
        bound.cycles,
        PATIENCE << more,
        options.cyclic,
        packing_seconds=packing_seconds,
    )
    good_enough = bound.cycles * (1 + Fraction(1, GOOD_ENOUGH << more))
    best: Found[Quotient] | None = None
    for number, symmetry in enumerate(_groups(problem, options)):
        if best is not None and best.objective_cycles <= good_enough:
            break
        for attempt in _attempts(problem, symmetry, options, exchanges=number == 0):
            known = best.placement.makespan_cycles if best is not None else NEVER
            found = attempt(replace(budget, known_cycles=known))
            if found is None:
                continue
            yield found
            best = found if best is None else min(best, found, key=lambda one: one.quality)
            if best.objective_cycles <= bound.cycles:
                return
        if best is not None and number == 0 and _is_large(problem, budget):
            break


def may_model(options: SolveOptions) -> bool:
    """Return whether CP-SAT is run."""
    return options.effort > 1 and options.solver != "greedy"


def _groups(problem: Instance, options: SolveOptions) -> Iterator[Symmetry]:
    """Yield the groups to search with, the trivial one last."""
    if options.solver in ("auto", "symmetric"):
        yield from islice(symmetries(problem), MOST_GROUPS)
    if options.solver != "symmetric":
        yield trivial(problem.network)


def _is_large(problem: Instance, budget: Budget) -> bool:
    """Return whether one candidate without symmetry takes all of a budget."""
    flow = flow_of(problem.stage, padded=False)
    readers = problem.network.width if flow.is_for_everyone else 2
    return len(flow.source) * readers * SLOTS_PER_CANDIDATE > budget.slots


def _searched(problem: Quotient, seed: int, packs: bool, budget: Budget) -> Found[Quotient] | None:
    return search(problem, problem.reversed(), seed=seed, budget=budget, packs=packs)


def _attempts(
    problem: Instance, symmetry: Symmetry, options: SolveOptions, *, exchanges: bool
) -> Iterator[Callable[[Budget], Found[Quotient] | None]]:
    """Yield the searches with one group."""
    collective, seed = problem.stage, options.seed
    if collective.kind == "all-reduce" and collective.width > 1:
        if exchanges:
            yield lambda budget: exchange(problem, symmetry, budget=budget)
        gathering = quotient(problem, gathered_flow(collective), symmetry)
        yield lambda budget: search(gathering, gathering, seed=seed, budget=budget, gathered=True)
    flow = flow_of(collective, padded=symmetry.order > 1)
    forward = quotient(problem, flow, symmetry)
    # From one chip, trees that share no link are most of it; where all send, all links are loaded anyhow.
    ways = [False, True] if packs_trees(forward) else [False]
    for packs in ways[::-1] if len(forward.representatives) == 1 else ways:
        yield partial(_searched, forward, seed, packs)
    if collective.kind == "all-reduce" and symmetry.order == 1:
        middle = quotient(problem, middle_flow(forward), symmetry)
        yield lambda budget: _summed_there(search(middle, middle.reversed(), seed=seed, budget=budget))
    if collective.kind == "reduce" and not options.cyclic and _all_meet(problem):
        everywhere = stage_instance(problem.network, replace(collective, kind="all-reduce", root=0), problem.add_cost)
        for attempt in _attempts(everywhere, symmetry, options, exchanges=True):
            yield partial(_narrowed, forward, attempt)


def _summed_there(found: Found[Quotient] | None) -> Found[Quotient] | None:
    """Return a plan over one node unless a sum is complete before it, where one way leads to a relay: no copy knows."""
    if found is None:
        return None
    plan, width = found.plan, found.problem.instance.stage.width
    read = deliveries(found.problem.wires, plan)
    return found if len(np.unique(read.reader + width * read.block)) == width * len(plan.blocks.piece) else None


def _all_meet(problem: Instance) -> bool:
    """Return whether each chip that takes part reaches every other, as an all-reduce asks for."""
    width = problem.network.width
    return bool((all_ways(problem.network)[:width, :width] < FAR).all())


def _narrowed(
    reduce: Quotient, attempt: Callable[[Budget], Found[Quotient] | None], budget: Budget
) -> Found[Quotient] | None:
    found = attempt(budget)
    return narrowed(reduce, found, enough=budget.enough_cycles) if found else None

"""The searches for a collective, group after group of translations, each within a budget."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule import policy
from lpxsched.schedule.plan import deliveries
from lpxsched.schedule.routes.choices import packs_trees
from lpxsched.schedule.search import Budget, exchange, search
from lpxsched.schedule.symmetry.groups import Symmetry, symmetries, trivial
from lpxsched.schedule.symmetry.quotient import Quotient, flow_of, gathered_flow, middle_flow, quotient
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Found, LowerBound
    from lpxsched.traffic.collectives import Collective


def good_enough(options: SolveOptions, bound: LowerBound) -> Fraction:
    """Return up to how many cycles nothing else is tried."""
    return bound.cycles * (1 + Fraction(1, policy.GOOD_ENOUGH << (options.effort - 1)))


def most_slots(options: SolveOptions) -> int:
    """Return how many slots a search may place."""
    return policy.SLOTS << (options.effort - 1)


def searches(
    problem: Instance, options: SolveOptions, bound: LowerBound, *, known_cycles: int = NEVER
) -> Iterator[Found[Quotient]]:
    """Yield what each search finds of one stage, group after group of translations, until one meets the bound.

    What is much longer than the known cycles is given up early.
    """
    more, patient_cycles = options.effort - 1, int(good_enough(options, bound)) - bound.cycles
    packing_seconds = options.seconds(policy.PACKING_SECONDS) if options.cyclic and options.asks_cpsat else 0.0
    budget = Budget(
        most_slots(options),
        policy.ROUNDS << more,
        bound.cycles,
        policy.PATIENCE << more,
        max(1, patient_cycles),
        options.cyclic,
        packing_seconds=packing_seconds,
    )
    best: Found[Quotient] | None = None
    for number, symmetry in enumerate(_groups(problem, options)):
        if best is not None and best.objective_cycles <= good_enough(options, bound):
            break
        for attempt in _attempts(problem, symmetry, options, bound.cycles, is_first=number == 0):
            known = min(known_cycles, best.placement.makespan_cycles) if best is not None else known_cycles
            found = attempt(budget=replace(budget, known_cycles=known))
            if found is None:
                continue
            yield found
            best = found if best is None else min(best, found, key=lambda one: one.quality)
            if best.objective_cycles <= bound.cycles:
                return
        if best is not None and number == 0 and is_large(problem.stage, problem.network, budget.slots):
            break


def _groups(problem: Instance, options: SolveOptions) -> Iterator[Symmetry]:
    """Yield the groups to search with, the trivial one last."""
    if options.solver in ("auto", "symmetric"):
        yield from islice(symmetries(problem), policy.MOST_GROUPS)
    if options.solver != "symmetric":
        yield trivial(problem.network)


def is_large(stage: Collective, network: Network, slots: int) -> bool:
    """Return whether one candidate without symmetry takes all of so many slots."""
    flow = flow_of(stage, padded=False)
    readers = network.width if flow.is_for_everyone else 2
    return len(flow.source) * readers * policy.SLOTS_PER_CANDIDATE > slots


def _attempts(
    problem: Instance, symmetry: Symmetry, options: SolveOptions, bound_cycles: int, *, is_first: bool
) -> Iterator[Callable[..., Found[Quotient] | None]]:
    """Yield the searches with one group, a `budget` each; to gather summands is last where loads forbid the bound."""
    collective, seed = problem.stage, options.seed
    sums_everywhere = collective.kind == "all-reduce" and collective.width > 1
    if sums_everywhere and is_first:
        yield partial(exchange, problem, symmetry)
    load_cycles = _gathered_cycles(problem) if sums_everywhere else NEVER
    if load_cycles <= bound_cycles:
        yield partial(_gathered, problem, symmetry, seed)
    flow = flow_of(collective, padded=symmetry.order > 1)
    forward = quotient(problem, flow, symmetry)
    # From one chip, trees that share no link are most of it; where all send, all links are loaded anyhow, and evenly
    # where translations leave the fabric as it is.
    beyond = problem.network.nodes > policy.MOST_EXACT_NODES
    packs_any = is_first and packs_trees(forward) and (beyond or next(symmetries(problem), None) is None)
    ways = [False, True] if packs_any else [False]
    for packs in ways[::-1] if len(forward.representatives) == 1 else ways:
        yield partial(search, forward, forward.reversed(), seed=seed, packs=packs)
    if sums_everywhere and symmetry.order == 1:
        middle = quotient(problem, middle_flow(forward), symmetry)
        yield partial(_at_middle, middle, seed)
    if bound_cycles < load_cycles < NEVER:
        yield lambda budget: _gathered(problem, symmetry, seed, budget) if load_cycles < budget.known_cycles else None


def _gathered(problem: Instance, symmetry: Symmetry, seed: int, budget: Budget) -> Found[Quotient] | None:
    gathering = quotient(problem, gathered_flow(problem.stage), symmetry)
    return search(gathering, gathering, seed=seed, budget=budget, gathered=True)


def _gathered_cycles(problem: Instance) -> int:
    """Return what it takes at least to bring all summands to some chip over its lanes, the first at cycle 0."""
    network, stage = problem.network, problem.stage
    rate = network.lanes * network.pitch_denominator / network.pitch_numerator
    lanes, rates = (
        np.bincount(network.destination, each, network.nodes)[: network.width] for each in (network.lanes, rate)
    )
    return int(((stage.vectors * (network.width - 1) - lanes) / rates).max())


def _at_middle(middle: Quotient, seed: int, budget: Budget) -> Found[Quotient] | None:
    """Return a plan over one node unless a sum is complete before it, where one way leads to a relay: no copy knows."""
    less_patient = replace(budget, patience=budget.patience // policy.PATIENCE_PARTS)
    found = search(middle, middle.reversed(), seed=seed, budget=less_patient)
    if found is None:
        return None
    plan, width = found.plan, found.problem.instance.stage.width
    read = deliveries(found.problem.wires, plan)
    return found if len(np.unique(read.reader + width * read.block)) == width * len(plan.blocks.piece) else None

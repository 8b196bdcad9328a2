"""The searches for a collective, group after group of translations, each within a budget; what stronger ones win.

Collectives of the same chips are bounded, searched and solved once each.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule import policy
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.plan import deliveries
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.routes.choices import packs_trees
from lpxsched.schedule.search import Budget, exchange, search
from lpxsched.schedule.stronger.kept import kept
from lpxsched.schedule.symmetry.groups import Symmetry, symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.quotient import Quotient, flow_of, gathered_flow, middle_flow, quotient
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER, ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Found, LowerBound, Result


def good_enough(options: SolveOptions, bound: LowerBound) -> Fraction:
    """Return up to how many cycles nothing else is tried."""
    return bound.cycles * (1 + Fraction(1, policy.GOOD_ENOUGH << (options.effort - 1)))


def searches(
    problem: Instance, options: SolveOptions, bound: LowerBound, *, known_cycles: int = NEVER
) -> Iterator[Found[Quotient]]:
    """Yield what each search finds of one stage, group after group of translations, until one meets the bound.

    What is much longer than the known cycles is given up early.
    """
    slots, rounds, patience = (most << (options.effort - 1) for most in (policy.SLOTS, policy.ROUNDS, policy.PATIENCE))
    patient_cycles = max(1, int(good_enough(options, bound)) - bound.cycles)
    budget = Budget(slots, rounds, bound.cycles, patience, patient_cycles, options.cyclic)
    if options.cyclic and options.asks_cpsat:
        budget = replace(budget, packing_seconds=options.seconds(policy.PACKING_SECONDS))
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
        if best is not None and number == 0 and _is_large(problem.stage, problem.network, budget.slots):
            break


def _groups(problem: Instance, options: SolveOptions) -> Iterator[Symmetry]:
    """Yield the groups to search with, the trivial one last."""
    if options.solver in ("auto", "symmetric"):
        yield from islice(symmetries(problem), policy.MOST_GROUPS)
    if options.solver != "symmetric":
        yield trivial(problem.network)


def _is_large(stage: Collective, network: Network, slots: int) -> bool:
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


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """Collectives of the same chips, one of them the problem: their bounds, what searches found, the best so far."""

    problem: Instance
    options: SolveOptions
    bounds: dict[Collective, LowerBound] = field(default_factory=dict)
    found: dict[Collective, Found[Quotient] | None] = field(default_factory=dict)
    solved: dict[Collective, Result] = field(default_factory=dict)

    def instance(self, stage: Collective) -> Instance:
        """Return the problem of a collective."""
        own = stage == self.problem.stage
        return self.problem if own else stage_instance(self.problem.network, stage, self.problem.add_cost)

    def bound(self, stage: Collective) -> LowerBound:
        """Return the bound of a collective, of the period of what repeats."""
        if stage not in self.bounds:
            self.bounds[stage] = collective_bound(self.instance(stage), repeats=self.options.cyclic)
        return self.bounds[stage]

    def least_together(self, cycles: Sequence[int]) -> int:
        """Return what stages take at least as one: in turn, or at the same time if they repeat."""
        return max(cycles) if self.options.cyclic else sum(cycles)

    def stronger_than(self, stage: Collective) -> list[tuple[Collective, ...]]:
        """Return the stronger collectives that a collective may keep a part of."""
        network, width = self.problem.network, self.problem.network.width
        # As an all-reduce asks for, each chip that takes part must reach every other.
        if self.options.solver == "symmetric" or (all_ways(network)[:width, :width] >= FAR).any():
            return []
        return stronger(stage)

    def worth_parts(self, stages: Sequence[Collective], cycles: int, *, anyway: bool = False) -> list[Found[Quotient]]:
        """Return what searches find of stages that may take less than some cycles, or do not; else nothing."""
        if not anyway and self.least_together([self.bound(stage).cycles for stage in stages]) >= cycles:
            return []
        parts: list[Found[Quotient]] = []
        for stage in stages:
            if stage not in self.found:
                known = NEVER if self.options.cyclic else cycles
                every = searches(self.instance(stage), self.options, self.bound(stage), known_cycles=known)
                self.found[stage] = min(every, key=lambda one: one.quality, default=None)
            part = self.found[stage]
            if part is None:
                return []
            parts.append(part)
        together = self.least_together([part.objective_cycles for part in parts])
        return parts if anyway or together <= cycles + cycles // policy.MAY_END_BEFORE else []

    def is_worth_anything(self, stages: Sequence[Collective], best: Found[Quotient], bound: LowerBound) -> bool:
        """Return whether a part of stages is worth a search although they end later: far from the bound, if small."""
        is_near = best.objective_cycles <= good_enough(self.options, bound)
        slots = (policy.SLOTS << (self.options.effort - 1)) // policy.SLOTS_PER_PART
        is_small = not any(_is_large(stage, self.problem.network, slots) for stage in stages)
        return not self.options.cyclic and not is_near and is_small


def searches_with_stronger(stage: Collective, others: Others) -> Iterator[Found[Quotient]]:
    """Yield what searches find for a collective until one meets the bound, then what it keeps of stronger ones."""
    problem, bound, known = others.instance(stage), others.bound(stage), others.found.get(stage)
    every = searches(problem, others.options, bound) if known is None else iter([known])
    best: Found[Quotient] | None = None
    for found in every:
        yield found
        best = found if best is None else min(best, found, key=lambda one: one.quality)
    others.found[stage] = best
    if best is None:
        return
    for stages in others.stronger_than(stage):
        if best.objective_cycles <= bound.cycles:
            return
        anyway = others.is_worth_anything(stages, best, bound)
        if parts := others.worth_parts(stages, best.objective_cycles, anyway=anyway):
            in_turn = list(zip(stages, map(lifted_collective, parts), strict=True))
            found = kept(problem, in_turn, enough=bound.cycles, cyclic=others.options.cyclic)
            yield found
            best = min(best, found, key=lambda one: one.quality)


def stronger(weaker: Collective) -> list[tuple[Collective, ...]]:
    """Return collectives, one or two in turn, that leave all that a weaker one asks for."""
    width, vectors = weaker.width, weaker.vectors
    all_reduce = Collective("all-reduce", width, vectors * width if weaker.kind == "reduce-scatter" else vectors)
    share = ceil_div(vectors, width)
    first, last = Collective("reduce-scatter", width, share), Collective("all-gather", width, share)
    of_kind: dict[str, list[tuple[Collective, ...]]] = {
        "all-reduce": [(first, last)],
        "reduce": [(all_reduce,), (first, replace(weaker, kind="gather", vectors=share))],
        "broadcast": [(all_reduce,), (replace(weaker, kind="scatter", vectors=share), last)],
        "reduce-scatter": [(all_reduce,)],
        "gather": [(replace(weaker, kind="all-gather", root=0),)],
    }
    # Of fewer vectors than chips most shares would be of nothing.
    return [stages for stages in of_kind.get(weaker.kind, []) if len(stages) == 1 or vectors >= width]

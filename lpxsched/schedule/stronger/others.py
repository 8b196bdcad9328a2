"""Collectives of the same chips, each bounded, searched and solved once, and what one may win by stronger ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lpxsched.schedule.attempts import good_enough, is_large, most_slots, searches
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.policy import MAY_END_BEFORE, SLOTS_PER_PART
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.stronger.kept import kept
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER, ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found, LowerBound, Result
    from lpxsched.schedule.symmetry.quotient import Quotient


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
        return parts if anyway or together <= cycles + cycles // MAY_END_BEFORE else []

    def is_worth_anything(self, stages: Sequence[Collective], best: Found[Quotient], bound: LowerBound) -> bool:
        """Return whether a part of stages is worth a search although they end later: far from the bound, if small."""
        is_near = best.objective_cycles <= good_enough(self.options, bound)
        slots = most_slots(self.options) // SLOTS_PER_PART
        is_small = not any(is_large(stage, self.problem.network, slots) for stage in stages)
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

"""Choose solvers for an instance, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule import policy
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.result import Found, LowerBound, Result
from lpxsched.schedule.routes.blocks import candidate_cuts, cut_blocks, slower_cuts
from lpxsched.schedule.routes.list_plan import Listed, found_of
from lpxsched.schedule.routes.list_schedule import ListScheduler
from lpxsched.schedule.stage_plans import staged
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import Padded, paddings, unpadded
from lpxsched.schedule.times.placement import Placement, Tasks, improved, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.problem.instance import Instance


@dataclass(frozen=True, eq=False)
class Solved:
    """The best plans found, the best first, and what is proven of any.

    Without slots, so that the schedule is made when it is first asked for.
    """

    plans: tuple[Found[Padded], ...]
    bound: LowerBound
    solver: str

    @cached_property
    def result(self) -> Result:
        """The schedule of the best plan."""
        return Result(lifted_layer(self.plans[0]), self.bound, self.solver)

    @property
    def quality(self) -> tuple[int, int]:
        """Makespan, then number of slots, of the schedule: less is better."""
        return self.result.makespan_cycles, self.result.schedule.slots


def solve(instance: Instance, options: SolveOptions) -> Result:
    """Return the best schedule found, with its lower bound."""
    return search_on(instance, first_solved(instance, options), options).result


def first_solved(instance: Instance, options: SolveOptions) -> Solved:
    """Return the best greedy plans, justified, for the solver ``symmetric`` the best that a group leaves as they are.

    Where no group leaves the instance as it is, ``symmetric`` is greedy.
    """
    bound, quick = lower_bound(instance), replace(options, effort=GREEDY_ONLY_EFFORT)
    symmetric = symmetric_solved(instance, bound, quick) if options.solver == "symmetric" else None
    if symmetric:
        return symmetric
    ranked = ranked_greedy(unpadded(instance), bound, seed=options.seed)
    # No more are given new times, or made to repeat.
    best, *others = map(found_of, ranked[: max(policy.MOST_REPEATED, _most_retimed(options))])
    return Solved((justified(best, bound), *others), bound, "greedy")


def search_on(instance: Instance, first: Solved, options: SolveOptions) -> Solved:
    """Return what other solvers make of a first result, or that result where the options leave them out."""
    if not options.asks_cpsat or first.result.status == "optimal":
        return first
    symmetric = symmetric_solved(instance, first.bound, options) if options.solver != "cpsat" else None
    best = symmetric if symmetric and symmetric.quality < first.quality else first
    apart = _staged(first, best, options) if options.solver == "auto" else ()
    if apart:
        best = Solved(_retimed((*apart, *first.plans), first.bound, options), first.bound, "stages")
    if options.solver == "symmetric" or best is not first:
        return best
    plans = _retimed(first.plans, first.bound, options)
    return first if plans[0] is first.plans[0] else Solved(plans, first.bound, "cpsat")


def over_guards(solved: Solved, instance: Instance) -> Solved:
    """Return the best plan found, placed and justified with the guards of an instance that is otherwise the same."""
    found, guards = solved.plans[0], instance.network.guard_cycles
    # Neither need be the instance itself: shares may be padded, demands merged to those of stages.
    padded, original = (
        replace(one, network=one.network.with_guards(guards))
        for one in (found.problem.instance, found.problem.original)
    )
    problem = replace(found.problem, instance=padded, original=original)
    placement = placed(plan_tasks(problem, found.plan), np.argsort(found.placement.start, kind="stable"))
    bound = lower_bound(instance)
    moved = replace(found, problem=problem, placement=placement)
    return Solved((justified(moved, bound),), bound, solved.solver)


def _staged(first: Solved, best: Solved, options: SolveOptions) -> tuple[Found[Padded], ...]:
    """Return plans better than the best, of stages searched one by one, where the gap that is left is worth it."""
    makespan = best.result.makespan_cycles
    if (makespan - first.bound.cycles) * policy.WORTH_STAGES <= first.bound.cycles:
        return ()
    plans = staged(first.plans[0], first.bound, options)
    return tuple(plan for plan in plans if plan.placement.makespan_cycles < makespan)


def is_symmetric(instance: Instance) -> bool:
    """Return whether some group leaves an instance as it is, shares padded."""
    return next(paddings(instance), None) is not None


def symmetric_solved(instance: Instance, bound: LowerBound, options: SolveOptions) -> Solved | None:
    """Return the best plans that a group leaves as they are; None when there is no group.

    Representatives are few, so several groups and many cuts are tried.
    """
    padded = islice(paddings(instance), policy.MOST_GROUPS)
    ranked = [ranked_greedy(problem, bound, seed=options.seed) for problem in padded]
    if not ranked:
        return None
    hints = min(ranked, key=lambda found: found[0].makespan_cycles)
    shortest = hints[0].makespan_cycles
    tries, longest = _tries(len(hints), shortest, bound), shortest * (1 + Fraction(1, policy.NEAR_BEFORE_TIMES))
    near = [hint for hint in hints[:tries] if hint.makespan_cycles <= longest]
    better = sorted((justified(found_of(hint), bound) for hint in near), key=lambda found: found.quality)
    if options.effort > GREEDY_ONLY_EFFORT:
        better = list(_retimed(tuple(better), bound, options))
    return Solved(tuple(better), bound, "symmetric")


def _retimed(plans: tuple[Found[Padded], ...], bound: LowerBound, options: SolveOptions) -> tuple[Found[Padded], ...]:
    """Return plans, best first, several of which have got new times: the more, the more there may be to win."""
    tries = _tries(_most_retimed(options), plans[0].placement.makespan_cycles, bound)
    tried = [_with_new_times(plan, bound, options, share=tries) for plan in plans[:tries]]
    return tuple(sorted([*tried, *plans[tries:]], key=lambda found: found.quality))


def _with_new_times(found: Found[Padded], bound: LowerBound, options: SolveOptions, *, share: int) -> Found[Padded]:
    """Return a plan with new times, or as it is; `share` such searches have the time of one."""
    from lpxsched.schedule.cpsat.runs import Effort

    is_large = len(found.placement.start) > policy.MOST_RETIMED and options.effort < policy.PARTS_EFFORT
    worth = _worth(found.placement.makespan_cycles, bound)
    if not worth or (is_large and options.solver != "cpsat"):
        return justified(found, bound)
    seconds = float(options.seconds(policy.CPSAT_SECONDS) * worth / share)
    return retimed(found, Effort(seconds, options.seed, bound.cycles))


def _worth(makespan_cycles: int, bound: LowerBound) -> Fraction:
    """Return which part of an effort is worth spending: all from a gap of one part in `WORTH_ALL` on."""
    gap = makespan_cycles - bound.cycles
    return min(Fraction(1), Fraction(gap * policy.WORTH_ALL, max(1, bound.cycles)))


def _tries(most: int, makespan_cycles: int, bound: LowerBound) -> int:
    """Return how many of the most tries are worth it, one at least."""
    return max(1, ceil(most * _worth(makespan_cycles, bound)))


def _most_retimed(options: SolveOptions) -> int:
    """Return how many plans may get new times."""
    return int(2 ** (options.effort - 2))


def ranked_greedy(problem: Padded, bound: LowerBound, *, seed: int) -> list[Listed]:
    """Return a greedy schedule for each candidate cut that gives other blocks, best first.

    Cuts that come after one whose schedule meets the bound are not tried. Under a group more cuts are, for they cost
    little.
    """
    scheduler, instance = ListScheduler(problem), problem.instance
    found: dict[bytes, Listed] = {}
    for cut in candidate_cuts(instance) + (slower_cuts(instance) if problem.symmetry.order > 1 else []):
        blocks = cut_blocks(instance, cut)
        key = blocks.vectors.tobytes()
        if key in found:
            continue
        found[key] = scheduler.listed(blocks, seed=seed)
        if found[key].makespan_cycles == bound.cycles:
            break
    return sorted(found.values(), key=lambda found: found.quality)


def justified(found: Found[Padded], bound: LowerBound) -> Found[Padded]:
    """Return a plan after justification, or as it is where that does not shorten it or the bound is met."""
    if found.placement.makespan_cycles <= bound.cycles:
        return found
    return _shorter(found, _justified(plan_tasks(found.problem, found.plan), found, bound.cycles))


def retimed(found: Found[Padded], effort: Effort) -> Found[Padded]:
    """Return a plan with the best times that justification and then CP-SAT find, ways left open where they are few."""
    from lpxsched.schedule.cpsat.times import solved_times
    from lpxsched.schedule.cpsat.ways import improved_layer

    tasks = plan_tasks(found.problem, found.plan)
    placement = _justified(tasks, found, effort.enough_cycles)
    if placement.makespan_cycles > effort.enough_cycles:
        placement = solved_times(tasks, placement, effort)
    found = _shorter(found, placement)
    if found.placement.makespan_cycles <= effort.enough_cycles:
        return found
    return improved_layer(found, replace(effort, seconds=effort.seconds * policy.WAYS_SHARE))


def _justified(tasks: Tasks, found: Found[Padded], enough: int) -> Placement:
    """Return the tasks placed in order of time, which is never later, and then justified."""
    return improved(tasks, np.argsort(found.placement.start, kind="stable"), enough=enough)


def _shorter(found: Found[Padded], placement: Placement) -> Found[Padded]:
    shorter = placement.makespan_cycles < found.placement.makespan_cycles
    return replace(found, placement=placement) if shorter else found

"""A layer that begins anew with every period: its problem over an interval between two deskews, and its schedule."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lpxsched.schedule.bounds.period import layer_period_bound
from lpxsched.schedule.policy import KEPT_PLANS, MOST_REPEATED
from lpxsched.schedule.result import Found, Result
from lpxsched.schedule.solve_layer import Solved, first_solved, search_on
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.times.modulo import in_turns
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.schedule.times.reservations import justified_in_turns

if TYPE_CHECKING:
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.symmetry.padding import Padded


def solve_in_flight(
    problem: LayerProblem, options: SolveOptions, interval_cycles: int | None
) -> tuple[LayerProblem, Result]:
    """Return a layer's problem and its shortest schedule, of which iterations are shifts, with a bound of a period.

    No deskew lies in an iteration: it begins with the segment. Every guard covers the interval between two deskews,
    None where clocks do not drift. An `InfeasibleError` says where hops take longer than clocks may run apart.
    """
    problem.refuse_long_hops()
    repeated = problem.unopened(interval_cycles)
    best = _plans(problem, options, interval_cycles)[-1]
    return repeated, Result(best.result.schedule, layer_period_bound(repeated.instance), best.solver)


def anew_with_period(
    problem: LayerProblem, options: SolveOptions, interval_cycles: int | None, *, period_cycles: int
) -> Result:
    """Return a schedule with times chosen anew, which repeats with a period asked for, or one as short as was found.

    Of several the shortest: its period, then its makespan.
    """
    steady = [
        (steady_state(plan, enough=period_cycles), solved.solver)
        for solved in _plans(problem, options, interval_cycles)
        for plan in solved.plans[:MOST_REPEATED]
    ]
    plan, solver = min(steady, key=lambda one: one[0].quality)
    bound = layer_period_bound(problem.unopened(interval_cycles).instance)
    return Result(lifted_layer(plan), bound, solver)


@lru_cache(maxsize=KEPT_PLANS)
def _plans(problem: LayerProblem, options: SolveOptions, interval_cycles: int | None) -> tuple[Solved, ...]:
    """Return what greedy finds, and what a search makes of it if that is more, the best last."""
    instance = problem.unopened(interval_cycles).instance
    first = first_solved(instance, options)
    best = search_on(instance, first, options)
    return (first,) if best is first else (first, best)


def steady_state(found: Found[Padded], *, enough: int = 1) -> Found[Padded]:
    """Return a plan with times that repeat as often as possible or as is enough, at worst one batch after the other.

    The makespan is then how long one batch takes. Batches do not wait for each other. Room in memory and deskews are
    left out of account.
    """
    tasks = plan_tasks(found.problem, found.plan)
    placement = in_turns(tasks, found.placement, enough=enough)
    if placement is None:
        return found
    return replace(found, placement=justified_in_turns(tasks, placement, enough=found.placement.makespan_cycles))

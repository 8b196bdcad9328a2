"""Choose solvers for a collective, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.attempts import may_model, searches
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.policy import EXTENTS, MOST_MODELLED, NEAR_ENOUGH, TIMES_SECONDS, WAYS_SECONDS
from lpxsched.schedule.result import Found, LowerBound, Result
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient


def solve_transfers(instance: Instance, options: SolveOptions, bound: LowerBound | None = None) -> Result:
    """Return the best schedule found, with its lower bound.

    It is searched from time zero, and shifted by the release.

    Parameters
    ----------
    instance : Instance
        Of one stage.
    options : SolveOptions
    bound : LowerBound or None
        Of what is to be short, counted from the release: the period or the makespan; where that is known.

    Raises
    ------
    InfeasibleError
        When the deadline lies below the lower bound.
    NothingFoundError
        When nothing was found within the effort that meets the deadline.
    """
    stall, problem = instance.release_cycles, replace(instance, release_cycles=0)
    bound = bound or collective_bound(problem, repeats=options.cyclic)
    if options.deadline_cycles is not None:
        _refuse_deadline(options, collective_bound(problem) if options.cyclic else bound, stall)
    found = min(searches(problem, options, bound), key=lambda found: found.quality, default=None)
    if found is None:
        raise _nothing_found(options)
    improved, bound = _improved(found, options, bound)
    if not options.cyclic:
        _refuse_deadline(options, bound, stall)
    modelled = found.is_modelled or improved is not found
    solver = "symmetric" if improved.problem.symmetry.order > 1 else "cpsat" if modelled else "greedy"
    result = Result(lifted_collective(improved), bound, solver).later(stall)
    deadline, cycles = options.deadline_cycles, result.makespan_cycles
    if deadline is not None and cycles > deadline:
        raise NothingFoundError(f"the best of effort {options.effort} takes {cycles} cycles, {deadline} are allowed")
    return result


def _refuse_deadline(options: SolveOptions, least: LowerBound, stall: int) -> None:
    deadline, cycles = options.deadline_cycles, stall + least.cycles
    if deadline is not None and cycles > deadline:
        raise InfeasibleError(
            f"the deadline of {deadline} cycles is below the lower bound of {cycles} cycles ({least.name})"
        )


def _nothing_found(options: SolveOptions) -> NothingFoundError:
    if options.solver == "symmetric":
        cause = "solver symmetric: no translation leaves this collective as it is"
        return NothingFoundError(cause, remedy="try --solver auto")
    return NothingFoundError(f"solver {options.solver} found no ways at effort {options.effort}")


def _improved(found: Found[Quotient], options: SolveOptions, bound: LowerBound) -> tuple[Found[Quotient], LowerBound]:
    """Return what CP-SAT makes of a schedule, and the best bound: new times on its ways, then new ways of copies."""
    if options.cyclic or not may_model(options) or found.objective_cycles <= bound.cycles:
        return found, bound
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.cpsat.ways import improved_ways

    if options.solver == "cpsat" or found.plan.slots + found.plan.sums <= MOST_MODELLED:
        found = _retimed(found, Effort(options.seconds(TIMES_SECONDS), options.seed, bound.cycles))
    near = int(bound.cycles * (1 + Fraction(1, NEAR_ENOUGH << (options.effort - 1)))) if options.solver == "auto" else 0
    effort = Effort(options.seconds(WAYS_SECONDS), options.seed, bound.cycles, near)
    found, proved = improved_ways(found, effort, EXTENTS[options.solver])
    return found, proved if proved is not None and proved.cycles > bound.cycles else bound


def _retimed(found: Found[Quotient], effort: Effort) -> Found[Quotient]:
    """Return the same ways with the best times that CP-SAT finds, or as they are when it finds none better."""
    from lpxsched.schedule.cpsat.times import solved_times

    placement = solved_times(plan_tasks(found.problem, found.plan), found.placement, effort)
    return found if placement is found.placement else replace(found, placement=placement)

"""Choose solvers for a collective, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.attempts import may_model, searches, takes_parts
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.policy import (
    EXTENTS,
    MAY_END_BEFORE,
    MOST_MODELLED,
    NEAR_ENOUGH,
    NEAR_EXTENT,
    NEAR_SECONDS,
    TIMES_SECONDS,
    WAYS_SECONDS,
)
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.result import Found, LowerBound, Result
from lpxsched.schedule.stronger import kept, stronger
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.schedule.trimmed import trimmed

if TYPE_CHECKING:
    from lpxsched.schedule.attempts import Searched
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.traffic.collectives import Collective


class Others(NamedTuple):
    """Collectives of the same chips: what searches found, and the best that there is now of each that was solved."""

    searched: dict[Collective, Searched]
    solved: dict[Collective, Result]

    def may_end_before(self, cycles: int, stage: Collective) -> bool:
        """Return whether a collective that was searched is below some cycles, or CP-SAT may bring it there."""
        found, bound = self.searched.get(stage, (None, None))
        if found is None or bound is None:
            return False
        return bound.cycles < cycles and found.placement.makespan_cycles <= cycles + cycles // MAY_END_BEFORE


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
    result = _solved(problem, options, bound, Others({}, {}))
    if result is None:
        raise _nothing_found(options)
    if not options.cyclic:
        _refuse_deadline(options, result.bound, stall)
    result = result.later(stall)
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


def _solved(problem: Instance, options: SolveOptions, bound: LowerBound, others: Others) -> Result | None:
    """Return the best that searches, CP-SAT and stronger collectives give, with the best bound."""
    found = min(searches(problem, options, bound, others.searched), key=lambda found: found.quality, default=None)
    if found is None:
        return None
    improved, bound = _improved(found, options, bound)
    modelled = found.is_modelled or improved is not found
    solver = "symmetric" if improved.problem.symmetry.order > 1 else "cpsat" if modelled else "greedy"
    others.solved[problem.stage] = Result(lifted_collective(improved), bound, solver)
    if takes_parts(problem, options):
        _shortened(problem, options, others)
    return others.solved[problem.stage]


def _shortened(problem: Instance, options: SolveOptions, others: Others) -> None:
    """Solve stronger collectives that may end before the best of one, which then keeps what it needs of them.

    Each is solved once; of one that is under way what it has by now is taken. Only where both sum, or neither does, is
    what is kept no longer for certain.
    """
    solved = others.solved
    for stage in (stages[0] for stages in stronger(problem.stage) if len(stages) == 1):
        best = solved[problem.stage]
        if best.makespan_cycles <= best.bound.cycles:
            return
        if stage.is_sum != problem.stage.is_sum or not others.may_end_before(best.makespan_cycles, stage):
            continue
        if stage not in solved:
            other = stage_instance(problem.network, stage, problem.add_cost)
            _solved(other, options, others.searched[stage].bound, others)
        found = solved[stage]
        if found.makespan_cycles < best.makespan_cycles:
            schedule = _kept(problem, stage, found.schedule, enough=best.bound.cycles)
            better = replace(best, schedule=schedule, solver="cpsat" if found.solver == "cpsat" else "greedy")
            solved[problem.stage] = min(best, better, key=lambda one: one.makespan_cycles)


def _kept(problem: Instance, stage: Collective, schedule: Schedule, *, enough: int) -> Schedule:
    """Return what is kept of a stronger collective: placed anew or, where that cuts sums and is longer, as it is."""
    anew = lifted_collective(kept(problem, [(stage, schedule)], enough=enough))
    return min(filter(None, [anew, trimmed(problem, stage, schedule)]), key=lambda one: one.makespan_cycles)


def _improved(found: Found[Quotient], options: SolveOptions, bound: LowerBound) -> tuple[Found[Quotient], LowerBound]:
    """Return what CP-SAT makes of a schedule, and the best bound: new times on its ways, then new ways of copies."""
    if options.cyclic or not may_model(options) or found.objective_cycles <= bound.cycles:
        return found, bound
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.cpsat.ways import improved_ways

    if options.solver == "cpsat" or found.plan.slots + found.plan.sums <= MOST_MODELLED:
        found = _retimed(found, Effort(options.seconds(TIMES_SECONDS), options.seed, bound.cycles))
    near = Fraction(bound.cycles, NEAR_ENOUGH << (options.effort - 1)) if options.solver == "auto" else Fraction(0)
    if found.objective_cycles > bound.cycles + near:
        seconds = options.seconds(WAYS_SECONDS)
        effort = Effort(seconds, options.seed, bound.cycles, near_cycles=bound.cycles + int(near))
        found, bound = improved_ways(found, bound, effort, EXTENTS[options.solver])
    gap = found.objective_cycles - bound.cycles
    if 0 < gap <= near:
        # Little is left to win: what is spent on it shrinks with it.
        effort = Effort(options.seconds(NEAR_SECONDS) * float(gap / near), options.seed, bound.cycles)
        found, bound = improved_ways(found, bound, effort, NEAR_EXTENT)
    return found, bound


def _retimed(found: Found[Quotient], effort: Effort) -> Found[Quotient]:
    """Return the same ways with the best times that CP-SAT finds, or as they are when it finds none better."""
    from lpxsched.schedule.cpsat.times import solved_times

    placement = solved_times(plan_tasks(found.problem, found.plan), found.placement, effort)
    return found if placement is found.placement else replace(found, placement=placement)

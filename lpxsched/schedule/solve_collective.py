"""Choose solvers for a collective, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.attempts import may_model, searches
from lpxsched.schedule.bounds import lower_bound, period_bound
from lpxsched.schedule.result import Result
from lpxsched.schedule.solve_layer import SolveOptions
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.symmetry.quotient import Quotient

# Deterministic seconds of CP-SAT at effort 2 for times and for ways.
TIMES_SECONDS, WAYS_SECONDS = 0.1, 0.15
# Tasks up to which `auto` models their times.
MOST_MODELLED = 2_000
# Pairs of a block and a bundle that CP-SAT models, with symmetry and without.
EXTENTS = {"auto": (200_000, 10_000), "symmetric": (200_000, 0), "cpsat": (0, 1_000_000)}
# `auto` opens ways only where the gap is more than one part in so many at effort 1, half of it at each further step.
NEAR_ENOUGH = 25


@dataclass(frozen=True, slots=True)
class TransferOptions(SolveOptions):
    """How hard to look, as for a layer, and for what.

    Attributes
    ----------
    cyclic : bool
        Look for the shortest period of a timetable that repeats.
    deadline_cycles : int or None
        Longest makespan that is asked for.
    """

    cyclic: bool = False
    deadline_cycles: int | None = None


def solve_transfers(problem: Instance, options: TransferOptions) -> Result:
    """Return the best schedule found, with its lower bound.

    Raises
    ------
    InfeasibleError
        When the deadline lies below the lower bound.
    NothingFoundError
        When nothing was found within the effort that meets the deadline.
    """
    deadline = options.deadline_cycles
    bound = period_bound(problem) if options.cyclic else lower_bound(problem)
    if deadline is not None:
        _refuse_deadline(lower_bound(problem) if options.cyclic else bound, deadline)
    every = searches(problem, options, bound, cyclic=options.cyclic)
    found = min(every, key=lambda found: found.quality, default=None)
    if found is None:
        raise _nothing_found(options)
    improved, bound = _improved(found, options, bound)
    if deadline is not None and not options.cyclic:
        _refuse_deadline(bound, deadline)
    schedule = lifted_collective(improved)
    if deadline is not None and schedule.makespan_cycles > deadline:
        raise NothingFoundError(
            f"the best of effort {options.effort} takes {schedule.makespan_cycles} cycles, {deadline} are allowed"
        )
    modelled = found.is_modelled or improved is not found
    solver = "symmetric" if improved.problem.symmetry.order > 1 else "cpsat" if modelled else "greedy"
    return Result(schedule, bound, solver)


def _refuse_deadline(least: LowerBound, deadline: int) -> None:
    if least.cycles > deadline:
        raise InfeasibleError(
            f"the deadline of {deadline} cycles is below the lower bound of {least.cycles} cycles ({least.name})"
        )


def _nothing_found(options: TransferOptions) -> NothingFoundError:
    if options.solver == "symmetric":
        cause = "solver symmetric: no translation leaves this collective as it is"
        return NothingFoundError(cause, remedy="try --solver auto")
    return NothingFoundError(f"solver {options.solver} found no ways at effort {options.effort}")


def _improved(
    found: Found[Quotient], options: TransferOptions, bound: LowerBound
) -> tuple[Found[Quotient], LowerBound]:
    """Return what CP-SAT makes of a schedule, and the best bound: new times on its ways, then new ways of copies."""
    if options.cyclic or not may_model(options) or found.objective_cycles <= bound.cycles:
        return found, bound
    from lpxsched.schedule.cpsat.copies import Extent, improved_copies
    from lpxsched.schedule.cpsat.runs import Effort

    more = 2.0 ** (options.effort - 2)
    if options.solver == "cpsat" or found.plan.slots + found.plan.sums <= MOST_MODELLED:
        found = _retimed(found, Effort(TIMES_SECONDS * more, options.seed, bound.cycles))
    near = bound.cycles * (1 + Fraction(1, NEAR_ENOUGH << (options.effort - 1)))
    if found.problem.instance.stage.is_sum or (options.solver == "auto" and found.objective_cycles <= near):
        return found, bound
    effort = Effort(WAYS_SECONDS * more, options.seed, bound.cycles)
    found, proved = improved_copies(found, effort, Extent(*EXTENTS[options.solver]))
    return found, proved if proved is not None and proved.cycles > bound.cycles else bound


def _retimed(found: Found[Quotient], effort: Effort) -> Found[Quotient]:
    """Return the same ways with the best times that CP-SAT finds, or as they are when it finds none better."""
    from lpxsched.schedule.cpsat.times import retimed

    placement = retimed(plan_tasks(found.problem, found.plan), found.placement, effort)
    return found if placement is found.placement else replace(found, placement=placement)

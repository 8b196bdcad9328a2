"""Choose solvers for a collective, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.kernels import NEVER
from lpxsched.schedule.transfers.bounds import lower_bound, period_bound
from lpxsched.schedule.transfers.lift import lift
from lpxsched.schedule.transfers.plan import plan_tasks
from lpxsched.schedule.transfers.reduced import flow_of, gathered_flow, piece_map, reduced
from lpxsched.schedule.transfers.result import TransferResult
from lpxsched.schedule.transfers.search import Budget, exchange, search
from lpxsched.schedule.transfers.symmetry import symmetries, trivial
from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.transfers.problem import TransferProblem
    from lpxsched.schedule.transfers.result import TransferSchedule
    from lpxsched.schedule.transfers.search import Found
    from lpxsched.schedule.transfers.symmetry import Symmetry

Solver = Literal["auto", "greedy", "symmetric", "cpsat"]

DEFAULT_EFFORT = 3
# Candidates at effort 1, those in a row that may be in vain, slots placed for them; each further step doubles all.
ROUNDS, PATIENCE, SLOTS = 64, 24, 1_000_000
# A gap of one part in so many at effort 1, half of it at each further step, ends the search over groups.
GOOD_ENOUGH = 50
SLOTS_PER_CANDIDATE = 8
# Deterministic seconds of CP-SAT at effort 2, and tasks up to which `auto` models them.
CPSAT_SECONDS, MOST_MODELLED = 0.1, 2_000
# Groups that are tried: the largest, then those of small index.
MOST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How hard to look, and for what.

    Attributes
    ----------
    solver : str
        ``greedy`` without symmetry; ``symmetric`` on representatives; ``cpsat``; ``auto`` takes what is worth it.
    effort : int
        1 is greedy alone; each further step doubles the work.
    seed : int
    cyclic : bool
        Look for the shortest period of a timetable that repeats.
    deadline_cycles : int or None
        Longest makespan that is asked for.
    """

    solver: Solver = "auto"
    effort: int = DEFAULT_EFFORT
    seed: int = 0
    cyclic: bool = False
    deadline_cycles: int | None = None


def solve_transfers(problem: TransferProblem, options: TransferOptions) -> TransferResult:
    """Return the best schedule found, with its lower bound.

    Raises
    ------
    InfeasibleError
        When the deadline lies below the lower bound.
    NothingFoundError
        When nothing was found within the effort that meets the deadline.
    """
    _refuse_deadline(problem, options.deadline_cycles)
    bound = period_bound(problem) if options.cyclic else lower_bound(problem)
    deadline = options.deadline_cycles
    best = _search_all(problem, options, bound)
    if best is None:
        raise _nothing_found(options)
    solver = "symmetric" if best[1].order > 1 else "greedy"
    if _wants_cpsat(best[0], options, bound):
        found = _retimed(best[0], options, bound)
        if found is not best[0]:
            best, solver = (found, best[1]), "cpsat" if best[1].order == 1 else solver
    schedule = _lifted(*best)
    if deadline is not None and schedule.makespan_cycles > deadline:
        raise NothingFoundError(
            f"the best of effort {options.effort} takes {schedule.makespan_cycles} cycles, {deadline} are allowed"
        )
    return TransferResult(schedule, bound, solver)


def _refuse_deadline(problem: TransferProblem, deadline: int | None) -> None:
    if deadline is None:
        return
    least = lower_bound(problem)
    if least.cycles > deadline:
        raise InfeasibleError(
            f"the deadline of {deadline} cycles is below the lower bound of {least.cycles} cycles ({least.name})"
        )


def _search_all(problem: TransferProblem, options: TransferOptions, bound: LowerBound) -> tuple[Found, Symmetry] | None:
    """Return the best of all searches, with its group; the largest group, the smallest problem, comes first."""
    more = options.effort - 1
    budget = Budget(SLOTS << more, ROUNDS << more, bound.cycles, PATIENCE << more, options.cyclic)
    good_enough = bound.cycles * (1 + Fraction(1, GOOD_ENOUGH << more))
    best: tuple[Found, Symmetry] | None = None
    for number, symmetry in enumerate(_groups(problem, options)):
        if best is not None and best[0].objective_cycles <= good_enough:
            break
        for attempt in _attempts(problem, symmetry, options, exchanges=number == 0):
            known = best[0].placement.makespan_cycles if best is not None else NEVER
            found = attempt(replace(budget, known_cycles=known))
            if found is not None and (best is None or found.quality < best[0].quality):
                best = found, symmetry
            if best is not None and best[0].objective_cycles <= bound.cycles:
                return best
        if best is not None and number == 0 and _is_large(problem, budget):
            break
    return best


def _nothing_found(options: TransferOptions) -> NothingFoundError:
    if options.solver == "symmetric":
        cause = "solver symmetric: no translation leaves this collective as it is"
        return NothingFoundError(cause, remedy="try --solver auto")
    return NothingFoundError(f"solver {options.solver} found no ways at effort {options.effort}")


def _wants_cpsat(found: Found, options: TransferOptions, bound: LowerBound) -> bool:
    """Return whether new times on the ways found are worth a model: small ones, unless the model is asked for."""
    if options.cyclic or options.effort == 1 or options.solver == "greedy" or found.objective_cycles <= bound.cycles:
        return False
    return options.solver == "cpsat" or found.plan.slots + found.plan.sums <= MOST_MODELLED


def _retimed(found: Found, options: TransferOptions, bound: LowerBound) -> Found:
    """Return the same ways with the best times that CP-SAT finds, or as they are when it finds none better."""
    from lpxsched.schedule.transfers.cpsat import Effort, retimed

    effort = Effort(CPSAT_SECONDS * 2.0 ** (options.effort - 2), options.seed, bound.cycles)
    placement = retimed(plan_tasks(found.problem, found.plan), found.placement, effort)
    return found if placement is found.placement else replace(found, placement=placement)


def _groups(problem: TransferProblem, options: TransferOptions) -> Iterator[Symmetry]:
    """Yield the groups to search with, the trivial one last."""
    if options.solver in ("auto", "symmetric"):
        yield from islice(symmetries(problem), MOST_GROUPS)
    if options.solver != "symmetric":
        yield trivial(problem)


def _is_large(problem: TransferProblem, budget: Budget) -> bool:
    """Return whether one candidate without symmetry takes all of a budget."""
    flow = flow_of(problem.collective, padded=False)
    readers = problem.width if (flow.target == EVERY).all() else 2
    return len(flow.source) * readers * SLOTS_PER_CANDIDATE > budget.slots


def _attempts(
    problem: TransferProblem, symmetry: Symmetry, options: TransferOptions, *, exchanges: bool
) -> Iterator[Callable[[Budget], Found | None]]:
    """Yield the searches with one group."""
    collective, seed = problem.collective, options.seed
    if collective.kind == "all-reduce" and collective.width > 1:
        if exchanges:
            yield lambda budget: exchange(problem, symmetry, budget=budget)
        gathering = reduced(problem, gathered_flow(collective), symmetry)
        yield lambda budget: search(gathering, gathering, seed=seed, budget=budget, gathered=True)
    flow = flow_of(collective, padded=symmetry.order > 1)
    forward, backward = reduced(problem, flow, symmetry), reduced(problem.reversed(), flow, symmetry)
    yield lambda budget: search(forward, backward, seed=seed, budget=budget)


def _lifted(found: Found, symmetry: Symmetry) -> TransferSchedule:
    flow = found.problem.flow
    is_exchange = len(flow.source) == 1 and flow.source[0] == flow.target[0]
    pieces = np.zeros((symmetry.order, 1), dtype=np.int64) if is_exchange else piece_map(flow, symmetry)
    return lift(found.problem, found.plan, found.placement, pieces)

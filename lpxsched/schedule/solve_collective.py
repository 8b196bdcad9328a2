"""Choose solvers for a collective, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.bounds.best import collective_bound, period_bound
from lpxsched.schedule.policy import (
    EXTENTS,
    GOOD_ENOUGH,
    MOST_GROUPS,
    MOST_MODELLED,
    NEAR_ENOUGH,
    NEAR_EXTENT,
    PACKING_SECONDS,
    PATIENCE,
    ROUNDS,
    SLOTS,
    SLOTS_PER_CANDIDATE,
    TIMES_SECONDS,
    WAYS_SECONDS,
)
from lpxsched.schedule.result import Result
from lpxsched.schedule.routes.choices import packs_trees
from lpxsched.schedule.search import Budget, exchange, search
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.quotient import flow_of, gathered_flow, quotient, relayed_flow
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.quotient import Quotient


def solve_transfers(instance: Instance, options: SolveOptions) -> Result:
    """Return the best schedule found, with its lower bound.

    It is searched from time zero, and shifted by the release.

    Raises
    ------
    InfeasibleError
        When the deadline lies below the lower bound.
    NothingFoundError
        When nothing was found within the effort that meets the deadline.
    """
    stall, problem = instance.release_cycles, replace(instance, release_cycles=0)
    bound = period_bound(problem) if options.cyclic else collective_bound(problem)
    if options.deadline_cycles is not None:
        _refuse_deadline(options, collective_bound(problem) if options.cyclic else bound, stall)
    found = _search_all(problem, options, bound)
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


def _search_all(problem: Instance, options: SolveOptions, bound: LowerBound) -> Found[Quotient] | None:
    """Return the best of all searches; the largest group, the smallest problem, comes first."""
    more = options.effort - 1
    packing_seconds = options.seconds(PACKING_SECONDS) if options.cyclic and _may_model(options) else 0.0
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
            if found is not None and (best is None or found.quality < best.quality):
                best = found
            if best is not None and best.objective_cycles <= bound.cycles:
                return best
        if best is not None and number == 0 and _is_large(problem, budget):
            break
    return best


def _nothing_found(options: SolveOptions) -> NothingFoundError:
    if options.solver == "symmetric":
        cause = "solver symmetric: no translation leaves this collective as it is"
        return NothingFoundError(cause, remedy="try --solver auto")
    return NothingFoundError(f"solver {options.solver} found no ways at effort {options.effort}")


def _improved(found: Found[Quotient], options: SolveOptions, bound: LowerBound) -> tuple[Found[Quotient], LowerBound]:
    """Return what CP-SAT makes of a schedule, and the best bound: new times on its ways, then new ways of copies."""
    if options.cyclic or not _may_model(options) or found.objective_cycles <= bound.cycles:
        return found, bound
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.cpsat.ways import Extent, improved_ways

    if options.solver == "cpsat" or found.plan.slots + found.plan.sums <= MOST_MODELLED:
        found = _retimed(found, Effort(options.seconds(TIMES_SECONDS), options.seed, bound.cycles))
    near = bound.cycles * (1 + Fraction(1, NEAR_ENOUGH << (options.effort - 1)))
    is_near = options.solver == "auto" and found.objective_cycles <= near
    effort = Effort(options.seconds(WAYS_SECONDS), options.seed, bound.cycles)
    found, proved = improved_ways(found, effort, Extent(*(NEAR_EXTENT if is_near else EXTENTS[options.solver])))
    return found, proved if proved is not None and proved.cycles > bound.cycles else bound


def _may_model(options: SolveOptions) -> bool:
    return options.effort > 1 and options.solver != "greedy"


def _retimed(found: Found[Quotient], effort: Effort) -> Found[Quotient]:
    """Return the same ways with the best times that CP-SAT finds, or as they are when it finds none better."""
    from lpxsched.schedule.cpsat.times import solved_times

    placement = solved_times(plan_tasks(found.problem, found.plan), found.placement, effort)
    return found if placement is found.placement else replace(found, placement=placement)


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
    if collective.kind == "all-reduce" and symmetry.order == 1 and problem.network.nodes > problem.network.width:
        over_relay = relayed_flow(forward)
        if over_relay is not None:
            relayed = quotient(problem, over_relay, symmetry)
            yield lambda budget: search(relayed, relayed.reversed(), seed=seed, budget=budget)

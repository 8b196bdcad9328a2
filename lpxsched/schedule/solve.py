"""Choose solvers for an instance, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lpxsched.schedule.blocks import candidate_cuts, cut_blocks
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.greedy import greedy_schedule
from lpxsched.schedule.result import SolveResult

if TYPE_CHECKING:
    from lpxsched.schedule.instance import Instance
    from lpxsched.schedule.result import LowerBound, Schedule

Solver = Literal["auto", "greedy", "cpsat"]

DEFAULT_EFFORT = 3
GREEDY_ONLY_EFFORT = 1
# Deterministic seconds of CP-SAT at effort 2; each further step doubles them.
CPSAT_SECONDS = 0.1
# Beyond this many slots the full model does not gain anything in the time of a default effort.
MOST_CPSAT_SLOTS = 6_000


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to look.

    Attributes
    ----------
    solver : str
        ``greedy``; ``cpsat`` (greedy, then the full model); ``auto`` leaves the full model out where the bound is met
        or the model would be too large.
    effort : int
        1 is greedy alone; each further step doubles the deterministic time of CP-SAT.
    seed : int
    """

    solver: Solver = "auto"
    effort: int = DEFAULT_EFFORT
    seed: int = 0

    @property
    def cpsat_seconds(self) -> float:
        """Deterministic seconds of CP-SAT for one problem."""
        return float(CPSAT_SECONDS * 2 ** (self.effort - 2))


def solve(instance: Instance, options: SolveOptions) -> SolveResult:
    """Return the best schedule found, with its lower bound."""
    return search_on(instance, greedy_result(instance, seed=options.seed), options)


def greedy_result(instance: Instance, *, seed: int) -> SolveResult:
    """Return the best greedy schedule, with the lower bound."""
    bound = lower_bound(instance)
    return SolveResult(best_greedy(instance, bound, seed=seed), bound, "greedy")


def search_on(instance: Instance, greedy: SolveResult, options: SolveOptions) -> SolveResult:
    """Return what the full model makes of a greedy result, or that result where the options leave the model out."""
    if not _wants_cpsat(greedy, options):
        return greedy
    from lpxsched.schedule.cpsat import improve

    hint, bound = greedy.schedule, greedy.bound
    best = improve(instance, hint, bound, seed=options.seed, deterministic_seconds=options.cpsat_seconds)
    return SolveResult(best, bound, "cpsat") if best is not hint else greedy


def best_greedy(instance: Instance, bound: LowerBound, *, seed: int) -> Schedule:
    """Return the shortest greedy schedule over the candidate cuts, of equal ones that with the fewest slots."""
    best: Schedule | None = None
    for cut in candidate_cuts(instance):
        found = greedy_schedule(instance, cut_blocks(instance, cut), seed=seed)
        if best is None or _quality(found) < _quality(best):
            best = found
        if best.makespan_cycles == bound.cycles:
            break
    if best is None:
        raise ValueError("an instance has at least one candidate cut")
    return best


def _quality(schedule: Schedule) -> tuple[int, int]:
    return schedule.makespan_cycles, len(schedule.slot_block)


def _wants_cpsat(greedy: SolveResult, options: SolveOptions) -> bool:
    if options.solver == "greedy" or options.effort <= GREEDY_ONLY_EFFORT or greedy.status == "optimal":
        return False
    return options.solver == "cpsat" or len(greedy.schedule.slot_block) <= MOST_CPSAT_SLOTS

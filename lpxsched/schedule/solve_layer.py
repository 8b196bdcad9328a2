"""Choose solvers for an instance, and say what is proven of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

from lpxsched.options import DEFAULT_EFFORT
from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.result import SolveResult
from lpxsched.schedule.routes.blocks import candidate_cuts, cut_blocks, slower_cuts
from lpxsched.schedule.routes.list_schedule import Surroundings, greedy_in
from lpxsched.schedule.symmetry.padding import paddings
from lpxsched.schedule.times.retiming import justified, retimed

if TYPE_CHECKING:
    from lpxsched.options import Solver
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.padding import Padded

GREEDY_ONLY_EFFORT = 1
# From this effort on the model is also searched part by part.
PARTS_EFFORT = 4
# Deterministic seconds of CP-SAT at effort 2; each further step doubles them.
CPSAT_SECONDS = 0.1
# Groups that are tried: the largest, then those of small index.
MOST_GROUPS = 3
# Beyond this many slots the whole model does not gain anything in the time of a default effort.
MOST_CPSAT_SLOTS = 6_000
# Beyond this many slots even building the model takes longer than all other solvers.
MOST_SLOTS_IN_PARTS = 30_000
# A gap of less than one part in so many is not worth a search part by part, and less time of other searches.
GOOD_ENOUGH = 500
# Schedules of representatives longer than the best by more than one part in so many are not justified, which won up to
# a 28th on shipped layers, and then not modelled, which won up to a 76th.
NEAR_BEFORE_TIMES, NEAR_BEFORE_MODELS = 16, 64
# Tasks whose times CP-SAT chooses anew all at once; below `PARTS_EFFORT` more are left as they are.
MOST_RETIMED = 400


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to look.

    Attributes
    ----------
    solver : str
        ``greedy``; ``symmetric`` (schedules that a group of translations leaves as they are, on representatives);
        ``cpsat`` (greedy, then the full model); ``auto`` tries all, as long as the bound is not met, and leaves out the
        full model where it would be too large.
    effort : int
        1 is greedy alone, justified; each further step doubles the deterministic time of CP-SAT, and the numbers of
        cuts and of neighbourhoods, which from 4 on are searched.
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
    return search_on(instance, first_result(instance, options), options)


def first_result(instance: Instance, options: SolveOptions) -> SolveResult:
    """Return the best greedy schedule, justified, for the solver ``symmetric`` the best that a group leaves as it is.

    Where no group leaves the instance as it is, ``symmetric`` is greedy.
    """
    bound, quick = lower_bound(instance), replace(options, effort=GREEDY_ONLY_EFFORT)
    symmetric = symmetric_result(instance, bound, quick) if options.solver == "symmetric" else None
    if symmetric:
        return symmetric
    greedy = best_greedy(instance, bound, seed=options.seed)
    return SolveResult(justified(instance, greedy, bound), bound, "greedy")


def search_on(instance: Instance, first: SolveResult, options: SolveOptions) -> SolveResult:
    """Return what other solvers make of a first result, or that result where the options leave them out."""
    if options.solver == "greedy" or options.effort <= GREEDY_ONLY_EFFORT or first.status == "optimal":
        return first
    symmetric = symmetric_result(instance, first.bound, options) if options.solver != "cpsat" else None
    best = symmetric if symmetric and _quality(symmetric.schedule) < _quality(first.schedule) else first
    if best.status == "optimal" or options.solver == "symmetric":
        return best
    found = _searched(instance, best, options)
    return best if found is best.schedule else SolveResult(found, best.bound, "cpsat")


def _searched(instance: Instance, best: SolveResult, options: SolveOptions) -> Schedule:
    """Return what the whole model finds, and, where it proves nothing or is left out, the model part by part.

    Whatever was found last is given new times.
    """
    from lpxsched.schedule.cpsat.layer_neighbourhoods import improve_in_parts
    from lpxsched.schedule.cpsat.layers import Effort, improve

    found, bound, is_proven = best.schedule, best.bound, False
    if options.solver == "cpsat" or len(found.slot_block) <= MOST_CPSAT_SLOTS:
        found, is_proven = improve(instance, found, bound, Effort(options.seed, options.cpsat_seconds))
    if not is_proven and _wants_parts(found, bound, options):
        rounds = 2 ** (options.effort - 1)
        found = improve_in_parts(instance, found, bound, Effort(options.seed, CPSAT_SECONDS), rounds=rounds)
    return found if is_proven else _retimed(instance, found, bound, options)


def _retimed(
    instance: Instance,
    schedule: Schedule,
    bound: LowerBound,
    options: SolveOptions,
    *,
    symmetry: Symmetry | None = None,
    share: int = 1,
) -> Schedule:
    """Return a schedule with new times, or as it is; the less can still be won the less time is spent.

    `share` such searches have the time of one.
    """
    from lpxsched.schedule.cpsat.runs import Effort

    everything = len(schedule.slot_block) + len(schedule.sum_block) + instance.operators
    tasks, worth = everything // (symmetry.order if symmetry else 1), _worth(schedule, bound)
    if not worth or (tasks > MOST_RETIMED and options.effort < PARTS_EFFORT):
        return justified(instance, schedule, bound, symmetry=symmetry)
    effort = Effort(float(options.cpsat_seconds * worth / share), options.seed, bound.cycles)
    return retimed(instance, schedule, effort, symmetry=symmetry)


def _wants_parts(schedule: Schedule, bound: LowerBound, options: SolveOptions) -> bool:
    is_good = schedule.makespan_cycles - bound.cycles <= bound.cycles // GOOD_ENOUGH
    return options.effort >= PARTS_EFFORT and len(schedule.slot_block) <= MOST_SLOTS_IN_PARTS and not is_good


def is_symmetric(instance: Instance) -> bool:
    """Return whether some group leaves an instance as it is, shares padded."""
    return next(paddings(instance), None) is not None


def symmetric_result(instance: Instance, bound: LowerBound, options: SolveOptions) -> SolveResult | None:
    """Return the best schedule that a group leaves as it is; None when there is no group.

    Models of representatives are small, so several groups and many cuts are tried. The models of the best cuts, more of
    them with more effort, share the time of one.
    """
    ranked = [
        (padded, ranked_greedy(padded.instance, bound, seed=options.seed, symmetry=padded.symmetry))
        for padded in islice(paddings(instance), MOST_GROUPS)
    ]
    if not ranked:
        return None
    padded, hints = min(ranked, key=lambda pair: pair[1][0].makespan_cycles)
    near = _near(hints, NEAR_BEFORE_TIMES)[: _tries(len(hints), hints[0], bound)]
    better = [justified(padded.instance, hint, bound, symmetry=padded.symmetry) for hint in near]
    better.sort(key=_quality)
    best = better[0] if options.effort <= GREEDY_ONLY_EFFORT else _represented(padded, better, bound, options)
    return SolveResult(padded.cut_off(best), bound, "symmetric")


def _represented(padded: Padded, hints: list[Schedule], bound: LowerBound, options: SolveOptions) -> Schedule:
    """Return what CP-SAT makes of schedules of representatives: new times of the best, then the models of several."""
    from lpxsched.schedule.cpsat.layers import Effort, improve

    tries = _tries(2 ** (options.effort - 2), hints[0], bound)
    tried = [
        _retimed(padded.instance, hint, bound, options, symmetry=padded.symmetry, share=tries) for hint in hints[:tries]
    ]
    near = _near(sorted(tried + hints[tries:], key=_quality), NEAR_BEFORE_MODELS)
    chosen = _worth_modelling(near)[: _tries(2 ** (options.effort - 1), near[0], bound)]
    best = known = chosen[0]
    effort = Effort(options.seed, options.cpsat_seconds / len(chosen))
    for hint in chosen:
        if best.makespan_cycles == bound.cycles:
            break
        found, _ = improve(padded.instance, hint, bound, effort, symmetry=padded.symmetry)
        best = min(best, found, key=_quality)
    return best if best is known else _retimed(padded.instance, best, bound, options, symmetry=padded.symmetry)


def _worth(schedule: Schedule, bound: LowerBound) -> Fraction:
    """Return which part of an effort is worth spending: all from a gap of one part in `GOOD_ENOUGH` on."""
    gap = schedule.makespan_cycles - bound.cycles
    return min(Fraction(1), Fraction(gap * GOOD_ENOUGH, max(1, bound.cycles)))


def _tries(most: int, schedule: Schedule, bound: LowerBound) -> int:
    """Return how many of the most tries are worth it, one at least."""
    return max(1, ceil(most * _worth(schedule, bound)))


def _near(schedules: list[Schedule], parts: int) -> list[Schedule]:
    """Return the schedules, the best of which is first, that are not longer than it by more than one part of many."""
    longest = schedules[0].makespan_cycles * (1 + Fraction(1, parts))
    return [schedule for schedule in schedules if schedule.makespan_cycles <= longest]


def _worth_modelling(schedules: list[Schedule]) -> list[Schedule]:
    """Return schedules, best first, but before all others those that no better one undercuts in slots.

    Models of few slots gain the most.
    """
    front: list[Schedule] = []
    for schedule in schedules:
        if not front or len(schedule.slot_block) < len(front[-1].slot_block):
            front.append(schedule)
    return front + [schedule for schedule in schedules if schedule not in front]


def best_greedy(instance: Instance, bound: LowerBound, *, seed: int) -> Schedule:
    """Return the shortest greedy schedule over the candidate cuts, of equal ones that with the fewest slots."""
    return ranked_greedy(instance, bound, seed=seed)[0]


def ranked_greedy(
    instance: Instance, bound: LowerBound, *, seed: int, symmetry: Symmetry | None = None
) -> list[Schedule]:
    """Return a greedy schedule for each candidate cut that gives other blocks, best first.

    Cuts that come after one whose schedule meets the bound are not tried. Under a group more cuts are, for they cost
    little.
    """
    around = Surroundings.of(instance, symmetry)
    found: dict[bytes, Schedule] = {}
    for cut in candidate_cuts(instance) + (slower_cuts(instance) if symmetry else []):
        blocks = cut_blocks(instance, cut)
        key = blocks.vectors.tobytes()
        if key in found:
            continue
        found[key] = greedy_in(around, blocks, seed=seed)
        if found[key].makespan_cycles == bound.cycles:
            break
    return sorted(found.values(), key=_quality)


def _quality(schedule: Schedule) -> tuple[int, int]:
    return schedule.makespan_cycles, len(schedule.slot_block)

"""A collective from its fabric to a schedule whose guard covers it, opening deskew included.

The problem behind the deskew is given to solvers, and what is proven of their results is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule import policy
from lpxsched.schedule.attempts import Others, good_enough, searches_with_stronger
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.opening import Opening, bounded, is_least, opening_on, solve_covered
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.problem.collective import missing_way
from lpxsched.schedule.result import Found, LowerBound, Result
from lpxsched.schedule.stronger.kept import kept
from lpxsched.schedule.stronger.trimmed import trimmed
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.units import NONE, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.traffic.collectives import Collective


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledCollective:
    """A collective with its schedule.

    Attributes
    ----------
    problem : Instance
        With the guards that cover the schedule; its release is the stall of the opening deskew.
    result : Result
        All times, makespan and bound count from the segment's time zero: the stall is their first part.
    tree : AlignmentTree
        Along which the chips that take part and relay align their counters.
    solve_seconds : float
        How long the solver took; no part of a build.
    """

    problem: Instance
    result: Result
    tree: AlignmentTree
    solve_seconds: float


def solve_collective(
    fabric: Fabric, problem: Instance, clock: ClockSpecification, options: SolveOptions
) -> ScheduledCollective:
    """Return the schedule of a collective, given without guards, behind its opening deskew.

    What the rules ask for is less than the guards with which a schedule is placed; bounds are reckoned with that least.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    # Before the tree of counters: where chips cannot reach each other, the problem tells which.
    bare, tree = _aligned(fabric, problem, clock)
    opening = opening_on(fabric, bare.network, tree, clock)
    _refuse_long_hops(bare, opening)
    least, started = opening.least(bare), time.perf_counter()

    def attempts(instance: Instance, interval: int | None) -> Iterator[Result]:
        bound = collective_bound(instance, repeats=options.cyclic)
        if interval is not None:
            quick = replace(options, solver="greedy", effort=GREEDY_ONLY_EFFORT, deadline_cycles=None)
            yield solve_transfers(instance, quick, bound)
        if is_least(instance, least):
            yield solve_transfers(instance, options, bound)
        else:
            yield _solve_in_time(instance, options, bound, lower_bound(least))

    names = "the collective", "try fewer --vectors"
    covered, _, result = solve_covered(bare, opening, [least], attempts, names=names)
    return ScheduledCollective(covered, bounded(result, covered, [least]), tree, time.perf_counter() - started)


def _aligned(fabric: Fabric, bare: Instance, clock: ClockSpecification) -> tuple[Instance, AlignmentTree]:
    """Return the tree of the chips that take part and relay, and the problem without relays that it leaves out.

    A relay that hangs deeper than all chips that take part would only make the stall longer; the ways of the tree
    between chips that take part do without it, unless links lead one way only.
    """
    members, width = bare.network.fabric_node, bare.network.width
    tree = alignment_tree(fabric, clock, [TimeDomain(tuple(members[:width].tolist()), tuple(members[width:].tolist()))])
    depth = tree.depth[members]
    for level in np.unique(depth[depth >= depth[:width].max()]):
        network = bare.network.without_relays((depth <= level) & ((depth == NONE) == (level == NONE)))
        if missing_way(network, bare.stage) is None:
            break
    else:
        # On a ring of one-way links counters align from the far side of a relay, but vectors go over it.
        return bare, alignment_tree(fabric, clock, [TimeDomain(tuple(members.tolist()), ())])
    shallow = AlignmentTree(*(np.where(tree.depth <= level, column, NONE) for column in (tree.parent, tree.depth)))
    return replace(bare, network=network), shallow


def _refuse_long_hops(bare: Instance, opening: Opening) -> None:
    """Refuse a collective that cannot do without hops that are longer than clocks may run apart."""
    hops, fitting = opening.hops(bare.network), cache(opening.clock.fits)
    too_long = [hop for hop in hops if not fitting(hop)]
    if not too_long:
        return
    fits = np.array([fitting(hop) for hop in hops])
    if missing_way(bare.network.with_bundles(np.flatnonzero(fits)), bare.stage) is not None:
        opening.clock.refuse_long_hop(min(too_long, key=lambda hop: (hop.wire_cycles, hop.name)))


def _solve_in_time(instance: Instance, options: SolveOptions, bound: LowerBound, least: LowerBound) -> Result:
    """Solve a problem whose guards are longer than the rules ask for, which prove nothing of a deadline."""
    refuse_deadline(options, least, 0)
    try:
        return solve_transfers(instance, options, bound)
    except InfeasibleError as error:
        of_all = f"that of all guards, {counted(least.cycles, 'cycle')} ({least.name})"
        cause = f"{error.cause} of the guards tried, though not below {of_all}"
        raise NothingFoundError(cause, remedy="try a later --deadline, or a larger --effort") from error


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
        refuse_deadline(options, collective_bound(problem) if options.cyclic else bound, stall)
    result = _solved(problem.stage, Others(problem, options, {problem.stage: bound}))
    if result is None:
        raise _nothing_found(options)
    if not options.cyclic:
        refuse_deadline(options, result.bound, stall)
    result = result.later(stall)
    deadline, cycles = options.deadline_cycles, result.makespan_cycles
    if deadline is not None and cycles > deadline:
        cause = f"the best of effort {options.effort} takes {counted(cycles, 'cycle')}, {deadline:,} are allowed"
        raise NothingFoundError(cause)
    return result


def refuse_deadline(options: SolveOptions, least: LowerBound, stall: int) -> None:
    """Refuse a deadline as infeasible that is below what all take, behind a stall."""
    deadline, cycles = options.deadline_cycles, stall + least.cycles
    if deadline is not None and cycles > deadline:
        at_least = f"{counted(cycles, 'cycle')} ({least.name})"
        raise InfeasibleError(f"the deadline of {counted(deadline, 'cycle')} is below the lower bound of {at_least}")


def _nothing_found(options: SolveOptions) -> NothingFoundError:
    if options.solver == "symmetric":
        cause = "solver symmetric: no translation leaves this collective as it is"
        return NothingFoundError(cause, remedy="try --solver auto")
    return NothingFoundError(f"solver {options.solver} found no ways at effort {options.effort}")


def _solved(stage: Collective, others: Others) -> Result | None:
    """Return the best that searches, CP-SAT and stronger collectives give, with the best bound."""
    found = min(searches_with_stronger(stage, others), key=lambda found: found.quality, default=None)
    if found is None:
        return None
    improved, bound = _improved(found, others.options, others.bound(stage))
    modelled = found.is_modelled or improved is not found
    solver = "symmetric" if improved.problem.symmetry.order > 1 else "cpsat" if modelled else "greedy"
    others.solved[stage] = Result(lifted_collective(improved), bound, solver)
    _shortened(stage, others)
    return others.solved[stage]


def _shortened(stage: Collective, others: Others) -> None:
    """Solve stronger collectives that may end before the best of one, which then keeps what it needs of them.

    Each is solved once; of one that is under way what it has by now is taken.
    """
    for stages in others.stronger_than(stage):
        best = others.solved[stage]
        if best.objective_cycles <= best.bound.cycles:
            return
        if not others.worth_parts(stages, best.objective_cycles):
            continue
        for other in stages:
            if other not in others.solved:
                _solved(other, others)
        results = [others.solved[other] for other in stages]
        if others.least_together([result.objective_cycles for result in results]) < best.objective_cycles:
            better = _kept(stage, list(zip(stages, results, strict=True)), others)
            others.solved[stage] = min(best, better, key=lambda one: one.objective_cycles)


def _kept(stage: Collective, solved: Sequence[tuple[Collective, Result]], others: Others) -> Result:
    """Return what is kept of stronger collectives: placed anew or, where that cuts sums and is longer, as it is."""
    problem, bound = others.instance(stage), others.solved[stage].bound
    stages = [(other, result.schedule) for other, result in solved]
    anew = kept(problem, stages, enough=bound.cycles, cyclic=others.options.cyclic)
    solver = "cpsat" if any(result.solver == "cpsat" for _, result in solved) else "greedy"
    schedules = [lifted_collective(anew)]
    if len(stages) == 1 and stages[0][0].is_sum == problem.stage.is_sum:
        schedules += filter(None, [trimmed(problem, *stages[0])])
    every = [Result(schedule, bound, solver) for schedule in schedules]
    return min(every, key=lambda one: (one.objective_cycles, one.makespan_cycles))


def _improved(found: Found[Quotient], options: SolveOptions, bound: LowerBound) -> tuple[Found[Quotient], LowerBound]:
    """Return what CP-SAT makes of a schedule, and the best bound: new times on its ways, then new ways of copies."""
    if options.cyclic or not options.asks_cpsat or found.objective_cycles <= bound.cycles:
        return found, bound
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.cpsat.times import solved_times
    from lpxsched.schedule.cpsat.ways import improved_ways

    if options.solver == "cpsat" or found.plan.slots + found.plan.sums <= policy.MOST_MODELLED:
        effort = Effort(options.seconds(policy.TIMES_SECONDS), options.seed, bound.cycles)
        placement = solved_times(plan_tasks(found.problem, found.plan), found.placement, effort)
        found = found if placement is found.placement else replace(found, placement=placement)
    if options.solver == "auto" and found.objective_cycles <= good_enough(options, bound):
        return found, bound
    parts = policy.NEAR_ENOUGH << (options.effort - 1)
    near = Fraction(bound.cycles if options.solver == "auto" else 0, parts)
    if found.objective_cycles > bound.cycles + near:
        seconds = options.seconds(policy.WAYS_SECONDS)
        effort = Effort(seconds, options.seed, bound.cycles, near_cycles=bound.cycles + int(near))
        found, bound = improved_ways(found, bound, effort, policy.EXTENTS[options.solver])
    gap = found.objective_cycles - bound.cycles
    if 0 < gap <= near:
        # Little is left to win: what is spent on it shrinks with it.
        effort = Effort(options.seconds(policy.NEAR_SECONDS) * float(gap / near), options.seed, bound.cycles)
        found, bound = improved_ways(found, bound, effort, policy.NEAR_EXTENT)
    return found, bound

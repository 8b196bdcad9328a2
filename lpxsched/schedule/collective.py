"""A collective from its fabric to a schedule whose guard covers it, opening deskew included."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.limits import DomainClock, Hop
from lpxsched.clocks.tree import TimeDomain, alignment_tree
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.transfers.bounds import lower_bound
from lpxsched.schedule.transfers.problem import TransferProblem, refuse_split
from lpxsched.schedule.transfers.solve import TransferOptions, solve_transfers
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.transfers.result import TransferResult

ProblemBuilder = Callable[..., TransferProblem]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledCollective:
    """A collective with its schedule.

    Attributes
    ----------
    problem : TransferProblem
    result : TransferResult
        All times, makespan and bound count from the segment's time zero: the stall is their first part.
    tree : AlignmentTree
        Along which the chips that take part and relay align their counters.
    guard_cycles, stall_cycles : int
        Guard of every hop, stall of the opening deskew.
    solve_seconds : float
        How long the solver took; no part of a build.
    """

    problem: TransferProblem
    result: TransferResult
    tree: AlignmentTree
    guard_cycles: int
    stall_cycles: int
    solve_seconds: float


def solve_collective(
    fabric: Fabric, build: ProblemBuilder, clock: ClockSpecification, options: TransferOptions
) -> ScheduledCollective:
    """Return a collective's schedule, shifted by the stall of its opening deskew.

    The guard grows with the time since the deskew, so the interval is doubled until it holds the schedule, as for the
    layers of a model. The greedy schedule tells without a search that an interval is too short.

    Parameters
    ----------
    fabric : Fabric
    build : callable
        Returns the problem for a guard, ``build(guard_cycles=..)``.
    clock : ClockSpecification
    options : TransferOptions
        The deadline counts from the segment's time zero.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    # Before the tree of counters: where chips cannot reach each other, the problem tells which.
    bare = build(guard_cycles=0)
    members = bare.node_chip.tolist()
    tree = alignment_tree(fabric, clock, [TimeDomain(tuple(members[: bare.width]), tuple(members[bare.width :]))])
    domain = DomainClock(clock, tree.height(members[0]), fabric.chip.clock_mhz, fabric.guard_in_hop)
    levels = _levels(bare, tree)
    _refuse_long_hops(fabric, bare, domain, levels)
    started, length, longest = time.perf_counter(), 0, domain.longest_interval_cycles()
    for interval in domain.intervals():
        guard, stall = domain.guard_cycles(levels, interval), domain.stall_cycles(interval)
        problem = build(guard_cycles=guard) if guard else bare
        length = 0 if interval is None else stall + _greedy_cycles(problem, options)
        if longest is not None and length > longest:
            break
        if interval is not None and length > interval:
            continue
        result = shifted_result(_solve_after(stall, problem, options), stall)
        length = result.schedule.makespan_cycles
        if interval is None or length <= interval:
            return ScheduledCollective(problem, result, tree, guard, stall, time.perf_counter() - started)
    driftless = build(guard_cycles=domain.guard_cycles(levels, 0))
    raise _too_long(domain, domain.stall_cycles(0), lower_bound(driftless), length)


def shifted_result(result: TransferResult, cycles: int) -> TransferResult:
    """Return a result in which everything happens some cycles later, the makespan and its bound included."""
    schedule, bound = result.schedule, result.bound
    later = replace(
        schedule,
        makespan_cycles=schedule.makespan_cycles + cycles,
        slot_depart=schedule.slot_depart + cycles,
        sums=replace(schedule.sums, start=schedule.sums.start + cycles),
    )
    return replace(result, schedule=later, bound=replace(bound, cycles=bound.cycles + cycles))


def _levels(problem: TransferProblem, tree: AlignmentTree) -> int:
    """Return the largest number of tree edges between the ends of a bundle."""
    sources, destinations = (problem.node_chip[ends] for ends in (problem.bundle_source, problem.bundle_destination))
    reached = (tree.depth[sources] != NONE) | (tree.depth[destinations] == NONE)
    return int(tree.levels_between(sources[reached], destinations[reached]).max(initial=0))


def _refuse_long_hops(fabric: Fabric, bare: TransferProblem, domain: DomainClock, levels: int) -> None:
    """Refuse a collective that cannot do without hops that are longer than clocks may run apart."""
    kinds, kind = np.unique(np.column_stack([bare.bundle_hop_cycles, bare.bundle_class]), axis=0, return_inverse=True)
    hops = [Hop(fabric.link_classes[link_class].name, cycles, levels) for cycles, link_class in kinds.tolist()]
    too_long = [hop for hop in hops if not domain.holds(hop)]
    if not too_long:
        return
    fits = np.array([domain.holds(hop) for hop in hops])[kind.reshape(-1)]
    source, destination = bare.bundle_source[fits], bare.bundle_destination[fits]
    try:
        refuse_split(replace(bare, bundle_source=source, bundle_destination=destination))
    except InfeasibleError:
        domain.refuse_long_hop(too_long[0])


def _too_long(domain: DomainClock, stall: int, bound: LowerBound, length: int) -> InfeasibleError | NothingFoundError:
    """Return why nothing fits between two deskews: a bound without drift proves it, or it was not found."""
    longest = domain.longest_interval_cycles() or 0
    if stall + bound.cycles > longest:
        takes = f"the collective takes at least {stall + bound.cycles} cycles ({bound.name})"
        return InfeasibleError(f"{takes}, and {domain.told(longest)}")
    effort = f"the collective takes {length} cycles, and {domain.told(longest)}"
    return NothingFoundError(effort, remedy="try fewer --vectors")


def _greedy_cycles(problem: TransferProblem, options: TransferOptions) -> int:
    look = replace(options, solver="greedy", effort=1, deadline_cycles=None)
    return solve_transfers(problem, look).schedule.makespan_cycles


def _solve_after(stall: int, problem: TransferProblem, options: TransferOptions) -> TransferResult:
    """Solve a problem for what the stall leaves of the deadline; a fault says that it is less."""
    if options.deadline_cycles is None or not stall:
        return solve_transfers(problem, options)
    left = options.deadline_cycles - stall
    after = f"the opening deskew takes {stall} of {options.deadline_cycles} cycles"
    if left <= 0:
        raise InfeasibleError(after)
    try:
        return solve_transfers(problem, replace(options, deadline_cycles=left))
    except InfeasibleError as error:
        raise InfeasibleError(f"{after}; {error.cause}") from error
    except NothingFoundError as error:
        raise NothingFoundError(f"{after}; {error.effort}", remedy=error.remedy) from error

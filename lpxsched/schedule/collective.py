"""A collective from its fabric to a schedule whose guard covers it, opening deskew included."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpxsched.clocks.guard import guard_cycles, longest_interval_cycles, stall_cycles
from lpxsched.clocks.tree import alignment_tree
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.repeated import FIRST_INTERVAL_EPOCHS
from lpxsched.schedule.transfers.problem import TransferProblem
from lpxsched.schedule.transfers.solve import TransferOptions, solve_transfers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
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
        Along which all nodes of the fabric align their counters.
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


@dataclass(frozen=True, slots=True)
class Opening:
    """What the clock asks for so that nothing happens too early within an interval after the opening deskew.

    Attributes
    ----------
    interval_cycles : int or None
        Longest time between the deskew and a read; None when clocks do not drift.
    guard_cycles, stall_cycles : int
    """

    interval_cycles: int | None
    guard_cycles: int
    stall_cycles: int

    def covers(self, makespan_cycles: int) -> bool:
        """Return whether the guard holds for a schedule of this length after the stall."""
        return self.interval_cycles is None or self.stall_cycles + makespan_cycles <= self.interval_cycles


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
    tree, clock_mhz = alignment_tree(fabric), fabric.chip.clock_mhz
    started, length = time.perf_counter(), 0
    for opening in _openings(clock, _levels(bare, tree), clock_mhz):
        problem = build(guard_cycles=opening.guard_cycles) if opening.guard_cycles else bare
        length = _greedy_cycles(problem, options) if opening.interval_cycles is not None else 0
        if not opening.covers(length):
            continue
        result = _solve_after(opening.stall_cycles, problem, options)
        length = result.schedule.makespan_cycles
        if opening.covers(length):
            seconds = time.perf_counter() - started
            shifted = shifted_result(result, opening.stall_cycles)
            return ScheduledCollective(problem, shifted, tree, opening.guard_cycles, opening.stall_cycles, seconds)
    raise NothingFoundError(
        f"the collective takes {length} cycles, and clocks of {clock.name} may run "
        f"{longest_interval_cycles(clock)} cycles between two deskews",
        remedy="try fewer --vectors",
    )


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


def _openings(clock: ClockSpecification, levels: int, clock_mhz: Fraction) -> Iterator[Opening]:
    """Yield openings for longer and longer intervals, the longest in which counters stay unambiguous at last."""

    def opening(interval: int | None) -> Opening:
        drifting = interval or 0
        guard = guard_cycles(clock, levels=levels, interval_cycles=drifting, clock_mhz=clock_mhz)
        return Opening(
            interval, guard, stall_cycles(clock, levels=levels, interval_cycles=drifting, clock_mhz=clock_mhz)
        )

    longest = longest_interval_cycles(clock)
    if longest is None:
        yield opening(None)
        return
    interval = FIRST_INTERVAL_EPOCHS * clock.hac_period_cycles.value
    while interval < longest:
        yield opening(interval)
        interval *= 2
    yield opening(longest)


def _levels(problem: TransferProblem, tree: AlignmentTree) -> int:
    """Return the largest number of tree edges between the ends of a bundle."""
    sources, destinations = (problem.node_chip[ends] for ends in (problem.bundle_source, problem.bundle_destination))
    ends = zip(sources.tolist(), destinations.tolist(), strict=True)
    return max((tree.levels_between(*pair) for pair in ends), default=0)


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

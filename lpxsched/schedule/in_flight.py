"""A layer with several micro-batches in flight: times that repeat, and a frame whose guards reach to its gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.schedule.bounds.period import layer_period_bound
from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.frames import frame_of
from lpxsched.schedule.result import Result
from lpxsched.schedule.solve_layer import first_solved, search_on
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.times.steady_state import steady_state

if TYPE_CHECKING:
    from lpxsched.schedule.frames import Frame, InFlight
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem, ProblemBuilder
    from lpxsched.schedule.result import LowerBound, Schedule
    from lpxsched.schedule.solve_layer import Solved

# Plans, the shortest first, of which the period is looked for: the best period of a layer of gpt-oss-20b is met by the
# first, with the shortest makespan by the third.
MOST_PLANS = 8


def solve_in_flight(
    build: ProblemBuilder, options: SolveOptions, in_flight: InFlight
) -> tuple[LayerProblem, Result, Frame]:
    """Return a layer's problem, the result of which repeats, and its frame.

    The guard of every slot covers the whole interval between two deskews. It makes hops longer, so the interval is
    doubled until it holds the windows between two gaps, as for a layer on demand; only the longest interval that the
    clocks allow is cut by several gaps a round.

    Parameters
    ----------
    build : callable
        Returns the layer's problem for an interval in cycles.
    options : SolveOptions
    in_flight : InFlight

    Raises
    ------
    InfeasibleError, NothingFoundError
        As `solve_with_covering_guard`: when a layer does not drain between two deskews.
    """
    driftless = build(interval_cycles=None)
    for hop in driftless.shortest_hops():
        driftless.clock.refuse_long_hop(hop)
    length, longest = 0, driftless.clock.longest_interval_cycles()
    bound = layer_period_bound(driftless.instance)
    for interval in driftless.clock.intervals():
        problem = build(interval_cycles=interval)
        # No deskew lies in an iteration.
        problem = replace(problem, instance=replace(problem.instance, release_cycles=0))
        first = first_solved(problem.instance, options)
        length = first.result.makespan_cycles
        if longest is not None and length > longest:
            break
        if not _frame(problem, _repeating(first, bound), in_flight, longest):
            continue
        result = _repeating(search_on(problem.instance, first, options), bound)
        frame = _frame(problem, result, in_flight, longest)
        if frame:
            return problem, result, frame
    least = lower_bound(replace(driftless.least_instance(), release_cycles=0))
    raise driftless.clock.too_long(
        "a layer that drains",
        least_cycles=least.cycles,
        proof=least.name,
        found_cycles=length,
        remedy="try a smaller --batch, or --in-flight 1",
    )


def _repeating(solved: Solved, bound: LowerBound) -> Result:
    """Return the schedule of the plan that repeats most often, of several the shortest."""
    steady = [steady_state(plan).found for plan in solved.plans[:MOST_PLANS]]
    best = min(steady, key=lambda found: found.quality)
    return Result(lifted_layer(best), bound, solved.solver)


def _frame(problem: LayerProblem, result: Result, in_flight: InFlight, longest: int | None) -> Frame | None:
    """Return the frame of a schedule, or None where guards do not reach to its gaps."""
    schedule, interval = result.schedule, problem.interval_cycles
    frame = frame_of(
        in_flight,
        problem.clock,
        period_cycles=schedule.period_cycles,
        makespan_cycles=schedule.makespan_cycles,
        runs_cycles=_runs_cycles(problem.instance, schedule),
        within=interval,
    )
    return frame if frame and (frame.deskews <= 1 or interval == longest) else None


def _runs_cycles(instance: Instance, schedule: Schedule) -> int:
    """Return how long an iteration lasts, the cycle of its last read included."""
    network, bundle = instance.network, schedule.slot_bundle
    read = schedule.slot_depart + network.hop_cycles[bundle] + network.hold_cycles(schedule.slot_vectors - 1, bundle)
    ends = (read, schedule.operator_start + instance.operator_cycles, schedule.sums.start + schedule.sums.cycles)
    return 1 + max(int(end.max(initial=0)) for end in ends)

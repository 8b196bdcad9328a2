"""A layer with several micro-batches in flight: times that repeat, and a frame whose guards reach to its gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.schedule.bounds.period import layer_period_bound
from lpxsched.schedule.frames import frame_of
from lpxsched.schedule.opening import solve_covered
from lpxsched.schedule.policy import MOST_REPEATED
from lpxsched.schedule.result import Result
from lpxsched.schedule.solve_layer import first_solved, search_on
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.times.steady_state import steady_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.schedule.found import Found
    from lpxsched.schedule.frames import Frame, InFlight
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.solve_layer import Solved
    from lpxsched.schedule.symmetry.padding import Padded


def solve_in_flight(
    problem: LayerProblem, options: SolveOptions, in_flight: InFlight
) -> tuple[LayerProblem, Result, Frame]:
    """Return a layer's problem, its result that repeats, and its frame.

    No deskew lies in an iteration; the guard of every slot covers the whole interval between two gaps.

    Raises
    ------
    InfeasibleError, NothingFoundError
        Also when a layer does not drain between two deskews.
    """
    problem.refuse_long_hops()
    bound = layer_period_bound(problem.instance)
    found: list[Frame] = []

    def best_of(instance: Instance, interval: int | None, steady: Sequence[tuple[Found[Padded], str]]) -> Result:
        best, solver = min(steady, key=lambda one: one[0].quality)
        schedule = lifted_layer(best)
        frame = frame_of(
            in_flight,
            problem.opening.clock,
            period_cycles=schedule.period_cycles,
            makespan_cycles=schedule.makespan_cycles,
            runs_cycles=_runs_cycles(instance, schedule),
            interval_cycles=interval,
        )
        found.append(frame)
        return Result(schedule, bound, solver)

    def attempts(opened: Instance, interval: int | None) -> Iterator[Result]:
        instance = replace(opened, release_cycles=0)
        first = first_solved(instance, options)
        steady = _steady(first, first.plans[:1])
        yield best_of(instance, interval, steady)
        further = search_on(instance, first, options)
        # The shortest plans need not repeat most often.
        steady += _steady(first, first.plans[1:MOST_REPEATED])
        if further is not first:
            steady += _steady(further, further.plans[:MOST_REPEATED])
        yield best_of(instance, interval, steady)

    def rest_cycles(result: Result) -> int:
        return found[-1].between_cycles - result.makespan_cycles

    names = "a layer in flight, from deskew to deskew,", "try a smaller --batch, or --in-flight 1"
    bare, opening = problem.instance, problem.opening
    covered = solve_covered(bare, opening, [opening.least(bare)], attempts, pass_cycles=rest_cycles, names=names)
    return problem.over(covered.interval_cycles), covered.result, found[-1]


def _steady(solved: Solved, plans: Sequence[Found[Padded]]) -> list[tuple[Found[Padded], str]]:
    """Return some plans with times that repeat, and who found them."""
    return [(steady_state(plan), solved.solver) for plan in plans]


def _runs_cycles(instance: Instance, schedule: Schedule) -> int:
    """Return how long an iteration lasts, the cycle of its last read included."""
    network, bundle = instance.network, schedule.slot_bundle
    read = schedule.slot_depart + network.hop_cycles[bundle] + network.hold_cycles(schedule.slot_vectors - 1, bundle)
    ends = (read, schedule.operator_start + instance.operator_cycles, schedule.sums.start + schedule.sums.cycles)
    return 1 + max(int(end.max(initial=0)) for end in ends)

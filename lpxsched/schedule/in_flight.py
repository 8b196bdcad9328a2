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
    clock, bound = problem.opening.clock, layer_period_bound(problem.instance)
    for hop in problem.shortest_hops():
        clock.refuse_long_hop(hop)
    found: list[Frame] = []

    def repeated(instance: Instance, interval: int | None, plans: Sequence[tuple[Found[Padded], str]]) -> Result:
        steady = [(steady_state(plan).found, solver) for plan, solver in plans]
        best, solver = min(steady, key=lambda one: one[0].quality)
        schedule = lifted_layer(best)
        frame = frame_of(
            in_flight,
            clock,
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
        plans = _plans(first)
        yield repeated(instance, interval, plans[:1])
        further = search_on(instance, first, options)
        # The shortest plans need not repeat most often.
        yield repeated(instance, interval, plans if further is first else plans + _plans(further))

    def rest_cycles(result: Result) -> int:
        return found[-1].between_cycles - result.makespan_cycles

    names = "a layer in flight, from deskew to deskew,", "try a smaller --batch, or --in-flight 1"
    covered = solve_covered(problem.instance, problem.opening, attempts, pass_cycles=rest_cycles, names=names)
    return problem.over(covered.interval_cycles), covered.result, found[-1]


def _plans(solved: Solved) -> list[tuple[Found[Padded], str]]:
    """Return the plans of which the period is looked for, and who found them."""
    return [(plan, solved.solver) for plan in solved.plans[:MOST_REPEATED]]


def _runs_cycles(instance: Instance, schedule: Schedule) -> int:
    """Return how long an iteration lasts, the cycle of its last read included."""
    network, bundle = instance.network, schedule.slot_bundle
    read = schedule.slot_depart + network.hop_cycles[bundle] + network.hold_cycles(schedule.slot_vectors - 1, bundle)
    ends = (read, schedule.operator_start + instance.operator_cycles, schedule.sums.start + schedule.sums.cycles)
    return 1 + max(int(end.max(initial=0)) for end in ends)

"""Layers with equal problems are solved once.

On demand the guard of a layer covers its own length. A layer in flight begins anew with every period, and its guard
covers the interval between two deskews; for a period that is asked for its times are chosen anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lpxsched.errors import NothingFoundError
from lpxsched.schedule.bounds.period import layer_period_bound
from lpxsched.schedule.flags import polled_cycles, with_flags
from lpxsched.schedule.opening import bounded, solve_covered
from lpxsched.schedule.policy import KEPT_PLANS, MOST_REPEATED
from lpxsched.schedule.result import Found, Result
from lpxsched.schedule.solve_layer import Solved, first_solved, is_symmetric, search_on, solve
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.times.modulo import in_turns
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.schedule.times.reservations import justified_in_turns
from lpxsched.traffic.group import sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.symmetry.padding import Padded


@dataclass(frozen=True, slots=True)
class Repeating:
    """Layers repeat; guards cover an interval between two deskews, None where clocks do not drift."""

    interval_cycles: int | None


@dataclass(frozen=True, slots=True, eq=False)
class DistinctResult:
    """One distinct problem: its result, the result with all operators taking no time, and the layers that share it."""

    number: int
    result: Result
    wires: Result
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledLayer:
    """A layer's own problem with the result of its distinct problem."""

    problem: LayerProblem
    distinct: DistinctResult


def solve_layer(
    problem: LayerProblem,
    options: SolveOptions,
    least: Sequence[Instance] = (),
    known: dict[str, list[Solved]] | None = None,
) -> tuple[LayerProblem, Result]:
    """Return a layer's problem whose guard covers its own schedule, and its result.

    `least` are those of all layers that share the schedule (`Opening.least`), where it is more than this one. Searches
    of this layer are added to `known` ones, by the key of their instance.

    Raises
    ------
    InfeasibleError, NothingFoundError
    """
    problem.refuse_long_hops()
    clock, known = problem.opening.clock.specification, {} if known is None else known

    def attempts(instance: Instance, _: int | None) -> Iterator[Result]:
        found = known.setdefault(instance.key(), [])
        if not found:
            found.append(first_solved(instance, options))
        yield (first := flagged(found[0].result, instance))
        if len(found) == 1:
            found.append(search_on(instance, found[0], options))
        yield first if found[1] is found[0] else flagged(found[1].result, instance)

    def flagged(result: Result, instance: Instance) -> Result:
        return with_flags(result, instance, clock) if problem.resident else result

    def polling_cycles(result: Result) -> int:
        # A longer stall of another segment of the frame may make a pass longer by an epoch.
        return polled_cycles(result.schedule.flags, clock) + clock.hac_period_cycles.value * problem.resident

    names = "a layer", "try a smaller --batch"
    bare, opening = problem.instance, problem.opening
    least = least or [opening.least(bare)]
    _, interval, result = solve_covered(bare, opening, least, attempts, pass_cycles=polling_cycles, names=names)
    return problem.over(interval), result


def solve_layers(
    problems: Sequence[LayerProblem],
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None],
    repeating: Repeating | None = None,
) -> tuple[ScheduledLayer, ...]:
    """Return every layer with the result of its problem; equal problems are solved once.

    `progress` is told a step, how many of its kind are done, and how many there are. Layers repeat, each from its own
    time zero, or run on demand (None).

    Raises
    ------
    NothingFoundError
        When the solver is ``symmetric`` and no layer's problem is; where only some are, the others are greedy's.
    """
    layers_by_key: dict[object, list[int]] = {}
    for layer, problem in enumerate(problems):
        hosts = () if repeating else problem.hosts_polled
        layers_by_key.setdefault((problem.distinct_key(), hosts), []).append(layer)
    alike = list(layers_by_key.values())
    if options.solver == "symmetric" and not any(is_symmetric(problems[layers[0]].instance) for layers in alike):
        cause = "solver symmetric: no translation leaves a layer on its group of chips as it is"
        raise NothingFoundError(cause, remedy="try --solver auto")
    solved: dict[int, tuple[LayerProblem, Result, Result]] = {}
    known: dict[str, list[Solved]] = {}
    for number, layers in enumerate(alike):
        progress("solving", number, len(alike))
        solved |= dict.fromkeys(layers, _solved([problems[layer] for layer in layers], options, repeating, known))
    progress("solving", len(alike), len(alike))
    return _in_frames(problems, [solved[layer] for layer in range(len(problems))])


def _solved(
    alike: Sequence[LayerProblem], options: SolveOptions, repeating: Repeating | None, known: dict[str, list[Solved]]
) -> tuple[LayerProblem, Result, Result]:
    """Return a problem of several layers over the interval of its guards, its result, and that of its wires alone."""
    distinct = {instance.key(): instance for instance in (one.opening.least(one.instance) for one in alike)}
    least = list(distinct.values())
    if repeating:
        problem, result = solve_in_flight(alike[0], options, repeating.interval_cycles)
    else:
        problem, result = solve_layer(alike[0], options, least, known)
    wired = problem.instance.wires_only()
    wires = solve(wired, options)
    # In flight guards are given and no stall opens a layer, which the least of a layer on demand has.
    if not repeating:
        wires = bounded(wires, wired, [instance.wires_only() for instance in least])
        result = bounded(result, problem.instance, least)
    return problem, result, wires


def _in_frames(
    problems: Sequence[LayerProblem], solved: Sequence[tuple[LayerProblem, Result, Result]]
) -> tuple[ScheduledLayer, ...]:
    """Return layers that open with the stall of their frame: that of the longest segment with which they share chips.

    A deskew is one of the whole frame, so the schedule of a shorter segment begins as much later. Its guards count from
    the end of the stall and hold as they are.
    """
    frames, stalls = sharing(problem.group.chips for problem in problems), dict[int, int]()
    for frame, (problem, *_) in zip(frames, solved, strict=True):
        stalls[frame] = max(stalls.get(frame, 0), problem.instance.release_cycles)
    alike: dict[tuple[int, int], list[int]] = {}
    for layer, (frame, one) in enumerate(zip(frames, solved, strict=True)):
        alike.setdefault((id(one), stalls[frame]), []).append(layer)
    scheduled: dict[int, ScheduledLayer] = {}
    for number, ((_, stall), layers) in enumerate(alike.items()):
        covered, result, wires = solved[layers[0]]
        result = replace(result, schedule=result.schedule.later(stall - covered.instance.release_cycles))
        distinct = DistinctResult(number, result, wires, tuple(layers))
        for layer in layers:
            problem = problems[layer].over(covered.interval_cycles)
            opened = replace(problem, instance=replace(problem.instance, release_cycles=stall))
            scheduled[layer] = ScheduledLayer(opened, distinct)
    return tuple(scheduled[layer] for layer in range(len(problems)))


def solve_in_flight(
    problem: LayerProblem, options: SolveOptions, interval_cycles: int | None
) -> tuple[LayerProblem, Result]:
    """Return a layer's problem and its shortest schedule, of which iterations are shifts, with a bound of a period.

    No deskew lies in an iteration: it begins with the segment. Every guard covers the interval between two deskews,
    None where clocks do not drift. An `InfeasibleError` says where hops take longer than clocks may run apart.
    """
    problem.refuse_long_hops()
    repeated = problem.unopened(interval_cycles)
    best = _plans(problem, options, interval_cycles)[-1]
    return repeated, Result(best.result.schedule, layer_period_bound(repeated.instance), best.solver)


def anew_with_period(
    problem: LayerProblem, options: SolveOptions, interval_cycles: int | None, *, period_cycles: int
) -> Result:
    """Return a schedule with times chosen anew, which repeats with a period asked for, or one as short as was found.

    Of several the shortest: its period, then its makespan.
    """
    steady = [
        (steady_state(plan, enough=period_cycles), solved.solver)
        for solved in _plans(problem, options, interval_cycles)
        for plan in solved.plans[:MOST_REPEATED]
    ]
    plan, solver = min(steady, key=lambda one: one[0].quality)
    bound = layer_period_bound(problem.unopened(interval_cycles).instance)
    return Result(lifted_layer(plan), bound, solver)


@lru_cache(maxsize=KEPT_PLANS)
def _plans(problem: LayerProblem, options: SolveOptions, interval_cycles: int | None) -> tuple[Solved, ...]:
    """Return what greedy finds, and what a search makes of it if that is more, the best last."""
    instance = problem.unopened(interval_cycles).instance
    first = first_solved(instance, options)
    best = search_on(instance, first, options)
    return (first,) if best is first else (first, best)


def steady_state(found: Found[Padded], *, enough: int = 1) -> Found[Padded]:
    """Return a plan with times that repeat as often as possible or as is enough, at worst one batch after the other.

    The makespan is then how long one batch takes. Batches do not wait for each other. Room in memory and deskews are
    left out of account.
    """
    tasks = plan_tasks(found.problem, found.plan)
    placement = in_turns(tasks, found.placement, enough=enough)
    if placement is None:
        return found
    return replace(found, placement=justified_in_turns(tasks, placement, enough=found.placement.makespan_cycles))

"""Layers with equal problems are solved once; the guard of a layer covers its own length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpxsched.clocks.latency import pass_cycles
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.polling import pass_load_cycles
from lpxsched.schedule.solve_layer import first_solved, is_symmetric, search_on, solve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem, ProblemBuilder
    from lpxsched.schedule.result import Result


@dataclass(frozen=True, slots=True, eq=False)
class DistinctResult:
    """One distinct problem: its result, the result with all operators taking no time, and the layers that share it."""

    number: int
    chips: int
    result: Result
    wires: Result
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledLayer:
    """A layer's own problem with the result of its distinct problem."""

    problem: LayerProblem
    distinct: DistinctResult


def solve_with_covering_guard(build: ProblemBuilder, options: SolveOptions) -> tuple[LayerProblem, Result]:
    """Return a problem whose guard covers its own schedule, and its result.

    The guard grows with the time since the last deskew. A deskew in the middle of a layer costs about an epoch, a
    longer interval a few cycles a hop, so a layer opens with its only deskew and the interval is doubled until it
    holds the layer, and the pass before it where chips poll.

    Parameters
    ----------
    build : callable
        Returns the layer's problem for an interval in cycles.
    options : SolveOptions

    Raises
    ------
    InfeasibleError
        When the alignment tree is too deep for the clock, or a hop or the whole layer is provably longer than clocks
        may run apart.
    NothingFoundError
        When the schedules that were found are.
    """
    driftless = build(interval_cycles=None)
    for hop in driftless.shortest_hops():
        driftless.clock.refuse_long_hop(hop)
    length, longest = 0, driftless.clock.longest_interval_cycles()
    for interval in driftless.clock.intervals():
        problem = build(interval_cycles=interval)
        first = first_solved(problem.instance, options)
        length = first.result.makespan_cycles
        if longest is not None and length > longest:
            break
        if _is_covered(problem, first.result):
            found = search_on(problem.instance, first, options).result
            if _is_covered(problem, found):
                return problem, found
    bound = lower_bound(driftless.least_instance())
    remedy = "try a smaller --batch"
    raise driftless.clock.too_long(
        "a layer", least_cycles=bound.cycles, proof=bound.name, found_cycles=length, remedy=remedy
    )


def solve_layers(
    builders: Sequence[ProblemBuilder],
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None],
) -> tuple[ScheduledLayer, ...]:
    """Return every layer with the result of its problem; equal problems are solved once.

    Parameters
    ----------
    builders : sequence of callable
        One a layer: its problem for an interval in cycles.
    options : SolveOptions
    progress : callable
        Told a step, how many of its kind are done, and how many there are.

    Raises
    ------
    NothingFoundError
        When the solver is ``symmetric`` and no layer's problem is; where only some are, the others are greedy's.
    """
    layers_by_key: dict[tuple[str, bytes, int], list[int]] = {}
    distinct_problems: list[LayerProblem] = []
    least: dict[tuple[str, bytes, int], dict[str, Instance]] = {}
    for layer, build in enumerate(builders):
        problem = build(interval_cycles=None)
        layers = layers_by_key.setdefault(problem.distinct_key(), [])
        if not layers:
            distinct_problems.append(problem)
        layers.append(layer)
        instance = problem.least_instance()
        least.setdefault(problem.distinct_key(), {})[instance.key()] = instance
    if options.solver == "symmetric":
        _refuse_asymmetric(distinct_problems)
    scheduled: dict[int, ScheduledLayer] = {}
    for number, (key, layers) in enumerate(layers_by_key.items()):
        progress("solving", number, len(layers_by_key))
        problem, result = solve_with_covering_guard(builders[layers[0]], options)
        wires = solve(problem.instance.wires_only(), options)
        instances = list(least[key].values())
        bounded = _bounded(result, instances), _bounded(wires, [instance.wires_only() for instance in instances])
        distinct = DistinctResult(number, problem.instance.network.chips, *bounded, tuple(layers))
        for layer in layers:
            scheduled[layer] = ScheduledLayer(builders[layer](interval_cycles=problem.interval_cycles), distinct)
    progress("solving", len(layers_by_key), len(layers_by_key))
    return tuple(scheduled[layer] for layer in range(len(builders)))


def _refuse_asymmetric(problems: Sequence[LayerProblem]) -> None:
    if not any(is_symmetric(problem.instance) for problem in problems):
        cause = "solver symmetric: no translation leaves a layer on its group of chips as it is"
        raise NothingFoundError(cause, remedy="try --solver auto")


def _bounded(result: Result, least: Sequence[Instance]) -> Result:
    """Return a result beside the bound of every schedule of any of its layers: the guard asks for more than rules do.

    Parameters
    ----------
    result : Result
    least : sequence of Instance
        Its layers with the least guards and stalls, from `LayerProblem.least_instance`.
    """
    return replace(result, bound=min(map(lower_bound, least), key=lambda bound: bound.cycles))


def _is_covered(problem: LayerProblem, result: Result) -> bool:
    """Return whether the guard holds until the end of a schedule, counted from the deskew before the pass."""
    if problem.interval_cycles is None:
        return True
    load = pass_load_cycles(problem, result.schedule) if problem.resident else 0
    return pass_cycles(problem.clock.specification, load) + result.makespan_cycles <= problem.interval_cycles


def solve_quickly(
    build_problems: Callable[[], Sequence[ProblemBuilder]], seed: int
) -> tuple[ScheduledLayer, ...] | str:
    """Return layers scheduled greedily, or why there is no schedule."""
    try:
        return solve_layers(
            build_problems(), SolveOptions("greedy", GREEDY_ONLY_EFFORT, seed), progress=lambda *_: None
        )
    except (InfeasibleError, NothingFoundError) as error:
        return str(error)

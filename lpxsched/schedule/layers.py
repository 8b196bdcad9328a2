"""Layers with equal problems are solved once; the guard of a layer covers its own length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.clocks.latency import pass_cycles
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.in_flight import solve_in_flight
from lpxsched.schedule.opening import bounded, solve_covered
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.polling import pass_load_cycles
from lpxsched.schedule.solve_layer import first_solved, is_symmetric, search_on, solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.schedule.frames import Frame, InFlight
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
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
    """A layer's own problem with the result of its distinct problem, and its frame where that repeats."""

    problem: LayerProblem
    distinct: DistinctResult
    frame: Frame | None = None


def solve_layer(
    problem: LayerProblem, options: SolveOptions, least: Sequence[Instance] = ()
) -> tuple[LayerProblem, Result]:
    """Return a layer's problem whose guard covers its own schedule, and its result.

    Parameters
    ----------
    problem : LayerProblem
    options : SolveOptions
    least : sequence of Instance
        Those of all layers that share the schedule (`Opening.least`), where it is more than this one.

    Raises
    ------
    InfeasibleError, NothingFoundError
    """
    problem.refuse_long_hops()

    def attempts(instance: Instance, _: int | None) -> Iterator[Result]:
        first = first_solved(instance, options)
        yield first.result
        yield search_on(instance, first, options).result

    def polling_cycles(result: Result) -> int:
        load = pass_load_cycles(problem, result.schedule) if problem.resident else 0
        return pass_cycles(problem.opening.clock.specification, load)

    names = "a layer", "try a smaller --batch"
    bare, opening = problem.instance, problem.opening
    least = least or [opening.least(bare)]
    covered = solve_covered(bare, opening, least, attempts, pass_cycles=polling_cycles, names=names)
    return problem.over(covered.interval_cycles), covered.result


def solve_layers(
    problems: Sequence[LayerProblem],
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None],
    in_flight: InFlight | None = None,
) -> tuple[ScheduledLayer, ...]:
    """Return every layer with the result of its problem; equal problems are solved once.

    Parameters
    ----------
    problems : sequence of LayerProblem
        One a layer.
    options : SolveOptions
    progress : callable
        Told a step, how many of its kind are done, and how many there are.
    in_flight : InFlight or None
        Several micro-batches share the one layer, which then repeats; None runs each layer on demand.

    Raises
    ------
    NothingFoundError
        When the solver is ``symmetric`` and no layer's problem is; where only some are, the others are greedy's.
    """
    layers_by_key: dict[tuple[str, bytes, int], list[int]] = {}
    least: dict[tuple[str, bytes, int], dict[str, Instance]] = {}
    for layer, problem in enumerate(problems):
        key, instance = problem.distinct_key(), problem.opening.least(problem.instance)
        layers_by_key.setdefault(key, []).append(layer)
        least.setdefault(key, {})[instance.key()] = instance
    if options.solver == "symmetric":
        _refuse_asymmetric([problems[layers[0]] for layers in layers_by_key.values()])
    scheduled: dict[int, ScheduledLayer] = {}
    for number, (key, layers) in enumerate(layers_by_key.items()):
        progress("solving", number, len(layers_by_key))
        instances = list(least[key].values())
        problem, result, frame = _solved(problems[layers[0]], options, in_flight, instances)
        wired = problem.instance.wires_only()
        wires = bounded(solve(wired, options), wired, [instance.wires_only() for instance in instances])
        # The bound of a period does not depend on guards.
        result = result if frame else bounded(result, problem.instance, instances)
        distinct = DistinctResult(number, problem.instance.network.chips, result, wires, tuple(layers))
        for layer in layers:
            scheduled[layer] = ScheduledLayer(problems[layer].over(problem.interval_cycles), distinct, frame)
    progress("solving", len(layers_by_key), len(layers_by_key))
    return tuple(scheduled[layer] for layer in range(len(problems)))


def _solved(
    problem: LayerProblem, options: SolveOptions, in_flight: InFlight | None, least: Sequence[Instance]
) -> tuple[LayerProblem, Result, Frame | None]:
    if in_flight:
        return solve_in_flight(problem, options, in_flight)
    return *solve_layer(problem, options, least), None


def _refuse_asymmetric(problems: Sequence[LayerProblem]) -> None:
    if not any(is_symmetric(problem.instance) for problem in problems):
        cause = "solver symmetric: no translation leaves a layer on its group of chips as it is"
        raise NothingFoundError(cause, remedy="try --solver auto")


def solve_quickly(
    build_problems: Callable[[], Sequence[LayerProblem]], seed: int, in_flight: InFlight | None = None
) -> tuple[ScheduledLayer, ...] | str:
    """Return layers scheduled greedily, or why there is no schedule."""
    quick = SolveOptions("greedy", GREEDY_ONLY_EFFORT, seed)
    try:
        return solve_layers(build_problems(), quick, progress=lambda *_: None, in_flight=in_flight)
    except (InfeasibleError, NothingFoundError) as error:
        return str(error)

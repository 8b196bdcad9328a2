"""Layers with equal problems are solved once; the guard of a layer covers its own length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.clocks.guard import longest_interval_cycles
from lpxsched.errors import NothingFoundError
from lpxsched.schedule.solve import SolveOptions, first_result, is_symmetric, search_on, solve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.schedule.problem import LayerProblem, ProblemBuilder
    from lpxsched.schedule.result import SolveResult

FIRST_INTERVAL_EPOCHS = 16


@dataclass(frozen=True, slots=True, eq=False)
class DistinctResult:
    """One distinct problem: its result, the result with all operators taking no time, and the layers that share it."""

    number: int
    chips: int
    result: SolveResult
    wires: SolveResult
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledLayer:
    """A layer's own problem with the result of its distinct problem."""

    problem: LayerProblem
    distinct: DistinctResult


def problem_with_covering_guard(
    build: ProblemBuilder, clock: ClockSpecification, options: SolveOptions
) -> tuple[LayerProblem, SolveResult]:
    """Return a problem whose guard covers its own schedule, and its first result.

    The guard grows with the time since the last deskew. A deskew in the middle of a layer costs about an epoch, a
    longer interval a few cycles a hop, so a layer opens with its only deskew and the interval is doubled until it
    holds the layer. Any later solver only shortens the first schedule.

    Parameters
    ----------
    build : callable
        Returns the layer's problem for an interval in cycles.
    clock : ClockSpecification
    options : SolveOptions

    Raises
    ------
    NothingFoundError
        When the layer is longer than clocks may run apart.
    """
    longest = longest_interval_cycles(clock)
    interval = FIRST_INTERVAL_EPOCHS * clock.hac_period_cycles.value
    while True:
        covered = interval if longest is None else min(interval, longest)
        problem = build(interval_cycles=covered)
        first = first_result(problem.instance, options)
        if first.makespan_cycles <= covered:
            return problem, first
        if covered == longest:
            raise NothingFoundError(
                f"a layer takes {first.makespan_cycles} cycles, and clocks of {clock.name} may run {longest} cycles "
                "between two deskews",
                remedy="try a smaller --batch",
            )
        interval *= 2


def solve_layers(
    builders: Sequence[ProblemBuilder],
    clock: ClockSpecification,
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None],
) -> tuple[ScheduledLayer, ...]:
    """Return every layer with the result of its problem; equal problems are solved once.

    Parameters
    ----------
    builders : sequence of callable
        One a layer: its problem for an interval in cycles.
    clock : ClockSpecification
    options : SolveOptions
    progress : callable
        Told a step, how many of its kind are done, and how many there are.

    Raises
    ------
    NothingFoundError
        When the solver is ``symmetric`` and no layer's problem is; where only some are, the others are greedy's.
    """
    first_interval = FIRST_INTERVAL_EPOCHS * clock.hac_period_cycles.value
    # Guards of different levels may be equal, rounded up, at this interval and differ at the one that covers the layer.
    layers_by_key: dict[tuple[str, int], list[int]] = {}
    distinct_problems: list[LayerProblem] = []
    for layer, build in enumerate(builders):
        problem = build(interval_cycles=first_interval)
        layers = layers_by_key.setdefault((problem.instance.key(), problem.levels), [])
        if not layers:
            distinct_problems.append(problem)
        layers.append(layer)
    if options.solver == "symmetric" and not any(is_symmetric(problem.instance) for problem in distinct_problems):
        cause = "solver symmetric: no translation leaves a layer on its group of chips as it is"
        raise NothingFoundError(cause, remedy="try --solver auto")
    scheduled: dict[int, ScheduledLayer] = {}
    for number, layers in enumerate(layers_by_key.values()):
        progress("solving", number, len(layers_by_key))
        problem, first = problem_with_covering_guard(builders[layers[0]], clock, options)
        distinct = DistinctResult(
            number,
            problem.instance.chips,
            search_on(problem.instance, first, options),
            solve(problem.instance.wires_only(), options),
            tuple(layers),
        )
        for layer in layers:
            scheduled[layer] = ScheduledLayer(builders[layer](interval_cycles=problem.interval_cycles), distinct)
    progress("solving", len(layers_by_key), len(layers_by_key))
    return tuple(scheduled[layer] for layer in range(len(builders)))

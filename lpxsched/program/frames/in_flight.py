"""Several micro-batches in flight: one base period, a phase for each layer, and the windows that each of them owns.

Layers keep the timetable that is shortest for one micro-batch (`period`). The longest step N P does not depend on the
period; a short one leaves more windows. Where no shift fits at a period near the load, or too few micro-batches do,
times are chosen anew for such periods, and of steps that are about as long the one with the shortest period is taken.
How often chips deskew, `gap_choice` weighs: guards grow with the time between two.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lpxsched.errors import NothingFoundError, micro_batches_fit
from lpxsched.program.frames.arranging import InFlight, arranged, held_over_periods
from lpxsched.program.frames.gap_choice import NEAR_STEPS, TriedGaps, tried_gaps
from lpxsched.program.frames.held import Resources
from lpxsched.program.frames.period import least_period
from lpxsched.program.frames.stages import longest_stages
from lpxsched.schedule.layers import Repeating, ScheduledLayer, anew_with_period, solve_layers
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.program.frames.stages import Machine
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Result

# By interval between deskews, the largest guard and what quick schedules come to.
QuickWindows = dict["int | None", "tuple[int, InFlight | NothingFoundError]"]
# Times are chosen anew for periods above the load by so many per cent, where that makes them shorter by one part in
# `WORTH`; the last where no other leaves windows enough.
SLACKS, LAST_SLACK, WORTH = (0, 2, 5, 10), 20, 20
# Nominal steps that differ by less than one part in so many are alike: to wait for a window takes more. A toy layer
# with whole experts on eight chips takes a batch every 888 cycles, not every 957, for steps of 12.83 us, not 12.76.
NEAR_NOMINAL = 100


def solve_layers_in_flight(
    problems: Sequence[LayerProblem],
    machine: Machine,
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    known: QuickWindows | None = None,
) -> InFlight:
    """Return layers with windows for all micro-batches.

    Parameters
    ----------
    problems : sequence of LayerProblem
    machine : Machine
    options : SolveOptions
    progress : callable
    known : dict, optional
        What was found at any effort for equal problems, solver and seed; what is found now is put there too.

    Raises
    ------
    InfeasibleError, NothingFoundError
        With how many fit, and what limits them.
    """
    if any(problem.graph.windows > 1 for problem in problems):
        cause = "rows beyond the capacity of experts take further windows, which nobody may own"
        raise NothingFoundError(cause, remedy="try a larger --capacity, or --in-flight 1")
    refused: list[NothingFoundError] = []
    quick = partial(_quick, problems, machine, options, {} if known is None else known)
    tried = tried_gaps(problems[0].opening.clock.intervals(), lambda interval: _told(interval, *quick(interval)))
    for interval in (one.interval_cycles for one in tried):
        layers = solve_layers(problems, options, progress=progress, repeating=Repeating(interval))
        # Shorter layers need not fit beside each other better.
        found = [arranged(layers, machine, interval), quick(interval)[1]]
        for period in _denser(layers, machine, interval, found):
            result = partial(anew_with_period, options=options, interval_cycles=interval, period_cycles=period)
            found.append(arranged(_with_results(layers, problems, result), machine, interval, least=period))
        fits = [one for one in found if isinstance(one, InFlight)]
        if fits:
            return replace(_densest_of(fits), tried=tuple(tried))
        refused += [one for one in found if isinstance(one, NothingFoundError)]
    # The one that came nearest.
    nothing = NothingFoundError("no interval between deskews", remedy="try another --clock")
    raise max(refused, key=micro_batches_fit, default=nothing)


def best_of(found: Sequence[InFlight]) -> InFlight:
    """Return the shortest nominal step of those whose longest step is next to the least."""
    return min(_next_to_least(found), key=lambda one: (one.step_cycles, one.chain.step_cycles))


def _next_to_least(found: Sequence[InFlight]) -> list[InFlight]:
    least = min(one.chain.step_cycles for one in found)
    return [one for one in found if one.chain.step_cycles * NEAR_STEPS <= least * (NEAR_STEPS + 1)]


def _densest_of(found: Sequence[InFlight]) -> InFlight:
    """Return the shortest period, which leaves most windows, of those with about the steps of the best."""
    shortest = best_of(found).step_cycles
    alike = [one for one in _next_to_least(found) if one.step_cycles * NEAR_NOMINAL <= shortest * (NEAR_NOMINAL + 1)]
    return min(alike, key=lambda one: (one.chain.period_cycles, one.step_cycles, one.chain.step_cycles))


def _denser(
    layers: Sequence[ScheduledLayer],
    machine: Machine,
    interval: int | None,
    found: Sequence[InFlight | NothingFoundError],
) -> Iterator[int]:
    """Yield periods for which times are worth choosing anew: near the load, where shifts alone need a longer one.

    What was found with those before is read from `found`, of which the first has no times chosen anew.
    """
    resources, stall = Resources.of(machine.fabric), layers[0].problem.opening.clock.stall_cycles(interval)
    held_at = held_over_periods(layers, machine, resources, longest_stages(layers, machine, stall))
    load = least_period(held_at(1), resources.count)
    for period in (load + load * slack // 100 for slack in SLACKS):
        if _is_worth(period, found[0]):
            yield period
    if not any(isinstance(one, InFlight) for one in found):
        yield load + load * LAST_SLACK // 100
    whole = {period for one in found if isinstance(one, InFlight) for period in _whole_windows(one)}
    for period in sorted(whole):
        if load <= period <= load + load * SLACKS[-1] // 100 and _is_worth(period, found[0]):
            yield period


def _is_worth(period: int, found: InFlight | NothingFoundError) -> bool:
    return isinstance(found, NothingFoundError) or period * WORTH < found.chain.period_cycles * (WORTH - 1)


def _whole_windows(found: InFlight) -> Iterator[int]:
    """Yield the period with which a nominal step may end just before a window, where windows are few.

    A step of delays D takes k = ceil(D / P) windows; k - 1 hold D in the period D / (k - 1). With it D itself grows by
    what the period does, where a task takes its unit a turn after another: (k - 1) P' = D + P' - P.
    """
    delay, period = int(found.nominal.delay_cycles.sum()), found.chain.period_cycles
    windows = delay // period
    if 2 <= windows < NEAR_STEPS:
        yield ceil_div(delay - period, windows - 1)


def _with_results(
    layers: Sequence[ScheduledLayer], problems: Sequence[LayerProblem], result: Callable[[LayerProblem], Result]
) -> tuple[ScheduledLayer, ...]:
    """Return layers with other results, one for each distinct problem."""
    distinct = {layer.distinct.number: layer.distinct for layer in layers}
    others = {number: replace(one, result=result(problems[one.layers[0]])) for number, one in distinct.items()}
    return tuple(replace(layer, distinct=others[layer.distinct.number]) for layer in layers)


def _quick(
    problems: Sequence[LayerProblem],
    machine: Machine,
    options: SolveOptions,
    known: QuickWindows,
    interval: int | None,
) -> tuple[int, InFlight | NothingFoundError]:
    """Return the largest guard, and what quick schedules come to with an interval between deskews."""
    if interval in known:
        return known[interval]
    greedy = replace(options, effort=GREEDY_ONLY_EFFORT)
    layers = solve_layers(problems, greedy, progress=lambda *_: None, repeating=Repeating(interval))
    guard = max(int(layer.problem.instance.network.guard_cycles.max(initial=0)) for layer in layers)
    known[interval] = guard, arranged(layers, machine, interval)
    return known[interval]


def _told(interval: int | None, guard: int, found: InFlight | NothingFoundError) -> TriedGaps:
    if isinstance(found, NothingFoundError):
        return TriedGaps(interval, guard)
    gaps, deskews = max(len(frame.gaps) for frame in found.frames), len(found.frames[0].deskews)
    period, longest = found.chain.period_cycles, found.chain.step_cycles
    return TriedGaps(interval, guard, deskews, gaps, found.chain.windows, period, longest, found.step_cycles)

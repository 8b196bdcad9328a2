"""Several micro-batches in flight: one base period, a phase for each layer, and the windows that each of them owns.

Layers keep the timetable that is shortest for one micro-batch (`period`). The longest step N P does not depend on the
period; a short one leaves more windows. Only where no shift fits, or too few micro-batches, are times chosen anew for
the shortest period. How often chips deskew, `gap_choice` weighs: guards grow with the time between two.

Between two time domains nobody knows how their windows lie to each other: a layer waits a period more at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import NothingFoundError, TooManyInFlightError, fitting
from lpxsched.program.frames.frames import Frame, drained, gap_windows, lost_residues
from lpxsched.program.frames.gap_choice import NEAR_STEPS, TriedGaps, tried_gaps
from lpxsched.program.frames.held import Resources, held_by, held_ports, joined, run_cycles
from lpxsched.program.frames.loads import Load, loads_of
from lpxsched.program.frames.period import least_period, shortest_chain
from lpxsched.program.frames.reserved_chain import ReservedChain, chain_of, free_residues, server_conflicts
from lpxsched.program.frames.stages import Machine, Stages, longest_stages, ports_of_layers, typical_stages
from lpxsched.schedule.in_flight import anew_with_period
from lpxsched.schedule.layers import Repeating, ScheduledLayer, solve_layers
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT
from lpxsched.traffic.group import sharing
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.program.frames.offsets import Held
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Result

# Windows of a frame that the format holds.
MOST_WINDOWS = 1 << 20
# Times are chosen anew for periods above the load by so many per cent, where that makes them shorter by one part in
# `WORTH`.
SLACKS, WORTH = (0, 2, 5, 10, 20), 20


@dataclass(frozen=True, slots=True, eq=False)
class InFlight:
    """Layers in flight.

    Attributes
    ----------
    layers : tuple of ScheduledLayer
    chain, nominal : ReservedChain
        With all delays at their maxima, and on perfect clocks with what is typical in their place.
    frames : tuple of Frame
    frame_of : tuple of int
        Frame of each layer.
    owned : tuple of (int, int)
        Residue and server of each micro-batch.
    rests : tuple of int
        How long rows of each layer rest at their hosts before they leave.
    loads : tuple of Load
        The busiest resource of each kind, the largest first.
    step_cycles : int
        A nominal step: the nominal chain, or what the most loaded resource takes for all micro-batches.
    tried : tuple of TriedGaps
        Intervals between deskews with what quick schedules come to, the best first.
    """

    layers: tuple[ScheduledLayer, ...]
    chain: ReservedChain
    nominal: ReservedChain
    frames: tuple[Frame, ...]
    frame_of: tuple[int, ...]
    owned: tuple[tuple[int, int], ...]
    rests: tuple[int, ...]
    loads: tuple[Load, ...]
    step_cycles: int
    tried: tuple[TriedGaps, ...] = ()


def solve_layers_in_flight(
    problems: Sequence[LayerProblem],
    machine: Machine,
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> InFlight:
    """Return layers with windows for all micro-batches.

    Raises
    ------
    InfeasibleError, NothingFoundError
        With how many fit, and what limits them.
    """
    if any(problem.graph.windows > 1 for problem in problems):
        cause = "rows beyond the capacity of experts take further windows, which nobody may own"
        raise NothingFoundError(cause, remedy="try a larger --capacity, or --in-flight 1")
    refused: list[NothingFoundError] = []
    quick = cache(partial(_quick, problems, machine, options))
    tried = tried_gaps(problems[0].opening.clock.intervals(), lambda interval: _told(interval, *quick(interval)))
    for interval in (one.interval_cycles for one in tried):
        layers = solve_layers(problems, options, progress=progress, repeating=Repeating(interval))
        # Shorter layers need not fit beside each other better.
        found = [arranged(layers, machine, interval), quick(interval)[1]]
        for period in _denser(layers, machine, interval, found[0]):
            result = partial(anew_with_period, options=options, interval_cycles=interval, period_cycles=period)
            found.append(arranged(_with_results(layers, problems, result), machine, interval, least=period))
            if isinstance(found[-1], InFlight) and found[-1].chain.period_cycles == period:
                break
        fits = [one for one in found if isinstance(one, InFlight)]
        if fits:
            return replace(best_of(fits), tried=tuple(tried))
        refused += [one for one in found if isinstance(one, NothingFoundError)]
    # The one that came nearest.
    nothing = NothingFoundError("no interval between deskews", remedy="try another --clock")
    raise max(refused, key=fitting, default=nothing)


def best_of(found: Sequence[InFlight]) -> InFlight:
    """Return the shortest nominal step of those whose longest step is next to the least."""
    least = min(one.chain.step_cycles for one in found)
    near = [one for one in found if one.chain.step_cycles * NEAR_STEPS <= least * (NEAR_STEPS + 1)]
    return min(near, key=lambda one: (one.step_cycles, one.chain.step_cycles))


def _denser(
    layers: Sequence[ScheduledLayer], machine: Machine, interval: int | None, found: InFlight | NothingFoundError
) -> Iterator[int]:
    """Yield periods for which times are worth choosing anew: near the load, where shifts alone need a longer one."""
    resources, stall = Resources.of(machine.fabric), layers[0].problem.opening.clock.stall_cycles(interval)
    held_at = _held(layers, machine, resources, longest_stages(layers, machine, stall))
    load = least_period(held_at(1), resources.count)
    for slack in SLACKS:
        period = load + load * slack // 100
        if isinstance(found, NothingFoundError) or period * WORTH < found.chain.period_cycles * (WORTH - 1):
            yield period


def _with_results(
    layers: Sequence[ScheduledLayer], problems: Sequence[LayerProblem], result: Callable[[LayerProblem], Result]
) -> tuple[ScheduledLayer, ...]:
    """Return layers with other results, one for each distinct problem."""
    distinct = {layer.distinct.number: layer.distinct for layer in layers}
    others = {number: replace(one, result=result(problems[one.layers[0]])) for number, one in distinct.items()}
    return tuple(replace(layer, distinct=others[layer.distinct.number]) for layer in layers)


def _quick(
    problems: Sequence[LayerProblem], machine: Machine, options: SolveOptions, interval: int | None
) -> tuple[int, InFlight | NothingFoundError]:
    """Return the largest guard, and what quick schedules come to with an interval between deskews."""
    greedy = replace(options, effort=GREEDY_ONLY_EFFORT)
    layers = solve_layers(problems, greedy, progress=lambda *_: None, repeating=Repeating(interval))
    guard = max(int(layer.problem.instance.network.guard_cycles.max(initial=0)) for layer in layers)
    return guard, arranged(layers, machine, interval)


def _told(interval: int | None, guard: int, found: InFlight | NothingFoundError) -> TriedGaps:
    if isinstance(found, NothingFoundError):
        return TriedGaps(interval, guard)
    gaps, deskews = max(len(frame.gaps) for frame in found.frames), len(found.frames[0].deskews)
    period, longest = found.chain.period_cycles, found.chain.step_cycles
    return TriedGaps(interval, guard, deskews, gaps, found.chain.windows, period, longest, found.step_cycles)


def arranged(
    layers: tuple[ScheduledLayer, ...], machine: Machine, interval: int | None, *, least: int = 1
) -> InFlight | NothingFoundError:
    """Return windows of scheduled layers, or why there are too few.

    Parameters
    ----------
    layers : tuple of ScheduledLayer
        Each with guards that cover the interval.
    machine : Machine
    interval : int or None
        Longest time between two deskews.
    least : int
        Shorter periods are not tried.
    """
    clock, resources = layers[0].problem.opening.clock, Resources.of(machine.fabric)
    stall = clock.stall_cycles(interval)
    most, runs = longest_stages(layers, machine, stall), np.array([run_cycles(layer) for layer in layers])
    held_at = _held(layers, machine, resources, most)
    frame_of = sharing(layer.problem.group.chips for layer in layers)
    keys = [(layer.distinct.number, layer.problem.group.chips) for layer in layers]
    longest = max(
        sum(run for run, of in zip(runs.tolist(), frame_of, strict=True) if of == frame) for frame in frame_of
    )
    least = max(least, least_period(held_at(1), resources.count))
    chain = shortest_chain(held_at, keys, most, least=least, longest=max(least, longest))
    if chain is None:
        return NothingFoundError("no period lets the layers run beside each other", remedy="try another --partition")
    if chain.windows > MOST_WINDOWS:
        cause = f"a step of {chain.step_cycles} cycles has {chain.windows} windows, at most {MOST_WINDOWS} make a frame"
        return NothingFoundError(cause, remedy="try a smaller --context, or another --handover")
    members = [[layer for layer, of in enumerate(frame_of) if of == frame] for frame in range(max(frame_of) + 1)]
    frames = _frames(layers, chain, members, runs, interval)
    if isinstance(frames, NothingFoundError):
        return frames
    lost = lost_residues(chain, list(zip(frames, members, strict=True)))
    conflicts = server_conflicts(most.served(chain), most.on_gpus, chain)
    owned = free_residues(conflicts, lost, machine.micro_batches, machine.outside.gpus.servers)
    loads = loads_of(held_at(1), resources, machine, most)
    if len(owned) < machine.micro_batches:
        return _too_many(len(owned), chain, len(lost), machine, loads)
    typical = typical_stages(layers, machine)
    nominal = chain_of(chain.phase_cycles, typical.delays(chain.period_cycles), chain.period_cycles)
    step = nominal_step(chain, nominal, max(len(frame.gaps) for frame in frames), machine, typical)
    repeated = _repeating(layers, chain.period_cycles)
    rests = tuple(most.rests(chain.period_cycles).tolist())
    return InFlight(repeated, chain, nominal, frames, tuple(frame_of), tuple(owned), rests, loads, step)


def _held(
    layers: Sequence[ScheduledLayer], machine: Machine, resources: Resources, most: Stages
) -> Callable[[int], list[Held]]:
    """Return what an iteration of each layer holds, given a period."""
    of_fabric, ports = [held_by(layer, resources) for layer in layers], ports_of_layers(layers, machine)
    before = max(into for of_layer in ports for into, _ in of_layer.values())

    def held_at(period: int) -> list[Held]:
        leaves = (most.segment + most.rests(period)).tolist()
        return [
            joined(one, held_ports(of_layer, resources, before=before, after=after))
            for one, of_layer, after in zip(of_fabric, ports, leaves, strict=True)
        ]

    return held_at


def _frames(
    layers: Sequence[ScheduledLayer],
    chain: ReservedChain,
    members: Sequence[Sequence[int]],
    runs: Integers,
    interval: int | None,
) -> tuple[Frame, ...] | NothingFoundError:
    """Return the frames, with deskews no farther apart than the interval."""
    clock = layers[0].problem.opening.clock
    stall, times = clock.stall_cycles(interval), 0
    if needs_alignment(clock.specification):
        most = max(gap_windows(chain, of_frame, runs, stall) for of_frame in members)
        apart = chain.windows if interval is None else interval // chain.period_cycles
        times = ceil_div(chain.windows, max(1, apart))
        if min(apart, chain.windows // times) <= most:
            cause = (
                f"a layer does not drain within {apart} windows of {chain.period_cycles} cycles, between two deskews"
            )
            return NothingFoundError(cause, remedy="try a smaller --batch, or --in-flight 1")
    # One base period for all, so what one layer asks for holds for every frame.
    bound = max(layer.distinct.result.bound.cycles for layer in layers)
    return tuple(
        drained(chain, of_frame, runs, stall_cycles=stall, times=times, bound_cycles=bound) for of_frame in members
    )


def nominal_step(chain: ReservedChain, nominal: ReservedChain, gaps: int, machine: Machine, typical: Stages) -> int:
    """Return a nominal step: the nominal chain, or what windows or GPUs take for all micro-batches if that is more.

    Of N windows a frame leaves out its gaps, the others serve; a server takes its micro-batches one after the other.
    """
    m, servers = machine.micro_batches, machine.outside.gpus.servers
    windows = ceil_div(m * chain.windows, chain.windows - gaps) * chain.period_cycles
    of_server = ceil_div(m, servers) * int(typical.on_gpus.sum())
    return max(nominal.step_cycles, windows, of_server)


def _too_many(
    fit: int, chain: ReservedChain, lost: int, machine: Machine, loads: Sequence[Load]
) -> TooManyInFlightError:
    """Return why only so many micro-batches fit, with N and the resource that limits them."""
    left, gpus = chain.windows - lost, machine.outside.gpus
    windows = f"N = {chain.windows} windows of {chain.period_cycles} cycles, {lost} of them lost to deskews"
    of_windows = next(load for load in loads if load.kind != "GPUs")
    limit = f"{of_windows.name}, {of_windows.cycles} cycles of each window"
    if fit < left:
        limit = f"{gpus.servers} micro-batches at once on GPUs of {gpus.name}, which a step of N P keeps busy"
    elif of_windows.cycles * (WORTH + 1) < chain.period_cycles * WORTH:
        limit = f"how layers fit beside each other, of which {limit}, is the largest load"
    return TooManyInFlightError(machine.micro_batches, fit, f"{windows}; the limit is {limit}")


def _repeating(layers: Sequence[ScheduledLayer], period: int) -> tuple[ScheduledLayer, ...]:
    """Return layers whose timetables repeat with a period; equal ones stay equal."""
    distinct = {
        layer.distinct.number: replace(
            layer.distinct,
            result=replace(
                layer.distinct.result, schedule=replace(layer.distinct.result.schedule, period_cycles=period)
            ),
        )
        for layer in layers
    }
    return tuple(replace(layer, distinct=distinct[layer.distinct.number]) for layer in layers)

"""Windows of layers that are scheduled: a phase for each, frames with their deskews, and residues of micro-batches.

Between two time domains nobody knows how their windows lie to each other: a layer waits a period more at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import NothingFoundError, TooManyInFlightError
from lpxsched.program.frames.frames import Frame, drained, gap_windows, lost_residues
from lpxsched.program.frames.held import Resources, held_by, held_ports, held_together, run_cycles
from lpxsched.program.frames.loads import Load, loads_of
from lpxsched.program.frames.period import least_period, shortest_chain
from lpxsched.program.frames.reserved_chain import ReservedChain, chain_of, free_residues, server_conflicts
from lpxsched.program.frames.stages import Machine, Stages, longest_stages, ports_of_layers, typical_stages
from lpxsched.traffic.group import sharing
from lpxsched.units import ceil_div, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.program.frames.gap_choice import TriedGaps
    from lpxsched.program.frames.offsets import Held
    from lpxsched.schedule.layers import ScheduledLayer

# Windows of a frame that the format holds.
MOST_WINDOWS = 1 << 20
# What is less than one part in so many from a load is at it.
NEAR_LOAD = 20


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
    held_at = held_over_periods(layers, machine, resources, most)
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


def held_over_periods(
    layers: Sequence[ScheduledLayer], machine: Machine, resources: Resources, most: Stages
) -> Callable[[int], list[Held]]:
    """Return what an iteration of each layer holds, given a period."""
    of_fabric, ports = [held_by(layer, resources) for layer in layers], ports_of_layers(layers, machine)
    before = max(into for of_layer in ports for into, _ in of_layer.values())

    def held_at(period: int) -> list[Held]:
        leaves = (most.segment + most.rests(period)).tolist()
        return [
            held_together(one, held_ports(of_layer, resources, before=before, after=after))
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
            cause = f"a layer does not drain within {counted(apart, 'window')} of {chain.period_cycles} cycles each"
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
    windows = f"N = {counted(chain.windows, 'window')} of {chain.period_cycles} cycles, {lost} of them lost to deskews"
    of_windows = next(load for load in loads if load.kind != "GPUs")
    limit = f"{of_windows.name}, {of_windows.cycles} cycles of each window"
    if fit < left:
        limit = f"{counted(gpus.servers, 'micro-batch')} at once on GPUs of {gpus.name}, which a step of N P keeps busy"
    elif of_windows.cycles * (NEAR_LOAD + 1) < chain.period_cycles * NEAR_LOAD:
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

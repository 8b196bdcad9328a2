"""Several micro-batches in flight on a whole model on the chips: one segment that begins anew with every period.

Layers follow each other in the segment, and chips align between them. With a deskew in every period, at one phase, each
iteration finds all of them at the same places of its own, as if it ran alone: so layers are moved behind deskews that
they would not end before, and of what is in flight nothing is cut. Several iterations are on the chips at once; layers
of one group, and of groups next to each other, lie beside each other modulo the period as layers on shared chips do
(`period`). The micro-batch is back for its own window when its last result is at a host and that window opens: N is
the least number of periods that hold the segment. A period is no shorter than the longest layer and a deskew; which one
is taken, `period_choice` weighs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import TooManyInFlightError
from lpxsched.program.frames.frames import Frame, spread
from lpxsched.program.frames.held import Resources
from lpxsched.program.frames.loads import fabric_loads
from lpxsched.program.frames.period import allowed_beside, between_layers, least_period
from lpxsched.program.frames.reserved_chain import chain_of, early_chain
from lpxsched.program.whole_model.chain import layers_of
from lpxsched.program.whole_model.kinds import greedy_over, kept_over, kinds_of, moved_over, results_of, searched
from lpxsched.program.whole_model.lengths import Lengths, lengths_of, lengths_over
from lpxsched.program.whole_model.period_choice import TriedPeriod, tried_periods
from lpxsched.units import ceil_div, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.frames.loads import Load
    from lpxsched.program.frames.reserved_chain import ReservedChain
    from lpxsched.program.whole_model.kinds import KindPlan, Kinds
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem

# Periods that are tried grow by one part in so many.
FINENESS = 64


@dataclass(frozen=True, slots=True, eq=False)
class ChainInFlight:
    """Layers one after the other, several micro-batches at once.

    Attributes
    ----------
    layers : tuple of ScheduledLayer
    starts : tuple of int
        Time zero of each layer, in the segment's time.
    makespan_cycles : int
    phase_cycles : int
        When in a period the segment begins.
    frame : Frame
    residues : tuple of int
        Of each micro-batch.
    wait_cycles : int
        For the own window, when everything takes as long as it may.
    step_cycles : int
        A nominal step.
    loads : tuple of Load
        The busiest link and unit, the larger load first.
    tried : tuple of TriedPeriod
        Periods that were weighed with these schedules, the best first.
    """

    layers: tuple[ScheduledLayer, ...]
    starts: tuple[int, ...]
    makespan_cycles: int
    phase_cycles: int
    frame: Frame
    residues: tuple[int, ...]
    wait_cycles: int
    step_cycles: int
    loads: tuple[Load, ...]
    tried: tuple[TriedPeriod, ...] = ()


def solve_chain_in_flight(
    problems: Sequence[LayerProblem],
    fabric: Fabric,
    micro_batches: int,
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> ChainInFlight:
    """Return layers one after the other with windows for all micro-batches, the shortest longest step that is found.

    The period, at which chips deskew, is weighed with quick schedules, and again with what a search made of these.

    Parameters
    ----------
    problems : sequence of LayerProblem
        One a layer, in their order, of one time domain.
    fabric : Fabric
    micro_batches : int
    options : SolveOptions
    progress : callable

    Raises
    ------
    InfeasibleError, TooManyInFlightError
        With how many fit, and what limits them.
    """
    kinds, resources = kinds_of(problems), Resources.of(fabric)
    quick = kept_over(kinds, lambda interval: greedy_over(kinds, interval, options))
    tried, fits = _weighed(kinds, quick, resources, micro_batches)
    if not tried:
        raise _too_many(micro_batches, *max(fits, key=lambda one: one[0]), resources, fabric)
    interval = tried[0].covered_cycles
    found = searched(kinds, interval, options, first=quick(interval), progress=progress)
    moved = kept_over(kinds, lambda interval: moved_over(kinds, interval, found))
    tried, fits = _weighed(kinds, moved, resources, micro_batches)
    if not tried:
        raise _too_many(micro_batches, *max(fits, key=lambda one: one[0]), resources, fabric)
    interval = tried[0].covered_cycles
    layers = layers_of(kinds, interval, options, found=moved(interval))
    laid = _laid(lengths_of(layers, resources, interval), resources, fabric, micro_batches)
    return replace(laid, tried=tuple(tried))


def _weighed(
    kinds: Kinds, plans_over: Callable[[int | None], dict[str, KindPlan]], resources: Resources, micro_batches: int
) -> tuple[list[TriedPeriod], list[tuple[int, Lengths]]]:
    """Return the periods that were tried, the best first, and how many windows any chain has of what lengths."""
    fits: list[tuple[int, Lengths]] = []

    def periods_over(interval: int | None) -> list[TriedPeriod]:
        results = results_of(plans_over(interval))
        guard, lengths = int(kinds.guards(interval).max(initial=0)), lengths_over(kinds, interval, results, resources)
        chains = list(_chains(lengths, resources, micro_batches))
        fits.append((max((chain.windows for chain in chains), default=0), lengths))
        return [
            TriedPeriod(
                interval_cycles=None if interval is None else chain.period_cycles - lengths.stall,
                covered_cycles=interval,
                guard_cycles=guard,
                stall_cycles=lengths.stall,
                windows=chain.windows,
                period_cycles=chain.period_cycles,
                step_cycles=_nominal_step(chain, lengths),
            )
            for chain in chains
            if chain.windows >= micro_batches
        ]

    def intervals() -> Iterator[int | None]:
        for interval in kinds.clock.intervals():
            yield interval
            # No period is longer than all layers in a row.
            if (interval or 0) > 2 * int(fits[-1][1].makespan.sum()):
                return

    return tried_periods(intervals(), periods_over), fits


def _nominal_step(chain: ReservedChain, lengths: Lengths) -> int:
    return chain_of(chain.phase_cycles, lengths.makespan, chain.period_cycles).step_cycles


def _chains(lengths: Lengths, resources: Resources, micro_batches: int) -> Iterator[ReservedChain]:
    """Yield a chain for each period at which layers lie beside each other.

    Periods are tried from the least one on, up to those with which no step has windows enough.
    """
    least = max(lengths.least_period, least_period(lengths.held, resources.count))
    # A step of N windows takes N periods; one of twice its layers is not worth a look.
    most = max(2 * least, ceil_div(2 * int(lengths.makespan.sum()), micro_batches))
    period = least
    while period <= most and (lengths.longest is None or period - lengths.stall <= lengths.longest):
        chain = _chain(lengths, period)
        if chain is not None:
            yield chain
        period += max(1, period // FINENESS)


def _chain(lengths: Lengths, period: int) -> ReservedChain | None:
    """Return the chain of layers at a period, each as early as deskews and the layers before it allow."""
    distinct = dict(zip(lengths.keys, lengths.held, strict=True))
    between = between_layers(distinct, lengths.keys, period)
    if between is None:
        return None
    beside = allowed_beside(between, period)
    delays = lengths.makespan.copy()
    delays[-1] += lengths.late
    chain = early_chain(delays, period, partial(_allowed, lengths, beside, period))
    return chain_of(chain.phase_cycles, delays, period) if chain else None


def _allowed(
    lengths: Lengths,
    beside: Callable[[int, dict[int, int]], NDArray[np.bool_]],
    period: int,
    layer: int,
    phases: dict[int, int],
) -> NDArray[np.bool_]:
    """Return the phases at which a layer meets neither those before it nor a deskew, which opens the period."""
    free = beside(layer, phases)
    if lengths.stall:
        free[: lengths.stall] = False
        free[max(0, period - int(lengths.run[layer]) + 1) :] = False
    return free


def _laid(lengths: Lengths, resources: Resources, fabric: Fabric, micro_batches: int) -> ChainInFlight:
    """Return the shortest step with windows for all micro-batches."""
    chains = list(_chains(lengths, resources, micro_batches))
    enough = [chain for chain in chains if chain.windows >= micro_batches]
    if not enough:
        raise _too_many(micro_batches, max((one.windows for one in chains), default=0), lengths, resources, fabric)
    chain = min(enough, key=lambda one: (one.step_cycles, _nominal_step(one, lengths), one.windows))
    period, first = chain.period_cycles, int(chain.start_cycles[0])
    starts = (chain.start_cycles - first).tolist()
    deskews = ((0, lengths.stall),) if lengths.stall else ()
    return ChainInFlight(
        layers=lengths.layers,
        starts=tuple(starts),
        makespan_cycles=starts[-1] + int(lengths.makespan[-1]),
        phase_cycles=first,
        frame=Frame(period, chain.windows, deskews=deskews, bound_cycles=_least_load(lengths.layers, resources)),
        residues=tuple(spread(chain.windows, micro_batches)),
        wait_cycles=int(chain.waits_cycles[0]),
        step_cycles=_nominal_step(chain, lengths),
        loads=fabric_loads(lengths.held, resources, fabric),
    )


def _least_load(layers: Sequence[ScheduledLayer], resources: Resources) -> int:
    """Return a bound of the period: operators of the graph run where it says, whatever the timetable."""
    load = np.zeros(resources.count, dtype=np.int64)
    for layer in layers:
        instance = layer.problem.instance
        node = instance.network.fabric_node[instance.operator_node]
        np.add.at(load, resources.unit(node, instance.operator_unit), instance.operator_cycles)
    return max(1, int(load.max()))


def _too_many(
    micro_batches: int, fit: int, lengths: Lengths, resources: Resources, fabric: Fabric
) -> TooManyInFlightError:
    """Return why only so many micro-batches fit, with N and what limits it."""
    load = fabric_loads(lengths.held, resources, fabric)[0]
    longest, stall = int(lengths.run.max()), lengths.stall
    limit = f"{load.name}, {load.cycles} cycles of each window, and the longest layer, {longest} between two deskews of"
    why = f"N = {counted(fit, 'window')} a step; the limit is {limit} {stall}"
    remedy = "more chips a layer with --partition"
    return TooManyInFlightError(micro_batches, fit, why, remedy=f"try fewer --in-flight, or {remedy}")

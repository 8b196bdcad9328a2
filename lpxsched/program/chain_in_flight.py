"""Several micro-batches in flight on a whole model on the chips: one segment that begins anew with every period.

Layers follow each other in the segment, and chips align between them. With a deskew in every period, at one phase, each
iteration finds all of them at the same places of its own, as if it ran alone: so layers are moved behind deskews that
they would not end before, and of what is in flight nothing is cut. Several iterations are on the chips at once; layers
of one group, and of groups next to each other, lie beside each other modulo the period as layers on shared chips do
(`period`). The micro-batch is back for its own window when its last result is at a host and that window opens: N is
the least number of periods that hold the segment. A period is no shorter than the longest layer and a deskew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.latency import arrival_ns
from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import NothingFoundError
from lpxsched.program.frames import Frame, spread
from lpxsched.program.held import Names, held_by, run_cycles
from lpxsched.program.loads import fabric_loads
from lpxsched.program.offsets import meets_itself
from lpxsched.program.period import allowed_beside, between_layers, least_period
from lpxsched.program.reserved_chain import chain_of, early_chain
from lpxsched.program.stages import most_cycles
from lpxsched.schedule.chain import layers_over
from lpxsched.schedule.chain_kinds import greedy_over, kinds_of, results_of
from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.loads import Load
    from lpxsched.program.offsets import Held, Integers
    from lpxsched.program.reserved_chain import ReservedChain
    from lpxsched.schedule.chain_kinds import Kinds
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Result

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


@dataclass(frozen=True, slots=True, eq=False)
class _Lengths:
    """What layers hold and how long they take, over one interval between deskews.

    Attributes
    ----------
    layers : tuple of ScheduledLayer
    held : list of Held
    keys : list of hashable
        Equal for layers that hold the same.
    makespan, run : ndarray of int64, shape (layers,)
        Until the next layer may begin; until nothing of it goes on.
    stall, late : int
        Of a deskew; by how much later than nominal the last result may be at its host, clocks included.
    longest : int or None
        No period is longer: guards hold for so long.
    """

    layers: tuple[ScheduledLayer, ...]
    held: list[Held]
    keys: list[Hashable]
    makespan: Integers
    run: Integers
    stall: int
    late: int
    longest: int | None

    @property
    def least_period(self) -> int:
        """Return the least period at which each layer lies between two deskews."""
        return int(self.run.max()) + self.stall


def solve_chain_in_flight(
    problems: Sequence[LayerProblem],
    fabric: Fabric,
    micro_batches: int,
    options: SolveOptions,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> ChainInFlight:
    """Return layers one after the other with windows for all micro-batches, the shortest step that is found.

    Intervals between deskews, which guards cover, are tried with quick schedules, longer ones as long as they help.

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
    InfeasibleError, NothingFoundError
        With how many fit, and what limits them.
    """
    alike, names = kinds_of(problems), Names.of(fabric)
    best: tuple[int, int | None] | None = None
    fits: list[tuple[int, _Lengths]] = []
    for interval in problems[0].opening.clock.intervals():
        quick = results_of(greedy_over(alike, interval, options))
        lengths = _lengths(_quick_layers(alike, interval, quick), names, interval)
        chains = list(_chains(lengths, names, micro_batches))
        fits += [(chain.windows, lengths) for chain in chains] or [(0, lengths)]
        steps = [chain.step_cycles for chain in chains if chain.windows >= micro_batches]
        if steps and (best is None or min(steps) < best[0]):
            best = min(steps), interval
        elif best is not None or (interval or 0) > 2 * int(lengths.makespan.sum()):
            break
    if best is None:
        raise _too_many(micro_batches, *max(fits, key=lambda one: one[0]), names, fabric)
    layers = layers_over(alike, best[1], options, progress=progress)
    return _laid(_lengths(layers, names, best[1]), names, fabric, micro_batches)


def _quick_layers(alike: Kinds, interval: int | None, quick: dict[str, Result]) -> tuple[ScheduledLayer, ...]:
    """Return layers with quick schedules; those without operators stand for nothing here."""
    kinds = {key: DistinctResult(number, 0, quick[key], quick[key], ()) for number, key in enumerate(alike.problems)}
    over = [problem.over(interval) for problem in alike.layers]
    return tuple(ScheduledLayer(problem, kinds[key]) for problem, key in zip(over, alike.keys, strict=True))


def _lengths(layers: tuple[ScheduledLayer, ...], names: Names, interval: int | None) -> _Lengths:
    clock = layers[0].problem.opening.clock
    stall = clock.stall_cycles(interval) if needs_alignment(clock.specification) else 0
    late_ns = arrival_ns(clock.specification, clock.clock_mhz, in_hop=clock.in_hop)
    makespan = [layer.distinct.result.makespan_cycles for layer in layers]
    # The next layer begins where one ends: what of it goes on longer is of the last one alone.
    runs = [*makespan[:-1], run_cycles(layers[-1])]
    return _Lengths(
        layers=layers,
        held=[held_by(layer, names) for layer in layers],
        keys=[_key(layer) for layer in layers],
        makespan=np.array(makespan, dtype=np.int64),
        run=np.array(runs, dtype=np.int64),
        stall=stall,
        late=stall + most_cycles(late_ns, clock),
        longest=interval,
    )


def _key(layer: ScheduledLayer) -> Hashable:
    before = layer.problem.before
    return layer.distinct.number, layer.problem.group.chips, before.chips if before else ()


def _chains(lengths: _Lengths, names: Names, micro_batches: int) -> Iterator[ReservedChain]:
    """Yield a chain for each period at which layers lie beside each other.

    Periods are tried from the least one on, up to those with which no step has windows enough.
    """
    least = max(lengths.least_period, least_period(lengths.held, names.count))
    # A step of N windows takes N periods; one of twice its layers is not worth a look.
    most = max(2 * least, ceil_div(2 * int(lengths.makespan.sum()), micro_batches))
    period = least
    while period <= most and (lengths.longest is None or period <= lengths.longest):
        chain = _chain(lengths, period)
        if chain is not None:
            yield chain
        period += max(1, period // FINENESS)


def _chain(lengths: _Lengths, period: int) -> ReservedChain | None:
    """Return the chain of layers at a period, each as early as deskews and the layers before it allow."""
    distinct = dict(zip(lengths.keys, lengths.held, strict=True))
    if any(meets_itself(one, period) for one in distinct.values()):
        return None
    beside = allowed_beside(between_layers(distinct, lengths.keys, period), period)
    delays = lengths.makespan.copy()
    delays[-1] += lengths.late
    chain = early_chain(delays, period, partial(_allowed, lengths, beside, period))
    return chain_of(chain.phase_cycles, delays, period) if chain else None


def _allowed(
    lengths: _Lengths,
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


def _laid(lengths: _Lengths, names: Names, fabric: Fabric, micro_batches: int) -> ChainInFlight:
    """Return the shortest step with windows for all micro-batches."""
    chains = list(_chains(lengths, names, micro_batches))
    enough = [chain for chain in chains if chain.windows >= micro_batches]
    if not enough:
        raise _too_many(micro_batches, max((one.windows for one in chains), default=0), lengths, names, fabric)
    chain = min(enough, key=lambda one: (one.step_cycles, one.period_cycles))
    period, first = chain.period_cycles, int(chain.start_cycles[0])
    starts = (chain.start_cycles - first).tolist()
    deskews = ((0, lengths.stall),) if lengths.stall else ()
    return ChainInFlight(
        layers=lengths.layers,
        starts=tuple(starts),
        makespan_cycles=starts[-1] + int(lengths.makespan[-1]),
        phase_cycles=first,
        frame=Frame(period, chain.windows, deskews=deskews, bound_cycles=_least_load(lengths.layers, names)),
        residues=tuple(spread(chain.windows, micro_batches)),
        wait_cycles=int(chain.waits_cycles[0]),
        step_cycles=chain_of(chain.phase_cycles, lengths.makespan, period).step_cycles,
        loads=fabric_loads(lengths.held, names, fabric),
    )


def _least_load(layers: Sequence[ScheduledLayer], names: Names) -> int:
    """Return a bound of the period: operators of the graph run where it says, whatever the timetable."""
    load = np.zeros(names.count, dtype=np.int64)
    for layer in layers:
        instance = layer.problem.instance
        node = instance.network.fabric_node[instance.operator_node]
        np.add.at(load, names.unit(node, instance.operator_unit), instance.operator_cycles)
    return max(1, int(load.max()))


def _too_many(micro_batches: int, fit: int, lengths: _Lengths, names: Names, fabric: Fabric) -> NothingFoundError:
    """Return why only so many micro-batches fit, with N and what limits it."""
    load = fabric_loads(lengths.held, names, fabric)[0]
    longest, stall = int(lengths.run.max()), lengths.stall
    limit = f"{load.name}, {load.cycles} cycles of each window, and the longest layer, {longest} between two deskews of"
    cause = f"{micro_batches} micro-batches in flight, and {fit} fit: N = {fit} windows a step; the limit is {limit}"
    return NothingFoundError(f"{cause} {stall}", remedy="try fewer --in-flight, or more chips a layer with --partition")

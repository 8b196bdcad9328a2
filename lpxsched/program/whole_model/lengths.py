"""What layers in flight hold and how long they take, with guards that cover one interval between deskews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.latency import arrival_ns
from lpxsched.clocks.tree import needs_alignment
from lpxsched.program.frames.held import held_by, run_cycles
from lpxsched.program.frames.stages import most_cycles
from lpxsched.schedule.layers import DistinctResult, ScheduledLayer

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from lpxsched.compiled.kernels import Integers
    from lpxsched.program.frames.held import Resources
    from lpxsched.program.frames.offsets import Held
    from lpxsched.program.whole_model.kinds import Kinds
    from lpxsched.schedule.result import Result


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
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
        No more lies between two deskews: guards hold for so long.
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


def lengths_over(kinds: Kinds, interval: int | None, results: Mapping[str, Result], resources: Resources) -> Lengths:
    """Return what layers hold and how long they take with some results of their kinds."""
    ofs = {key: DistinctResult(number, results[key], results[key], ()) for number, key in enumerate(kinds.problems)}
    over = [problem.over(interval) for problem in kinds.layers]
    layers = tuple(ScheduledLayer(problem, ofs[key]) for problem, key in zip(over, kinds.keys, strict=True))
    return lengths_of(layers, resources, interval)


def lengths_of(layers: tuple[ScheduledLayer, ...], resources: Resources, interval: int | None) -> Lengths:
    """Return what scheduled layers hold and how long they take, their guards covering an interval."""
    clock = layers[0].problem.opening.clock
    stall = clock.stall_cycles(interval) if needs_alignment(clock.specification) else 0
    late_ns = arrival_ns(clock.specification, clock.clock_mhz, in_hop=clock.in_hop)
    makespan = [layer.distinct.result.makespan_cycles for layer in layers]
    # The next layer begins where one ends: what of it goes on longer is of the last one alone.
    runs = [*makespan[:-1], run_cycles(layers[-1])]
    return Lengths(
        layers=layers,
        held=[held_by(layer, resources) for layer in layers],
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

"""What differs from step to step: start-ups, the experts that rows meet, and what follows of that."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.experts import routed_layers
from lpxsched.contention.laying import lay
from lpxsched.contention.network import PS_PER_NS, picoseconds
from lpxsched.contention.site import Wiring
from lpxsched.contention.state import ADAPTIVE, FIFO, HASH, MINIMAL, RANDOM
from lpxsched.contention.tables import Step
from lpxsched.contention.tokens import drawn_experts
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.experts import RoutedLayer
    from lpxsched.contention.laying import Laid
    from lpxsched.contention.runtime import Runtime
    from lpxsched.options import ContendOptions
    from lpxsched.timetable.build import Build

ROUTINGS = {"minimal": MINIMAL, "hash": HASH, "adaptive": ADAPTIVE}
ARBITRATIONS = {"fifo": FIFO, "random": RANDOM}
# Ways among which a packet chooses with adaptive routing.
CHOICES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A segment, and all that its steps are drawn from.

    Attributes
    ----------
    build : Build
    segment : int
    options : ContendOptions
    runtime : Runtime
    laid : Laid
    layers : list of RoutedLayer
    """

    build: Build
    segment: int
    options: ContendOptions
    runtime: Runtime
    laid: Laid
    layers: list[RoutedLayer]

    def step(self, number: int) -> Step:
        """Return a step, the same for the same seed, segment and number."""
        seeds = np.random.SeedSequence((self.options.seed, self.segment, number))
        generator = np.random.Generator(np.random.PCG64(seeds))
        laid = self.laid
        duration, sent, awaited = laid.duration_ps.copy(), laid.send_vectors.copy(), laid.awaited.copy()
        for layer in self.layers:
            chosen = drawn_experts(layer.routed, self.options.tokens, generator)
            duration[np.searchsorted(laid.operator, layer.operator)] = self._durations(layer, chosen)
            self._send(layer, chosen, sent, awaited)
        median, calls = self.runtime.start_up_ns * PS_PER_NS, len(laid.program.call_sends_at) - 1
        start_up = median * np.exp(self.runtime.deviation * generator.standard_normal(calls))
        carried = (
            np.where(laid.hop_send == NONE, laid.hop_vectors, sent[laid.hop_send]) if len(sent) else laid.hop_vectors
        )
        return Step(
            duration=duration,
            start_up=np.rint(start_up).astype(np.int64),
            sent=sent,
            carried=carried,
            missing=awaited[laid.program.group_of],
            routing=ROUTINGS[self.options.routing],
            arbitration=ARBITRATIONS[self.options.arbitration],
            seed=int(generator.integers(2**62)),
        )

    def _durations(self, layer: RoutedLayer, chosen: Integers) -> Integers:
        clock_mhz = Fraction(self.build.manifest.clock_mhz)
        cycles = layer.durations(chosen).tolist()
        known = {value: picoseconds(value, clock_mhz) for value in set(cycles)}
        return np.array([known[value] for value in cycles], dtype=np.int64)

    def _send(self, layer: RoutedLayer, chosen: Integers, sent: Integers, awaited: Integers) -> None:
        """Send what the routing asks for, and let readers wait for that."""
        laid, packet = self.laid, self.laid.program.packet
        routed = np.flatnonzero(np.isin(laid.send_tensor, [*layer.placed, *layer.labels]))
        before = sent[routed].copy()
        shards = self.build.operators.shard[laid.send_reader[routed]]
        for send, tensor, shard in zip(
            routed.tolist(), laid.send_tensor[routed].tolist(), shards.tolist(), strict=True
        ):
            sent[send] = layer.sent_vectors(chosen, tensor, shard)
        more = np.zeros(len(sent), dtype=np.int64)
        more[routed] = -(-sent[routed] // packet) - -(-before // packet)
        np.add.at(awaited, laid.read_group, more[laid.read_send])


def drawing_of(build: Build, segment: int, options: ContendOptions, runtime: Runtime) -> Drawing:
    """Return what the steps of a segment are drawn from.

    Raises
    ------
    InputError
        When chips of the segment do not reach each other.
    """
    layers = routed_layers(build, segment)
    times = {tensor: layer.windows for layer in layers for tensor in (*layer.placed, *layer.labels)}
    wiring = Wiring(
        runtime.packet_vectors,
        runtime.header_bytes,
        CHOICES if options.routing == "adaptive" else 1,
        options.routing == "hash",
        options.seed,
    )
    return Drawing(build, segment, options, runtime, lay(build, segment, wiring, times), layers)

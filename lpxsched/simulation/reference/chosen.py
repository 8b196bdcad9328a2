"""A build made ready for the reference, and clocks and jitter for a run of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.draws import cut_off, spread_within, uniform
from lpxsched.simulation.limits import Limits
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.simulation.reference.oscillator import FEMTOSECONDS_PER_US, PARTS, TURN, Drawn, Wave
from lpxsched.simulation.reference.outcome import Wire
from lpxsched.simulation.timeline import produced_segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.reference.outcome import Outcome
    from lpxsched.timetable.build import Build

# A ramp moves a frequency by so little in a session that offsets are drawn so much nearer to their middle.
RAMPING_S = 0.01
# Chips poll so many times in vain at most.
MOST_VOID_PASSES = 2


@dataclass(frozen=True, slots=True)
class Chosen:
    """Clocks, jitter and the start of one run.

    Attributes
    ----------
    clocks : mapping of int to Drawn
        Of nodes; others are as told.
    jitter_fs : callable
        Of a row and a vector.
    counter_jitter_fs : callable
        Of a child and the number of an exchange.
    counters : mapping of int to int
        Corrections with which counters wake up, in millionths of a cycle.
    event : float
        When rows come within the last pass that is void, or an epoch, in [0, 1).
    void_passes, absent : int
        Passes of chips that poll before rows are there, and which host has none in the first of them; the next one has
        none in the next.
    since_fs : int
        True time before which nothing happens.
    locked : frozenset of int
        Chips whose counters follow their parents by then: those of the session before.
    """

    clocks: Mapping[int, Drawn]
    jitter_fs: Callable[[int, int], int]
    counter_jitter_fs: Callable[[int, int], int]
    counters: Mapping[int, int] = field(default_factory=dict)
    event: float = 0.5
    void_passes: int = 1
    absent: int = 0
    since_fs: int = 0
    locked: frozenset[int] = frozenset()

    def after(self, outcome: Outcome) -> Chosen:
        """Return the same clocks and links when a session is over: time, counters and ramps go on from there.

        Chips without part in it exchanged no counters meanwhile, and have drifted.
        """
        counters = {**self.counters, **outcome.counters}
        return replace(self, counters=counters, since_fs=outcome.finished_fs, locked=frozenset(outcome.counters))


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A build made ready for runs.

    Attributes
    ----------
    build : Build
    clock : ClockSpecification
    limits : Limits
    wave : Wave
    alignment : Alignment
    wires : dict of int to Wire
        Of each row of the timetable.
    row_segments : ndarray of int64, shape (slots,)
    """

    build: Build
    clock: ClockSpecification
    limits: Limits
    wave: Wave
    alignment: Alignment
    wires: dict[int, Wire]
    row_segments: np.ndarray[Any, np.dtype[np.int64]]


def prepare(build: Build, clock: ClockSpecification | None = None) -> Reference:
    """Return a build ready to run on its own clock, or on another."""
    specification, clock_mhz = clock or read_clock(build), read_clock_mhz(build)
    limits = Limits.of(specification, clock_mhz, in_hop=build.manifest.guard_in_hop)
    wave = Wave(FEMTOSECONDS_PER_US / clock_mhz, limits.slowdown, limits.spread_rate, limits.ramp)
    links, buffers = build.links, build.chips.deskew_buffer_vectors
    host = build.chips.host[links.dst]
    of_link = {
        link: Wire(
            link=link,
            to=int(links.dst[link]),
            latency_fs=int(links.latency_cycles[link] * wave.cycle_fs),
            vector_time=int(links.vector_time_numerator[link]) * PARTS // int(links.vector_time_denominator[link]),
            crossing=limits.crossing_cycles * PARTS,
            depth=NONE if host[link] else int(buffers[links.dst[link]]),
        )
        for link in np.unique(build.slots.link).tolist()
    }
    wires = {row: of_link[link] for row, link in enumerate(build.slots.link.tolist())}
    alignment = read_alignment(build, specification.shared_by.value)
    segments = produced_segments(build, np.arange(len(build.slots)))
    return Reference(build, specification, limits, wave, alignment, wires, segments)


def drawn(reference: Reference, seed: int) -> Chosen:
    """Return clocks and jitter at random within the specification."""
    limits, rng, nodes = reference.limits, np.random.Generator(np.random.PCG64(seed)), reference.alignment.nodes
    rho, ramped = int(limits.rho * 10**12), _ramped_ppt(reference)
    # A ramp that would carry a clock beyond its offset before it is aligned is less steep.
    most, steepest = max(rho - ramped, 0), min(10**12, 10**12 * rho // ramped)
    numbers = np.stack(
        [
            rng.integers(-most, most + 1, nodes),
            rng.integers(0, TURN, nodes),
            rng.integers(-steepest, steepest + 1, nodes),
        ]
    )
    numbers = numbers[:, reference.alignment.oscillator]
    clocks = {node: Drawn(*numbers[:, node].tolist()) for node in range(nodes)}
    woken = rng.integers(-126 * PARTS, 126 * PARTS, nodes)
    reach_fs = [cycles * float(reference.wave.cycle_fs) for cycles in _counter_jitters_cycles(reference)]

    def counter_jitter_fs(child: int, number: int) -> int:
        return int((2 * uniform(seed + 1, child, number) - 1) * reach_fs[child])

    return Chosen(
        clocks,
        jitter_of(reference, seed),
        counter_jitter_fs,
        dict(enumerate(woken.tolist())),
        float(rng.random()),
        void_passes=int(rng.integers(1, MOST_VOID_PASSES + 1)),
        absent=int(rng.integers(0, 1 << 16)),
    )


def jitter_of(reference: Reference, seed: int) -> Callable[[int, int], int]:
    """Return how much longer than its latency a link takes, for a row and a vector, in femtoseconds."""
    limits, build, cycle = reference.limits, reference.build, float(reference.wave.cycle_fs)
    place = limits.place_of(build.links.link_class)[build.slots.link].tolist()
    low, high = -float(limits.early_cycles), [float(delay) for delay in limits.delays_cycles]
    deviation = reference.clock.jitter_deviation_ns.value * FEMTOSECONDS_PER_US / 1000 / cycle

    tails = [cut_off(low, most, deviation) for most in high]

    def jitter_fs(row: int, vector: int) -> int:
        of_class = place[row]
        part = uniform(seed, row, vector)
        return int(spread_within(low, high[of_class], deviation, tails[of_class], part) * cycle)

    return jitter_fs


def _ramped_ppt(reference: Reference) -> int:
    return int(reference.clock.drift_ppm_per_s.value * 10**6 * RAMPING_S) + 1


def _counter_jitters_cycles(reference: Reference) -> list[float]:
    """Return how much counters' messages to each node may jitter so that it stays within the residual of a level.

    What clocks run apart from one message until the next one has come is part of the residual, and so is what a parent
    below the root moves in that time: its child hears of it later.
    """
    limits, clock, tree, links = reference.limits, reference.clock, reference.alignment.tree, reference.build.links
    every = clock.hac_exchange_cycles.value
    apart = limits.drift_cycles(every + 2 * clock.hac_period_cycles.value)
    still = max(float(limits.residual_cycles - apart), 0.0)
    latest = int(links.latency_cycles.max(initial=0)) + every + 2 * still
    moved = (latest // every + 1) * clock.hac_step_cycles.value
    return [still if above == NONE or tree.depth[above] == 0 else max(still - moved, 0.0) for above in tree.parent]

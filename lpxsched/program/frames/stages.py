"""What a visit of a micro-batch takes by its parts, in cycles of the chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import fastest_rate, wander_cycles
from lpxsched.clocks.latency import arrival_ns
from lpxsched.units import ceil_cycles, ns_to_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lpxsched.clocks.limits import DomainClock
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.frames.reserved_chain import ReservedChain
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.schedule.layers import ScheduledLayer


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """What layers in flight share.

    Attributes
    ----------
    fabric : Fabric
    tree : AlignmentTree
    outside : Outside
    micro_batches : int
    """

    fabric: Fabric
    tree: AlignmentTree
    outside: Outside
    micro_batches: int


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """What visits take; the last one leads to the first of the next step.

    Attributes
    ----------
    segment : ndarray of int64, shape (layers,)
        From a window until the last result is at its host.
    out, on_gpus, back : ndarray of int64, shape (layers,)
        Hand-over to the GPUs, time there, hand-over to the next layer.
    crosses : ndarray of int64, shape (layers,)
        1 where the next layer is in another time domain, so that it may wait a period more.
    """

    segment: Integers
    out: Integers
    on_gpus: Integers
    back: Integers
    crosses: Integers

    def rests(self, period: int) -> Integers:
        """Return how long rows rest at their hosts before they leave, shape (layers,).

        Those of every layer leave equally long after a window, modulo the period, as those of the most layers do.
        """
        lengths, count = np.unique(self.segment, return_counts=True)
        return np.asarray((lengths[count.argmax()] - self.segment) % period)

    def delays(self, period: int) -> Integers:
        """Return D_l, shape (layers,)."""
        own = self.segment + self.rests(period) + self.out + self.on_gpus + self.back
        return np.asarray(own + self.crosses * period)

    def served(self, chain: ReservedChain) -> Integers:
        """Return when residue 0 comes to the GPUs as reserved, shape (layers,)."""
        return np.asarray(chain.start_cycles + self.segment + self.rests(chain.period_cycles) + self.out)


def longest_stages(layers: Sequence[ScheduledLayer], machine: Machine, stall: int) -> Stages:
    """Return what visits take at most: clocks of chips differ by less than a stall, all outside is at its maxima.

    Every hand-over in counts as the longest of all layers, so that rows of each begin to hold ports equally long before
    a window: layers on one host then fit beside each other on both sides of its port alike (see `Stages.rests`).
    """
    clock = layers[0].problem.opening.clock
    late_ns = arrival_ns(clock.specification, clock.clock_mhz, in_hop=clock.in_hop)
    visits, end = machine.outside.visits, machine.outside.ending
    return Stages(
        segment=_makespans(layers) + stall + most_cycles(late_ns, clock),
        out=_most([visit.out.high for visit in visits], clock),
        on_gpus=_most([visit.attention.high for visit in visits[1:]] + [end.high + visits[0].attention.high], clock),
        back=_most([max(visit.into.high for visit in visits)] * len(visits), clock),
        crosses=_crosses(layers, machine),
    )


def typical_stages(layers: Sequence[ScheduledLayer], machine: Machine) -> Stages:
    """Return what visits take on perfect clocks with all outside at its typical value."""
    clock, visits, end = layers[0].problem.opening.clock, machine.outside.visits, machine.outside.ending
    on_gpus = [visit.attention.value for visit in visits[1:]] + [end.value + visits[0].attention.value]
    return Stages(
        segment=_makespans(layers),
        out=_plain([visit.out.value for visit in visits], clock),
        on_gpus=_plain(on_gpus, clock),
        back=_plain([visit.into.value for visit in (*visits[1:], visits[0])], clock),
        crosses=np.zeros(len(layers), dtype=np.int64),
    )


def ports_of_layers(layers: Sequence[ScheduledLayer], machine: Machine) -> list[dict[int, tuple[int, int]]]:
    """Return for how many cycles rows of each layer hold the port of each host at most, in and out."""
    clock, handover = layers[0].problem.opening.clock, machine.outside.handover

    def cycles(size_bytes: int) -> int:
        return most_cycles(handover.port_ns(size_bytes).high, clock)

    return [
        {host: (cycles(into), cycles(out)) for host, (into, out) in visit.ports.items()}
        for visit in machine.outside.visits
    ]


def most_cycles(time_ns: Fraction, clock: DomainClock) -> int:
    """Return how many cycles a clock counts at most in a time outside of the fabric."""
    cycles, specification = ns_to_cycles(time_ns, clock.clock_mhz), clock.specification
    stray = wander_cycles(specification, ceil_cycles(cycles), clock.clock_mhz)
    return ceil_cycles(cycles * fastest_rate(specification) + stray)


def _most(times_ns: Sequence[Fraction], clock: DomainClock) -> Integers:
    return np.array([most_cycles(time_ns, clock) for time_ns in times_ns], dtype=np.int64)


def _plain(times_ns: Sequence[Fraction], clock: DomainClock) -> Integers:
    """Return times in cycles of a perfect clock."""
    return np.array([ceil_cycles(ns_to_cycles(time_ns, clock.clock_mhz)) for time_ns in times_ns], dtype=np.int64)


def _makespans(layers: Sequence[ScheduledLayer]) -> Integers:
    return np.array([layer.distinct.result.makespan_cycles for layer in layers], dtype=np.int64)


def _crosses(layers: Sequence[ScheduledLayer], machine: Machine) -> Integers:
    domain = machine.tree.root[[layer.problem.group.chips[0] for layer in layers]]
    return np.asarray(domain != np.roll(domain, -1), dtype=np.int64)

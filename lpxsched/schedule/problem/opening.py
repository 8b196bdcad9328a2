"""How a segment opens: the stall of its deskew, and the guards of bundles over the time until the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS
from lpxsched.clocks.limits import DomainClock, Hop
from lpxsched.clocks.oscillators import drift_apart, oscillators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The clocks of a segment, and how many edges of the tree of counters its guards cover; shape (bundles,).

    `clock` is that of the time domain, `least_clock` the same as deep as the segment's own chips. The guard of a bundle
    covers `levels`: between chips the most of its class, so that what is symmetric in the links of a class stays
    symmetric in time; one from a host, `NONE` to a host, where nothing is scheduled to be read. `least_levels` are
    those between its own ends. Where clocks are `shared` both ends count with one oscillator, and so do those of all
    bundles of the class.
    """

    clock: DomainClock
    least_clock: DomainClock
    levels: Integers
    least_levels: Integers
    shared: Flags

    def over(self, instance: Instance, interval_cycles: int | None) -> Instance:
        """Return an instance with the guards and the stall of an interval between deskews; None leaves drift out."""
        return self._opened(instance, self.clock, self.levels, interval_cycles)

    def least(self, instance: Instance) -> Instance:
        """Return an instance with the least that the rules ask of clocks: the own ends of links, its chips' stall.

        No drift is reckoned with, so that its bound is one of every schedule, whatever its guard and interval.
        """
        return self._opened(instance, self.least_clock, self.least_levels, 0)

    def _opened(self, instance: Instance, clock: DomainClock, levels: Integers, interval: int | None) -> Instance:
        network = instance.network.with_guards(self._guards(clock, instance.network, levels, interval))
        return replace(instance, network=network, release_cycles=clock.stall_cycles(interval))

    def guards_of_ends(self, network: Network, interval_cycles: int | None) -> Integers:
        """Return the guards of an interval that the own ends of each bundle ask for."""
        return self._guards(self.clock, network, self.least_levels, interval_cycles)

    def _guards(self, clock: DomainClock, network: Network, levels: Integers, interval_cycles: int | None) -> Integers:
        latency = np.where(self.shared, network.latency_cycles, NONE)
        return clock.guards_cycles(levels, interval_cycles, network.link_class, network.class_names, latency)

    def hops(self, network: Network) -> list[Hop]:
        """Return the hop of each bundle without its guard."""
        wires = (network.hop_cycles - network.guard_cycles).tolist()
        return [
            Hop(network.class_names[of_class], cycles, None if levels == NONE else levels)
            for of_class, cycles, levels in zip(network.link_class.tolist(), wires, self.levels.tolist(), strict=True)
        ]


def opening_on(fabric: Fabric, network: Network, tree: AlignmentTree, clock: ClockSpecification) -> Opening:
    """Return how a segment on a network opens."""
    least, chips = _levels_between(network, tree), network.fabric_node[: network.width]
    between, kind = network.between_chips, network.link_class
    most = np.full(len(network.class_names), NONE, dtype=np.int64)
    np.maximum.at(most, kind[between], least[between])
    drifts = drift_apart(fabric, clock, tree, network.fabric_node)
    domain = DomainClock(clock, tree.height(int(chips[0])), fabric.chip.clock_mhz, fabric.guard_in_hop, drifts)
    own = replace(domain, depth=max(0, int(tree.depth[chips].max())))
    return Opening(domain, own, np.where(between, most[kind], least), least, _shared(fabric, network, clock))


def _shared(fabric: Fabric, network: Network, clock: ClockSpecification) -> Flags:
    """Return the bundles between chips of a class all ends of which count with one oscillator each."""
    of_node = oscillators(fabric, clock)[network.fabric_node]
    shared: Flags = network.between_chips & (of_node[network.source] == of_node[network.destination])
    for of_class in np.unique(network.link_class[network.between_chips & ~shared]).tolist():
        shared &= network.link_class != of_class
    return shared


def _levels_between(network: Network, tree: AlignmentTree) -> Integers:
    """Return the tree edges between the ends of each bundle, 1 from a host, `NONE` to a host: there is no guard."""
    levels = np.where(network.source >= network.chips, HOST_LEVELS, NONE)
    inside = np.flatnonzero(network.between_chips)
    ends = network.fabric_node[network.source[inside]], network.fabric_node[network.destination[inside]]
    levels[inside] = tree.levels_between(*ends)
    return levels

"""How a segment opens: the stall of its deskew, and the guards of bundles over the time until the next.

Both grow with the interval between deskews, which doubles until it covers the schedule; bounds hold for any guard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS
from lpxsched.clocks.limits import DomainClock, Hop
from lpxsched.clocks.oscillators import drift_apart, oscillators
from lpxsched.schedule.bounds import lower_bound
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import LowerBound, Result


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


def solve_covered(
    bare: Instance,
    opening: Opening,
    least: Sequence[Instance],
    attempts: Callable[[Instance, int | None], Iterator[Result]],
    *,
    pass_cycles: Callable[[Result], int] = lambda _: 0,
    names: tuple[str, str],
) -> tuple[Instance, int | None, Result]:
    """Return an instance over an interval between deskews, that interval (None without drift), and what it holds.

    Guards grow with the time since the last deskew. One in the middle of a segment costs about an epoch, so a segment
    opens with its only one, and the interval doubles until it holds the segment, and the pass before it if chips poll.

    No schedule fits into an interval shorter than the bound of the `least`, which `bounded` has too. `attempts` yields
    results over an interval, the quickest first: one that is too long tells that the interval is. `pass_cycles` of a
    result lie between the deskew and its schedule; `names` say in messages what the segment is, and what to try where
    it is too long.

    Raises
    ------
    InfeasibleError
        When the alignment tree is too deep for the clock, or the segment is provably longer than clocks may run apart.
    NothingFoundError
    """
    lengths, longest = [0], opening.clock.longest_interval_cycles()
    for interval in opening.clock.intervals():
        if interval is not None and interval < _bound_of(least).cycles:
            continue
        instance, lengths = opening.over(bare, interval), []
        for result in attempts(instance, interval):
            lengths.append(pass_cycles(result) + result.makespan_cycles)
            if interval is not None and lengths[-1] > interval:
                break
        else:
            return instance, interval, result
        if longest is not None and lengths[0] > longest:
            break
    bound, (what, remedy) = _bound_of(least), names
    raise opening.clock.too_long(
        what, least_cycles=bound.cycles, proof=bound.name, found_cycles=lengths[-1], remedy=remedy
    )


def bounded(result: Result, instance: Instance, least: Sequence[Instance]) -> Result:
    """Return a result beside the bound of every schedule: guards that cover it ask for more than the rules do.

    It is a result of the instance. The bound is that of the `least`: all that share it, with the least guards and
    stalls, from `Opening.least`.
    """
    return result if all(is_least(instance, of) for of in least) else replace(result, bound=_bound_of(least))


def _bound_of(least: Sequence[Instance]) -> LowerBound:
    return min(map(lower_bound, least), key=lambda bound: bound.cycles)


def is_least(instance: Instance, least: Instance) -> bool:
    """Return whether an instance has no longer guards, and no longer stall, than the rules ask for."""
    guards = instance.network.guard_cycles.tolist(), least.network.guard_cycles.tolist()
    return guards[0] == guards[1] and instance.release_cycles == least.release_cycles

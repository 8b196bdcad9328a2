"""The network that a problem is solved on: the bundles between its nodes, what they take, and how long.

A slot of n vectors holds its link for ceil(n p) cycles, p being the bundle's *pitch*: the time of one vector on
pipelined wires. Busy ones are held until the vector has arrived, so their pitch is that time and the latency, rounded
up to whole cycles, and every vector is a slot of its own. A vector is read a *hop* after it departs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.units import NONE, ceil_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric, LinkClass, Wire

NO_LIMIT = 0
# Columns of bundles: of their wires, and all.
WIRE_COLUMNS = ("lanes", "link_class", "latency_cycles", "guard_cycles", "pitch_numerator", "pitch_denominator")
BUNDLE_COLUMNS = ("source", "destination", *WIRE_COLUMNS)
ALL = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Nodes and bundles over local numbers: chips that take part, in the order of shards, then relays, then hosts.

    Attributes
    ----------
    width, chips : int
        Chips that take part, and chips in all. Hosts begin and end ways but never relay.
    fabric_node : ndarray of int64, shape (nodes,)
        The node of the fabric behind each; a host of several chips is a node for each of them.
    class_names : tuple of str
        Of all classes of links of the fabric.
    source, destination, lanes, link_class : ndarray of int64, shape (bundles,)
        Ends, number of parallel links, class of links; the builder sorts by source, destination, class.
    latency_cycles : ndarray of int64, shape (bundles,)
        From the end of one vector's hold to its last bit at the far end: 0 on busy wires.
    guard_cycles : ndarray of int64, shape (bundles,)
        What a read waits besides, for the clocks at the two ends.
    pitch_numerator, pitch_denominator : ndarray of int64, shape (bundles,)
        Exact cycles from one vector of a slot to the next.
    links : Ragged
        The links of the fabric in each bundle, one a lane.
    turnaround_cycles : int
        From a read to the same vector's departure.
    inject_per_cycle, eject_per_cycle : int
        Vectors that may begin and end at a chip in a cycle; `NO_LIMIT` for any number.
    wire : str
        ``pipelined`` or ``busy``.
    """

    width: int
    chips: int
    fabric_node: Integers
    class_names: tuple[str, ...]
    source: Integers
    destination: Integers
    lanes: Integers
    link_class: Integers
    latency_cycles: Integers
    guard_cycles: Integers
    pitch_numerator: Integers
    pitch_denominator: Integers
    links: Ragged
    turnaround_cycles: int
    inject_per_cycle: int
    eject_per_cycle: int
    wire: Wire

    @property
    def nodes(self) -> int:
        """Number of chips and hosts."""
        return len(self.fabric_node)

    @property
    def bundles(self) -> int:
        """Number of bundles."""
        return len(self.source)

    @property
    def between_chips(self) -> Flags:
        """Whether each bundle joins two chips."""
        return (self.source < self.chips) & (self.destination < self.chips)

    @property
    def host_pairs(self) -> Integers:
        """Each chip and host that a bundle joins, once, by chip; shape (2, pairs)."""
        ends = np.sort(np.stack([self.source, self.destination]), axis=0)
        return np.unique(ends[:, ~self.between_chips], axis=1)

    @property
    def hop_cycles(self) -> Integers:
        """From departure to earliest read of one vector on each bundle: ceil(v + latency + guard)."""
        return self.hold_cycles(1) + self.latency_cycles + self.guard_cycles

    def hold_cycles(self, vectors: int | Integers, bundle: Integers | slice = ALL) -> Integers:
        """Return how long slots of so many vectors hold links of some bundles, rounded up to whole cycles.

        For one vector less it is the time from the read of a slot's first vector to a cycle at which its last is read.
        """
        return -(-vectors * self.pitch_numerator[bundle] // self.pitch_denominator[bundle])

    def reversed(self) -> Network:
        """Return the same bundles the other way round, numbered alike (so not sorted by source)."""
        return replace(self, source=self.destination, destination=self.source)

    def with_guards(self, guard_cycles: int | Integers) -> Network:
        """Return the network with a guard on all bundles, or one on each."""
        return replace(self, guard_cycles=np.full(self.bundles, guard_cycles, dtype=np.int64))

    def with_bundles(self, bundles: Integers) -> Network:
        """Return the network with some of its bundles, in the given order."""
        columns = {name: getattr(self, name)[bundles] for name in BUNDLE_COLUMNS}
        return replace(self, links=self.links.taken(bundles), **columns)

    def without_relays(self, kept: Flags) -> Network:
        """Return the network without some of its relays and the bundles at them; all other nodes are `kept`."""
        if kept.all():
            return self
        number = np.cumsum(kept) - 1
        rest = self.with_bundles(np.flatnonzero(kept[self.source] & kept[self.destination]))
        return replace(
            rest,
            chips=int(kept[: self.chips].sum()),
            fabric_node=self.fabric_node[kept],
            source=number[rest.source],
            destination=number[rest.destination],
        )


def network_on(
    fabric: Fabric, chips: Sequence[int], *, relays: Sequence[int] = (), hosts: Sequence[int] = ()
) -> Network:
    """Return the network of some chips of a fabric, without guards.

    Relays may pass vectors on besides the chips that take part; `hosts` has the host of each of these, or nothing.
    """
    first, links = fabric.bundle_starts()
    members = np.array([*chips, *relays], dtype=np.int64)
    source, destination = _local_ends(fabric, members, hosts, links[first])
    link_class, known = fabric.link_class[links[first]], (source >= 0) & (destination >= 0)
    order = np.lexsort((link_class, destination, source))
    order = order[known[order]]
    of_links = Ragged(np.append(first, len(links)), links).taken(order)
    pitch = [_pitch(of_class, fabric.wire) for of_class in fabric.link_classes]
    latency = [of_class.latency_cycles * (fabric.wire == "pipelined") for of_class in fabric.link_classes]
    kind = link_class[order]
    return Network(
        width=len(chips),
        chips=len(members),
        fabric_node=np.concatenate([members, np.array(hosts, dtype=np.int64)]),
        class_names=tuple(of_class.name for of_class in fabric.link_classes),
        source=source[order],
        destination=destination[order],
        lanes=np.diff(of_links.offsets),
        link_class=kind,
        latency_cycles=np.array(latency, dtype=np.int64)[kind],
        guard_cycles=np.zeros(len(order), dtype=np.int64),
        pitch_numerator=np.array([of_class.numerator for of_class in pitch], dtype=np.int64)[kind],
        pitch_denominator=np.array([of_class.denominator for of_class in pitch], dtype=np.int64)[kind],
        links=of_links,
        turnaround_cycles=fabric.turnaround_cycles,
        inject_per_cycle=fabric.inject_per_cycle or NO_LIMIT,
        eject_per_cycle=fabric.eject_per_cycle or NO_LIMIT,
        wire=fabric.wire,
    )


def _pitch(link_class: LinkClass, wire: Wire) -> Fraction:
    if wire == "pipelined":
        return link_class.vector_time_cycles
    return Fraction(ceil_cycles(link_class.vector_time_cycles) + link_class.latency_cycles)


def _local_ends(fabric: Fabric, members: Integers, hosts: Sequence[int], links: Integers) -> tuple[Integers, Integers]:
    """Return the local numbers of the ends of links, `NONE` where one has none; a host's are by chip."""
    number, host, of_host = (np.full(fabric.nodes, NONE, dtype=np.int64) for _ in range(3))
    number[members] = np.arange(len(members))
    at = members[: len(hosts)]
    host[at], of_host[at] = hosts, len(members) + np.arange(len(hosts))
    source, destination = fabric.source[links], fabric.destination[links]
    return (
        np.where(host[destination] == source, of_host[destination], number[source]),
        np.where(host[source] == destination, of_host[source], number[destination]),
    )

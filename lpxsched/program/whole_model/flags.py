"""Flags of hosts where a segment has several layers: to the chips of all of them, beside the first layers.

Flags go over all links between these chips, also those that no row uses. Layers that begin before all chips have
branched belong together: no deskew lies between them, and none of their operators that write in place what they read of
users, as states are, starts before. Rows of a cache may be written before: the next pass writes them again, unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.flags import LaidSlots, flags_beside, flags_on
from lpxsched.schedule.opening import opening_on
from lpxsched.schedule.problem.network import network_on
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.opening import Opening
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import HostFlags, Schedule

# Flags in what rows leave free may take so much longer than those that go first.
MARGIN_CYCLES = 252
# What a step reads of users and writes in its place: done twice it is another. Rows of caches are written alone.
IN_PLACE = frozenset({"state", "convolution", "tokens"})


class FlagWays(NamedTuple):
    """All links of a fabric on which flags may go: between the chips of a segment, and from its hosts."""

    network: Network
    opening: Opening


def flag_ways_on(
    fabric: Fabric, layers: Sequence[LayerProblem], *, clock: ClockSpecification, tree: AlignmentTree
) -> FlagWays | None:
    """Return the links for the flags of layers that follow each other; None where no chips poll."""
    if not any(layer.resident for layer in layers):
        return None
    groups = [layer.group for layer in layers if layer.meets_hosts]
    host_of = {chip: host for group in groups for chip, host in zip(group.chips, group.hosts, strict=True)}
    others = dict.fromkeys(layer.node(chip) for layer in layers for chip in range(layer.instance.network.chips))
    relays = [chip for chip in others if chip not in host_of]
    network = network_on(fabric, list(host_of), relays=relays, hosts=list(host_of.values()))
    return FlagWays(network, opening_on(fabric, network, tree, clock))


class Lead(NamedTuple):
    """Flags of a segment from the end of its opening deskew on.

    Attributes
    ----------
    network : Network
    flags : HostFlags
    shift_cycles : int
        By how much all layers begin later.
    layers : int
        How many begin before chips branch.
    """

    network: Network
    flags: HostFlags
    shift_cycles: int
    layers: int

    def led(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Return the lengths of layers, all that begin before chips branch as one with the first, and the shift."""
        joined = sum(lengths[: self.layers]) + self.shift_cycles
        return (joined, *(0 for _ in lengths[1 : self.layers]), *lengths[self.layers :])


@dataclass(frozen=True, slots=True, eq=False)
class Polled:
    """All links on which flags may go, without guards.

    Attributes
    ----------
    ways : FlagWays
    guard : ndarray of int64, shape (bundles,)
        The place of each bundle among those of all kinds of layers; `NONE` where rows of none of them may go.
    places : tuple of ndarray of int64
        Each bundle of each layer in this network.
    in_place : tuple of tuple of int
        Operators of each layer that write what they read of users.
    """

    ways: FlagWays
    guard: Integers
    places: tuple[Integers, ...]
    in_place: tuple[tuple[int, ...], ...]

    def guards(self, of_kinds: Integers, interval: int | None) -> Integers:
        """Return the guards of all bundles over an interval: those of layers, and of the own ends of others.

        Parameters
        ----------
        of_kinds : ndarray of int64
            Of the bundles of all kinds of layers.
        interval : int or None
        """
        own = self.ways.opening.guards_of_ends(self.ways.network, interval)
        return np.where(self.guard == NONE, own, of_kinds[self.guard])

    def lead(self, guards: Integers, schedules: Iterable[Schedule], opens_cycles: int = NEVER) -> Lead:
        """Return the flags before the first layers, or in what these leave free, where rows begin sooner so.

        Parameters
        ----------
        guards : ndarray of int64
            Of all bundles.
        schedules : iterable of Schedule
            Of the layers in their order.
        opens_cycles : int
            When a deskew lies between or inside the first layers.
        """
        network = self.ways.network.with_guards(guards)
        branch, now = flags_on(network, 0).branch_cycles, 0
        starts, parts, before = list[int](), list[LaidSlots](), opens_cycles
        for schedule, place, kept in zip(schedules, self.places, self.in_place, strict=True):
            if now > branch + MARGIN_CYCLES:
                before = min(before, now)
                break
            rows = LaidSlots.of(schedule)
            parts.append(rows._replace(bundle=place[rows.bundle], depart=rows.depart + now))
            before = min([before, *(now + int(schedule.operator_start[one]) for one in kept)])
            starts.append(now)
            now += schedule.makespan_cycles
        rows = LaidSlots(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        shift, flags = min(
            flags_beside(network, 0, rows, before_cycles=before), key=lambda one: (one[0], one[1].void_cycles)
        )
        return Lead(network, flags, shift, max(1, sum(start + shift < flags.branch_cycles for start in starts)))


def polled_on(
    ways: FlagWays, layers: Sequence[LayerProblem], keys: Sequence[str], kinds: Mapping[str, LayerProblem]
) -> Polled:
    """Return the links for the flags of layers that follow each other, beside those of their rows.

    Parameters
    ----------
    ways : FlagWays
    layers : sequence of LayerProblem
    keys : sequence of str
        Kind of each.
    kinds : mapping of str to LayerProblem
    """
    counts = [kind.instance.network.bundles for kind in kinds.values()]
    before = dict(zip(kinds, np.cumsum(counts) - counts, strict=True))
    known = _first_links(ways.network)
    order = np.argsort(known)
    guard = np.full(len(known), NONE, dtype=np.int64)
    places = []
    for key, layer in zip(keys, layers, strict=True):
        own = _first_links(layer.instance.network)
        places.append(order[np.searchsorted(known, own, sorter=order)])
        guard[places[-1]] = before[key] + np.arange(len(own))
    in_place = tuple(
        tuple(number for number, placed in enumerate(layer.operators) if placed.cost.weight_name in IN_PLACE)
        for layer in layers
    )
    return Polled(ways, guard, tuple(places), in_place)


def _first_links(network: Network) -> Integers:
    """Return the first link of each bundle, of which no two bundles have the same."""
    return network.links.values[network.links.offsets[:-1]]

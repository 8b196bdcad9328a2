"""Flags of hosts where a segment has several layers: to the chips of all of them, beside the first layers.

Only the first layer has rows of hosts. Layers that begin before all chips have branched belong together: no deskew lies
between them, and none of their operators that write what is kept of users, as keys and values are, starts before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.flags import LaidSlots, flags_beside, flags_on
from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import HostFlags, Schedule

# Flags in what rows leave free may take so much longer than those that go first.
MARGIN_CYCLES = 252


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
    """All links on which rows of some layers may go, without guards.

    Attributes
    ----------
    network : Network
        A host is one node of it.
    guard : ndarray of int64, shape (bundles,)
        The place of each bundle among those of all kinds of layers.
    places : tuple of ndarray of int64
        Each bundle of each layer in this network.
    kept : tuple of tuple of int
        Operators of each layer that write what is kept of users.
    """

    network: Network
    guard: Integers
    places: tuple[Integers, ...]
    kept: tuple[tuple[int, ...], ...]

    def lead(self, guards: Integers, schedules: Iterable[Schedule], opens_cycles: int = NEVER) -> Lead:
        """Return the flags before the first layers, or in what these leave free, where rows begin sooner so.

        Parameters
        ----------
        guards : ndarray of int64
            Of the bundles of all kinds of layers.
        schedules : iterable of Schedule
            Of the layers in their order.
        opens_cycles : int
            When a deskew lies between or inside the first layers.
        """
        network = self.network.with_guards(guards[self.guard])
        branch, now = flags_on(network, 0).branch_cycles, 0
        starts, parts, before = list[int](), list[LaidSlots](), opens_cycles
        for schedule, place, kept in zip(schedules, self.places, self.kept, strict=True):
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


def polled_on(layers: Sequence[LayerProblem], keys: Sequence[str], kinds: Mapping[str, LayerProblem]) -> Polled | None:
    """Return the links for the flags of layers that follow each other; None where no chips poll.

    Parameters
    ----------
    layers : sequence of LayerProblem
    keys : sequence of str
        Kind of each.
    kinds : mapping of str to LayerProblem
    """
    if not any(layer.resident for layer in layers):
        return None
    counts = [kind.instance.network.bundles for kind in kinds.values()]
    before = dict(zip(kinds, np.cumsum(counts) - counts, strict=True))
    networks = [layer.instance.network for layer in layers]
    links = [network.links.values[network.links.offsets[:-1]] for network in networks]
    guard = np.concatenate([before[key] + np.arange(len(own)) for key, own in zip(keys, links, strict=True)])
    known, place = np.unique(np.concatenate(links), return_index=True)
    network = _joined(networks, place)
    kept = tuple(
        tuple(
            number
            for number, placed in enumerate(layer.operators)
            if placed.cost.weight_bytes and placed.cost.weight_name != "weights"
        )
        for layer in layers
    )
    return Polled(network, guard[place], tuple(np.searchsorted(known, own) for own in links), kept)


def _joined(networks: Sequence[Network], place: Integers) -> Network:
    """Return a network of some bundles of several ones; chips and hosts are nodes in their order in the fabric."""
    chips = np.unique(np.concatenate([one.fabric_node[: one.chips] for one in networks]))
    hosts = np.unique(np.concatenate([one.fabric_node[one.chips :] for one in networks]))
    nodes = np.concatenate([chips, hosts])
    lanes = np.concatenate([one.lanes for one in networks])
    links = Ragged(np.append(0, np.cumsum(lanes)), np.concatenate([one.links.values for one in networks]))

    def ends(name: str) -> Integers:
        return np.searchsorted(nodes, np.concatenate([one.fabric_node[getattr(one, name)] for one in networks]))

    def bundles(name: str) -> Integers:
        return np.concatenate([getattr(one, name) for one in networks])

    whole = replace(
        networks[0],
        width=len(chips),
        chips=len(chips),
        fabric_node=nodes,
        source=ends("source"),
        destination=ends("destination"),
        lanes=lanes,
        link_class=bundles("link_class"),
        latency_cycles=bundles("latency_cycles"),
        guard_cycles=bundles("guard_cycles"),
        pitch_numerator=bundles("pitch_numerator"),
        pitch_denominator=bundles("pitch_denominator"),
        links=links,
    )
    return whole.with_bundles(place)

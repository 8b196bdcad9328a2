"""Groups of translations that leave a network as it is.

A group acts on chips, on hosts with their chips, and through both on bundles and on all that belongs to nodes:
operators, demands, pieces. It is usable when it maps chips that take part onto such, and bundles onto bundles of equal
class, wires, guard and lanes. Translations act freely on nodes, so every orbit of what belongs to nodes has as many
elements as the group. A schedule of one thing of each orbit, translated, is then a schedule of all: of the translates
of one slot exactly one lies on a given bundle of the slot's orbit, so the load of that bundle at a cycle is the number
of representatives' slots on the orbit; and so it is with the units of chips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import sorted_adjacency
from lpxsched.fabric.symmetry import bundle_images, translations
from lpxsched.schedule.problem.network import BUNDLE_COLUMNS, Network
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.traffic.collectives import ROOTED
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance


@dataclass(frozen=True, slots=True, eq=False)
class Symmetry:
    """A group of translations: where each element, the identity first, takes nodes and bundles.

    Shapes are (order, nodes) and (order, bundles).
    """

    node_map: Integers
    bundle_map: Integers

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.node_map)

    def node_orbit(self) -> Integers:
        """Return the number of each node's orbit, shape (nodes,)."""
        return np.unique(self.node_map.min(axis=0), return_inverse=True)[1].astype(np.int64)

    def bundle_orbit(self) -> Integers:
        """Return the number of each bundle's orbit, shape (bundles,)."""
        return np.unique(self.bundle_map.min(axis=0), return_inverse=True)[1].astype(np.int64)

    def carried(self, node: Integers) -> Integers:
        """Return where each element takes things that belong to nodes: the k-th of a node to the k-th of its image.

        Nodes of one orbit have equally many; shape (order, things).
        """
        by_node, first = grouped(node, self.node_map.shape[1])
        place = np.empty_like(by_node)
        place[by_node] = np.arange(len(node)) - first[node[by_node]]
        image: Integers = by_node[first[self.node_map[:, node]] + place]
        return image


def trivial(network: Network) -> Symmetry:
    """Return the group of the identity alone."""
    return Symmetry(*(np.arange(size, dtype=np.int64)[None, :] for size in (network.nodes, network.bundles)))


def symmetries(problem: Instance) -> Iterator[Symmetry]:
    """Yield the groups that leave a collective as it is: a root stays where it is, so kinds with a root have none."""
    if problem.stage.kind not in ROOTED:
        yield from network_groups(problem.network)


def network_groups(network: Network) -> Iterator[Symmetry]:
    """Yield usable groups, the largest first; the trivial one is not among them."""
    chips, between = network.chips, network.between_chips
    if chips < 2:
        return
    rank = np.argsort(np.argsort(network.fabric_node[:chips])).astype(np.int64)
    by_rank = np.argsort(network.fabric_node[:chips]).astype(np.int64)
    source, destination, kind = network.source, network.destination, _kinds(network)
    ends = rank[source[between]], rank[destination[between]]
    joined = sorted_adjacency(chips, *ends, kind[between], network.lanes[between])
    for elements in translations(joined).groups():
        node_map = _with_hosts(network, by_rank[elements[:, rank]])
        if node_map is None or len(node_map) == 1 or (node_map[:, : network.width] >= network.width).any():
            continue
        bundle_map = bundle_images(source, destination, kind, node_map)
        if bundle_map is not None:
            yield Symmetry(node_map, bundle_map)


def _kinds(network: Network) -> Integers:
    """Return a number for each bundle that tells apart wires, and bundles of equal ends and wires."""
    wires = [getattr(network, name) for name in BUNDLE_COLUMNS if name not in ("source", "destination")]
    kind = np.unique(np.column_stack(wires), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    ends = (network.source * network.nodes + network.destination) * (int(kind.max(initial=0)) + 1) + kind
    order = np.argsort(ends, kind="stable")
    twin = np.empty_like(order)
    twin[order] = np.arange(len(ends)) - np.searchsorted(ends[order], ends[order])
    return kind * (int(twin.max(initial=0)) + 1) + twin


def _with_hosts(network: Network, elements: Integers) -> Integers | None:
    """Return where elements take all nodes, hosts with their chips; None where one goes to where there is none.

    So it is where a host is at several chips, too; hosts may be there for some chips only.
    """
    hosts = np.arange(network.chips, network.nodes)
    if not len(hosts):
        return elements
    ends = np.sort(np.stack([network.source, network.destination]), axis=0)[:, ~network.between_chips]
    chip, host = np.unique(ends, axis=1)
    if not np.array_equal(np.sort(host), hosts) or len(np.unique(chip)) < len(chip):
        return None
    host_of = np.full(network.chips, NONE, dtype=np.int64)
    host_of[chip] = host
    at = np.empty_like(hosts)
    at[host - network.chips] = chip
    moved = host_of[elements[:, at]]
    return None if (moved == NONE).any() else np.hstack([elements, moved])

"""Groups of translations that leave a network as it is, and problems seen from their representatives.

A group acts on chips, on hosts with their chips, and through both on bundles and on all that belongs to nodes:
operators, demands, pieces. It is usable when it maps chips that take part onto such, and bundles onto bundles of equal
class, wires, guard and lanes. Translations act freely on nodes, so every orbit of what belongs to nodes has as many
elements as the group. A schedule of one thing of each orbit, translated, is then a schedule of all: of the translates
of one slot exactly one lies on a given bundle of the slot's orbit, so the load of that bundle at a cycle is the number
of representatives' slots on the orbit; and so it is with the units of chips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.fabric.adjacency import sorted_adjacency
from lpxsched.fabric.symmetry import bundle_images, translations
from lpxsched.schedule.problem.network import WIRE_COLUMNS, Network
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.schedule.problem.wires import Wires, all_ways
from lpxsched.traffic.collectives import ROOTED
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import AddCost, Instance


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
        return np.asarray(by_node[first[self.node_map[:, node]] + place])


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
    wires = [getattr(network, name) for name in WIRE_COLUMNS]
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
    chip, host = network.host_pairs
    if not np.array_equal(np.sort(host), hosts) or len(np.unique(chip)) < len(chip):
        return None
    host_of = np.full(network.chips, NONE, dtype=np.int64)
    host_of[chip] = host
    at = np.empty_like(hosts)
    at[host - network.chips] = chip
    moved = host_of[elements[:, at]]
    return None if (moved == NONE).any() else np.hstack([elements, moved])


def wires_of(network: Network, symmetry: Symmetry) -> Wires:
    """Return the bundles of a network, those of one orbit a resource."""
    resource, (out, out_offsets) = symmetry.bundle_orbit(), grouped(network.source, network.nodes)
    lanes = np.zeros(int(resource.max(initial=-1)) + 1, dtype=np.int64)
    lanes[resource] = network.lanes
    return Wires(
        width=network.width,
        chips=network.chips,
        nodes=network.nodes,
        source=network.source,
        destination=network.destination,
        hop=network.hop_cycles,
        numerator=network.pitch_numerator,
        denominator=network.pitch_denominator,
        out_offsets=out_offsets,
        out=out,
        resource=resource,
        lanes=lanes,
        first_lane=np.cumsum(lanes) - lanes,
        turnaround=network.turnaround_cycles,
        node_orbit=symmetry.node_orbit(),
        inject=network.inject_per_cycle,
        eject=network.eject_per_cycle,
    )


class OperatorTasks(NamedTuple):
    """Representatives of operators; all are numbered by `task`, for each operator the place of its representative.

    `node`, `unit` and `cycles` are columns of the representatives, `before` and `after` pairs of them; nothing of the
    problem starts before `release`.
    """

    task: Integers
    node: Integers
    unit: Integers
    cycles: Integers
    before: Integers
    after: Integers
    release: int

    def __bool__(self) -> bool:
        return bool(len(self.node))


@dataclass(frozen=True, eq=False)
class Represented:
    """A problem seen from the representatives of a group that leaves it as it is.

    Without slots, so that what is found of it is found when it is first asked for, which may be never.
    """

    instance: Instance
    symmetry: Symmetry

    @property
    def network(self) -> Network:
        """Bundles with what they take."""
        return self.instance.network

    @property
    def add_cost(self) -> AddCost:
        """What sums take."""
        return self.instance.add_cost

    @cached_property
    def least_node(self) -> Integers:
        """The representative of each node, the least of its orbit."""
        return np.asarray(self.symmetry.node_map.min(axis=0))

    @cached_property
    def wires(self) -> Wires:
        """Bundles with their resources, as kernels read them."""
        return wires_of(self.instance.network, self.symmetry)

    @cached_property
    def operators(self) -> OperatorTasks:
        """Operators of the representatives; those of a collective take no time."""
        instance, none = self.instance, np.zeros(0, dtype=np.int64)
        if instance.stages:
            return OperatorTasks(none, none, none, none, none, none, 0)
        own, task = np.unique(self.symmetry.carried(instance.operator_node).min(axis=0), return_inverse=True)
        before = instance.operator_after.taken(own)
        task = task.reshape(-1).astype(np.int64)
        return OperatorTasks(
            task,
            instance.operator_node[own],
            instance.operator_unit[own],
            instance.operator_cycles[own],
            task[before.values],
            before.row,
            instance.release_cycles,
        )

    @cached_property
    def way(self) -> NDArray[np.int32]:
        """Cycles from a departure at one node to a read at another, the shortest; shape (nodes, nodes)."""
        return all_ways(self.instance.network)

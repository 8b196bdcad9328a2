"""Groups of translations that leave an instance as it is, and schedules that they leave as they are.

A group acts on chips, on hosts through their chips, and through these on bundles, operators and demands. It acts
freely: no element but the identity keeps a chip, hence an operator, a demand or a bundle in its place. A schedule of
one demand and one operator of each orbit, moved by every element, is then a schedule of all: of the images of one slot
exactly one lies on a given bundle of the slot's orbit, so the load of that bundle is that of the representatives' slots
on its orbit, and so it is with the functional units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import sorted_adjacency
from lpxsched.fabric.symmetry import bundle_images, translations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.fabric.adjacency import Adjacency
    from lpxsched.schedule.problem.instance import Instance


@dataclass(frozen=True, slots=True, eq=False)
class Symmetry:
    """Where each element of a group takes each thing of an instance; the identity is first.

    Attributes
    ----------
    node_map : ndarray of int64, shape (order, nodes)
    bundle_map : ndarray of int64, shape (order, bundles)
    operator_map : ndarray of int64, shape (order, operators)
    demand_map : ndarray of int64, shape (order, demands)
    """

    node_map: NDArray[np.int64]
    bundle_map: NDArray[np.int64]
    operator_map: NDArray[np.int64]
    demand_map: NDArray[np.int64]

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.node_map)


def representatives(image: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the least element of each thing's orbit, from a map of shape (order, things)."""
    least: NDArray[np.int64] = image.min(axis=0)
    return least


def trivial(instance: Instance) -> Symmetry:
    """Return the group of the identity alone."""
    sizes = (instance.network.nodes, instance.network.bundles, instance.operators, instance.demands)
    return Symmetry(*(np.arange(size, dtype=np.int64)[None, :] for size in sizes))


def node_groups(instance: Instance) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield groups that map bundles onto bundles of equal wires and lanes, the largest first.

    Hosts move with their chips: they are one a chip, in the chips' order, or there are none.

    Yields
    ------
    node_map, bundle_map : ndarray of int64
        As in `Symmetry`; never the trivial group.
    """
    chips = instance.network.chips
    if instance.network.nodes not in (chips, 2 * chips):
        return
    wire = _wires(instance)
    for elements in translations(_adjacency(instance, wire)).groups():
        node_map = elements if instance.network.nodes == chips else np.hstack([elements, elements + chips])
        bundle_map = bundle_images(instance.network.source, instance.network.destination, wire, node_map)
        if len(node_map) > 1 and bundle_map is not None:
            yield node_map, bundle_map


def _wires(instance: Instance) -> NDArray[np.int64]:
    """Return a number for each bundle that tells apart wires, lanes, and bundles of equal ends, wires and lanes."""
    kinds = [
        instance.network.lanes,
        instance.network.latency_cycles,
        instance.network.guard_cycles,
        instance.network.pitch_numerator,
        instance.network.pitch_denominator,
    ]
    kind = np.unique(np.column_stack(kinds), axis=0, return_inverse=True)[1].reshape(-1)
    ends = instance.network.source.tolist(), instance.network.destination.tolist()
    rows = list(zip(*ends, kind.tolist(), strict=True))
    seen: dict[tuple[int, int, int], int] = {}
    twins = []
    for row in rows:
        twins.append(seen.get(row, 0))
        seen[row] = twins[-1] + 1
    return kind.astype(np.int64) * (max(twins, default=0) + 1) + np.array(twins, dtype=np.int64)


def _adjacency(instance: Instance, wire: NDArray[np.int64]) -> Adjacency:
    chips = instance.network.chips
    between = (instance.network.source < chips) & (instance.network.destination < chips)
    source, destination = instance.network.source[between], instance.network.destination[between]
    return sorted_adjacency(chips, source, destination, wire[between], instance.network.lanes[between])

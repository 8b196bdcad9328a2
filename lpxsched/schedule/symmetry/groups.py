"""Groups of translations that leave a collective as it is.

A group acts on nodes, and through them on bundles and pieces. It is usable when it maps bundles onto bundles of equal
class and lanes, participants onto participants, and no piece but under the identity onto itself. Translations act
freely on nodes, so every orbit of nodes, of bundles and of pieces has as many elements as the group. A schedule of one
piece of each orbit, translated, is then a schedule of all: of the translates of one slot exactly one lies on a given
bundle of the slot's orbit, so the load of that bundle at a cycle is the number of representatives' slots on the orbit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import sorted_adjacency
from lpxsched.fabric.symmetry import bundle_images, translations
from lpxsched.traffic.collectives import ROOTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.collective import TransferProblem


@dataclass(frozen=True, slots=True, eq=False)
class Symmetry:
    """A group of translations.

    Attributes
    ----------
    node_map : ndarray of int64, shape (order, nodes)
        Where each element takes each node; the identity is first.
    bundle_map : ndarray of int64, shape (order, bundles)
    """

    node_map: NDArray[np.int64]
    bundle_map: NDArray[np.int64]

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.node_map)

    def node_orbit(self) -> NDArray[np.int64]:
        """Return the number of each node's orbit, shape (nodes,)."""
        return np.unique(self.node_map.min(axis=0), return_inverse=True)[1].astype(np.int64)

    def bundle_orbit(self) -> NDArray[np.int64]:
        """Return the number of each bundle's orbit, shape (bundles,)."""
        return np.unique(self.bundle_map.min(axis=0), return_inverse=True)[1].astype(np.int64)


def trivial(problem: TransferProblem) -> Symmetry:
    """Return the group of the identity alone."""
    sizes = (problem.network.nodes, problem.network.bundles)
    return Symmetry(*(np.arange(size, dtype=np.int64)[None, :] for size in sizes))


def symmetries(problem: TransferProblem) -> Iterator[Symmetry]:
    """Yield usable groups, the largest first; the trivial one is not among them.

    A root stays where it is, so kinds with a root have none.
    """
    if problem.collective.kind in ROOTED or problem.network.nodes < 2:
        return
    rank = np.argsort(np.argsort(problem.network.fabric_node)).astype(np.int64)
    by_chip = np.argsort(problem.network.fabric_node).astype(np.int64)
    source, destination, kind = problem.network.source, problem.network.destination, problem.network.link_class
    joined = sorted_adjacency(problem.network.nodes, rank[source], rank[destination], kind, problem.network.lanes)
    for elements in translations(joined).groups():
        node_map = by_chip[elements[:, rank]]
        if len(node_map) == 1 or (node_map[:, : problem.width] >= problem.width).any():
            continue
        bundle_map = bundle_images(source, destination, kind, node_map)
        if bundle_map is not None:
            yield Symmetry(node_map, bundle_map)

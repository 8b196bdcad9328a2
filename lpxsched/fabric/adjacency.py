"""Which chips are joined, in flat columns; the form that distances, routes and symmetry read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric


@dataclass(frozen=True, slots=True, eq=False)
class Adjacency:
    """Bundles between chips that are in service, sorted by source and destination.

    Attributes
    ----------
    chips : int
    source, destination, kind, lanes : ndarray of int64, shape (bundles,)
        Ends, link class and number of parallel links.
    offsets : ndarray of int64, shape (chips + 1,)
        Bundles out of chip c are ``offsets[c] .. offsets[c + 1] - 1``.
    """

    chips: int
    source: NDArray[np.int64]
    destination: NDArray[np.int64]
    kind: NDArray[np.int64]
    lanes: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def neighbours(self, chip: int) -> NDArray[np.int64]:
        """Return the chips that a chip has a link to, sorted, each once."""
        return np.unique(self.destination[self.offsets[chip] : self.offsets[chip + 1]])

    def reversed(self) -> Adjacency:
        """Return the same bundles the other way round."""
        return sorted_adjacency(self.chips, self.destination, self.source, self.kind, self.lanes)

    def taken(self, bundles: NDArray[np.bool_]) -> Adjacency:
        """Return some of the bundles between the same chips."""
        columns = (self.source, self.destination, self.kind, self.lanes)
        return sorted_adjacency(self.chips, *(column[bundles] for column in columns))

    def renumbered(self, number: NDArray[np.int64]) -> Adjacency:
        """Return the same bundles with new numbers of chips, shape (chips,)."""
        return sorted_adjacency(self.chips, number[self.source], number[self.destination], self.kind, self.lanes)


def adjacency(fabric: Fabric, chips: Sequence[int] | None = None) -> Adjacency:
    """Return the bundles between chips of a fabric, or between some of its chips, numbered in their given order.

    Parameters
    ----------
    fabric : Fabric
    chips : sequence of int, optional
        A sub-grid or any other set of chips; all chips when left out.
    """
    members = np.arange(fabric.chips) if chips is None else np.asarray(chips, dtype=np.int64)
    number = np.full(fabric.nodes, NONE, dtype=np.int64)
    number[members] = np.arange(len(members))
    first, links = fabric.bundle_starts()
    lanes = np.diff(np.append(first, len(links)))
    source, destination = number[fabric.source[links[first]]], number[fabric.destination[links[first]]]
    inside = (source >= 0) & (destination >= 0)
    kind = fabric.link_class[links[first]]
    return sorted_adjacency(len(members), source[inside], destination[inside], kind[inside], lanes[inside])


def sorted_adjacency(
    chips: int,
    source: NDArray[np.int64],
    destination: NDArray[np.int64],
    kind: NDArray[np.int64],
    lanes: NDArray[np.int64],
) -> Adjacency:
    """Return the adjacency of bundles in any order, given by columns of shape (bundles,)."""
    order = np.lexsort((kind, destination, source))
    offsets = np.searchsorted(source[order], np.arange(chips + 1)).astype(np.int64)
    return Adjacency(chips, source[order], destination[order], kind[order], lanes[order], offsets)

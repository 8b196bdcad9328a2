"""A fabric as data: chips, hosts and directed links in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from lpxsched.fabric.chip import Chip


@dataclass(frozen=True, slots=True)
class LinkClass:
    """Links of equal wires.

    Attributes
    ----------
    name : str
        ``tray``, ``spine``, ``local``, ``host``, ``fpga`` or ``link``.
    latency_cycles : int
        From the end of serialisation to the last bit at the far end.
    vector_time_cycles : Fraction
        Time of one vector on the link (v of the documentation).
    """

    name: str
    latency_cycles: int
    vector_time_cycles: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Fabric:
    """Chips, hosts and the directed links between them.

    Nodes are numbered with the chips first: chips are ``0 .. chips - 1``, hosts follow. Links are sorted by source,
    destination and lane.

    Attributes
    ----------
    name : str
    chip : Chip
        What every node below `chips` is.
    grid : tuple of int
        Trays and positions in a tray; chip = tray x positions + position.
    chips, hosts : int
        Numbers of nodes.
    wire : str
        ``pipelined`` (a wire carries many vectors at once) or ``busy`` (a link is held for latency as well).
    vector_bytes, wire_bytes : int
        Payload of one vector, and what it takes on the wire.
    turnaround_cycles : int
        From the read of a vector to the earliest departure of the same vector from the same chip.
    gpu_latency_ns : Fraction
        One way between GPU and host; 0 where there is no host.
    link_classes : tuple of LinkClass
    source, destination, lane, link_class : ndarray of int64, shape (links,)
        Ends of each link, its number among the parallel links of these ends, index into `link_classes`.
    """

    name: str
    chip: Chip
    grid: tuple[int, int]
    chips: int
    hosts: int
    wire: str
    vector_bytes: int
    wire_bytes: int
    turnaround_cycles: int
    gpu_latency_ns: Fraction
    link_classes: tuple[LinkClass, ...]
    source: NDArray[np.int64]
    destination: NDArray[np.int64]
    lane: NDArray[np.int64]
    link_class: NDArray[np.int64]

    @property
    def links(self) -> int:
        """Number of directed links."""
        return len(self.source)

    @property
    def nodes(self) -> int:
        """Number of chips and hosts."""
        return self.chips + self.hosts

    def position(self, node: int) -> str:
        """Return where a node is: ``tray.position`` of a chip, ``host N`` of a host."""
        if node >= self.chips:
            return f"host {node - self.chips}"
        return ".".join(str(part) for part in divmod(node, self.grid[1]))

    def bundle_links(self) -> dict[tuple[int, int, int], NDArray[np.int64]]:
        """Return the links of each bundle, keyed by source, destination and link class, in sorted order."""
        keys = np.stack([self.source, self.destination, self.link_class], axis=1)
        unique, inverse = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(inverse))[:-1]) if len(order) else []
        return {(int(s), int(d), int(c)): part.astype(np.int64) for (s, d, c), part in zip(unique, parts, strict=True)}

    def host_of_chip(self) -> dict[int, int]:
        """Return the host that each chip has a link from and a link to."""
        into = (self.source >= self.chips) & (self.destination < self.chips)
        back = set(zip(self.destination.tolist(), self.source.tolist(), strict=True))
        pairs = zip(self.destination[into].tolist(), self.source[into].tolist(), strict=True)
        return {chip: host for chip, host in sorted(pairs, reverse=True) if (host, chip) in back}

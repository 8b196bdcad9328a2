"""A fabric as data: chips, hosts and directed links in columns."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from lpxsched.fabric.chip import Chip

Wire = Literal["pipelined", "busy"]


@dataclass(frozen=True, slots=True)
class LinkClass:
    """Links of equal wires.

    Attributes
    ----------
    name : str
        ``tray``, ``spine``, ``rack``, ``local``, ``global``, ``host``, ``fpga``, ``axis 0`` or ``link``, ..
    latency_cycles : int
        From the end of serialisation to the last bit at the far end.
    vector_time_cycles : Fraction
        Time of one vector on the link (v of the documentation).
    gbps, line_gbps : Fraction
        Rate of the payload, and of the line before coding.
    """

    name: str
    latency_cycles: int
    vector_time_cycles: Fraction
    gbps: Fraction
    line_gbps: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Fabric:
    """Chips, hosts and the directed links between them.

    Nodes are numbered with the chips first: chips are ``0 .. chips - 1``, hosts follow. Links are sorted by source,
    destination, class and lane.

    Attributes
    ----------
    name, kind : str
        The name of the file, and its family.
    chip : Chip
        What every node below `chips` is.
    shape : tuple of int
        Coordinates of the chips, row-major; the last is the place in a tray, a node or a group.
    hosts : int
        Number of hosts.
    wire : str
        ``pipelined`` (a wire carries many vectors at once) or ``busy`` (a link is held for latency as well).
    vector_bytes, wire_bytes : int
        Payload of one vector, and what it takes on the wire.
    turnaround_cycles : int
        From the read of a vector to the earliest departure of the same vector from the same chip.
    hac_latency_cycles : int or None
        Latency of a link as the counters that align chips see it; None where nobody has said.
    guard_in_hop : bool
        The latency of a link already contains jitter and the crossing between clock domains.
    ports : int or None
        Lanes that can be plugged into a chip; None where nobody has said.
    inject_per_cycle, eject_per_cycle : int or None
        Vectors that may begin and end at a chip in a cycle; None for no limit.
    link_classes : tuple of LinkClass
    source, destination, lane, link_class : ndarray of int64, shape (links,)
        Ends of each link, its number among the parallel links of these ends, index into `link_classes`.
    link_down, node_down : ndarray of bool, shape (links,) and (nodes,)
        What is out of service.
    """

    name: str
    kind: str
    chip: Chip
    shape: tuple[int, ...]
    hosts: int
    wire: Wire
    vector_bytes: int
    wire_bytes: int
    turnaround_cycles: int
    hac_latency_cycles: int | None
    guard_in_hop: bool
    ports: int | None
    inject_per_cycle: int | None
    eject_per_cycle: int | None
    link_classes: tuple[LinkClass, ...]
    source: NDArray[np.int64]
    destination: NDArray[np.int64]
    lane: NDArray[np.int64]
    link_class: NDArray[np.int64]
    link_down: NDArray[np.bool_]
    node_down: NDArray[np.bool_]

    @property
    def chips(self) -> int:
        """Number of chips."""
        return prod(self.shape)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows of chips (trays, nodes, groups) and places in a row."""
        return self.chips // self.shape[-1], self.shape[-1]

    @property
    def link_up(self) -> NDArray[np.bool_]:
        """Which links are in service and join nodes that are."""
        return ~(self.link_down | self.node_down[self.source] | self.node_down[self.destination])

    @property
    def links(self) -> int:
        """Number of directed links."""
        return len(self.source)

    @property
    def nodes(self) -> int:
        """Number of chips and hosts."""
        return self.chips + self.hosts

    def position(self, node: int) -> str:
        """Return where a node is: the coordinates of a chip, ``1`` or ``tray.position``, ``host N`` of a host."""
        if node >= self.chips:
            return f"host {node - self.chips}"
        return ".".join(str(part) for part in np.unravel_index(node, self.shape))

    def bundle_links(self) -> dict[tuple[int, int, int], NDArray[np.int64]]:
        """Return the links in service of each bundle, keyed by source, destination and link class, in sorted order."""
        first, links = self.bundle_starts()
        ends = np.column_stack([self.source, self.destination, self.link_class])[links[first]].tolist()
        parts = np.split(links, first[1:]) if len(first) else []
        return {(s, d, c): part for (s, d, c), part in zip(ends, parts, strict=True)}

    def bundle_starts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the links in service, sorted by bundle, and where in them each bundle starts."""
        links = np.flatnonzero(self.link_up)
        columns = np.column_stack([self.source, self.destination, self.link_class])[links]
        changes = (np.diff(columns, axis=0) != 0).any(axis=1)
        first = np.flatnonzero(np.append(True, changes)) if len(links) else links
        return first, links

    def host_of_chip(self) -> dict[int, int]:
        """Return the host that each chip has a link from and a link to."""
        up = self.link_up
        into = up & (self.source >= self.chips) & (self.destination < self.chips)
        back = set(zip(self.destination[up].tolist(), self.source[up].tolist(), strict=True))
        pairs = zip(self.destination[into].tolist(), self.source[into].tolist(), strict=True)
        return {chip: host for chip, host in sorted(pairs, reverse=True) if (host, chip) in back}

"""The chips and hosts of a segment, its lanes, and the shortest ways between its chips.

Nodes are numbered: first the chips of its groups and their relays, then as many hosts, one for each chip; rows enter
and leave over the host lane of their chip.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.tables import Lanes
from lpxsched.errors import InputError
from lpxsched.units import NONE, cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.timetable.build import Build

PS_PER_NS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Where a segment runs.

    Attributes
    ----------
    chips : ndarray of int64, shape (chips,)
        The node of the build behind each chip.
    hosts : ndarray of int64, shape (chips,)
        The host of each chip, `NONE` without one.
    bundle_of : ndarray of int64, shape (2 chips, 2 chips)
        The bundle from one node to another, `NONE` without one.
    wires : Lanes
    lane_links : ndarray of int64, shape (lanes,)
        The link of the build behind each lane.
    down, up : ndarray of int64, shape (ways, chips, chips)
        By way, root and chip: the chip before it on the way from the root, and the one after it on the way to the root.
    turnaround_ps : ndarray of int64, shape (2 chips,)
        From the arrival of a packet to its earliest departure from the same node.
    """

    chips: Integers
    hosts: Integers
    bundle_of: Integers
    wires: Lanes
    lane_links: Integers
    down: Integers
    up: Integers
    turnaround_ps: Integers

    @property
    def width(self) -> int:
        """Number of chips, relays included."""
        return len(self.chips)

    def hops_between(self) -> Integers:
        """Return the hops from each chip to each, shape (chips, chips)."""
        return _hops(self.bundle_of[: self.width, : self.width] != NONE)


def picoseconds(cycles: Fraction | int, clock_mhz: Fraction) -> int:
    """Return a time in cycles as the nearest whole number of ps."""
    return round(cycles_to_ns(cycles, clock_mhz) * PS_PER_NS)


def network_of(build: Build, segment: int, *, header_bytes: int, ways: int) -> Network:
    """Return the network of a segment.

    Parameters
    ----------
    build : Build
    segment : int
    header_bytes : int
        Header of a packet, on the wire at the rate of a vector's bytes.
    ways : int
        How many shortest ways are told between two chips; where there are fewer some are told twice.

    Raises
    ------
    InputError
        When a chip does not reach another one.
    """
    groups = build.graph.groups_of(segment)
    chips = np.array(list(dict.fromkeys(node for group in groups for node in group.members)), dtype=np.int64)
    host_of = {chip: host for group in groups for chip, host in zip(group.chips, group.hosts, strict=False)}
    hosts = np.array([host_of.get(chip, NONE) for chip in chips.tolist()], dtype=np.int64)
    source, destination, rows = _ends(build, chips, hosts)
    pairs, first, lanes = np.unique(source * 2 * len(chips) + destination, return_index=True, return_counts=True)
    bundle_of = np.full((2 * len(chips), 2 * len(chips)), NONE, dtype=np.int64)
    bundle_of.reshape(-1)[pairs] = np.arange(len(pairs))
    joined = bundle_of[: len(chips), : len(chips)] != NONE
    clock_mhz = Fraction(build.manifest.clock_mhz)
    turnaround = [picoseconds(cycles, clock_mhz) for cycles in build.chips.turnaround_cycles[chips].tolist()]
    return Network(
        chips=chips,
        hosts=hosts,
        bundle_of=bundle_of,
        wires=_wires(build, rows, header_bytes, first, lanes),
        lane_links=rows,
        down=_before(joined, ways, build, chips),
        up=_before(joined.T, ways, build, chips),
        turnaround_ps=np.array(turnaround + [0] * len(chips), dtype=np.int64),
    )


def _ends(build: Build, chips: Integers, hosts: Integers) -> tuple[Integers, Integers, Integers]:
    """Return both ends of each link that joins nodes, as nodes, and its row, sorted by ends and lane."""
    links, width = build.links, len(chips)
    node_of = np.full(len(build.chips), NONE, dtype=np.int64)
    node_of[chips] = np.arange(width)
    source, destination = node_of[links.src], node_of[links.dst]
    host = np.append(hosts, NONE)
    enters = (destination != NONE) & build.chips.host[links.src] & (host[destination] == links.src)
    leaves = (source != NONE) & build.chips.host[links.dst] & (host[source] == links.dst)
    source, destination = np.where(enters, destination + width, source), np.where(leaves, source + width, destination)
    rows = np.flatnonzero((source != NONE) & (destination != NONE) & ~links.down)
    rows = rows[np.lexsort((links.lane[rows], destination[rows], source[rows]))]
    return source[rows], destination[rows], rows


def _wires(build: Build, rows: Integers, header_bytes: int, first: Integers, lanes: Integers) -> Lanes:
    """Return the lanes, those of equal times reckoned once; on busy wires a packet holds its lane until it is through.

    A header takes its share of the time of a vector: headers are framed as vectors are.
    """
    links, clock_mhz = build.links, Fraction(build.manifest.clock_mhz)
    share = Fraction(header_bytes, build.manifest.vector_bytes)
    columns = (links.vector_time_numerator, links.vector_time_denominator, links.latency_cycles)
    kinds, of_lane = np.unique(np.stack([column[rows] for column in columns]), axis=1, return_inverse=True)
    times = []
    for numerator, denominator, latency in kinds.T.tolist():
        vector, after = Fraction(numerator, denominator), latency if build.manifest.wire == "busy" else 0
        times.append([picoseconds(cycles, clock_mhz) for cycles in (vector, vector * share, latency, after)])
    of_kind = np.array(times, dtype=np.int64).reshape(-1, 4).T
    return Lanes(first.astype(np.int64), lanes.astype(np.int64), *of_kind[:, of_lane.reshape(-1)].copy())


def _hops(joined: Integers) -> Integers:
    """Return the hops from each chip to each, `NONE` where there is no way (all spread by one hop at a time)."""
    hops = np.full(joined.shape, NONE, dtype=np.int64)
    reached, step = np.eye(len(joined), dtype=np.float32), 0
    bridges = joined.astype(np.float32)
    while reached.any():
        hops[reached > 0] = step
        reached = ((reached @ bridges > 0) & (hops == NONE)).astype(np.float32)
        step += 1
    return hops


def _before(joined: Integers, ways: int, build: Build, chips: Integers) -> Integers:
    """Return the chip before each on shortest ways from each root, by way; roots and ways take several in turn."""
    hops = _hops(joined)
    for root, chip in np.argwhere(hops == NONE)[:1].tolist():
        problem = f"no links that are up lead from {build.chips.position[chips[root]]} to "
        raise InputError("links.parquet", f"{problem}{build.chips.position[chips[chip]]} within their group")
    before, roots = np.full((ways, len(hops), len(hops)), NONE, dtype=np.int64), np.arange(len(hops))
    for chip in range(len(hops)):
        near = np.flatnonzero(joined[:, chip])
        on_way = (hops[:, near] == hops[:, [chip]] - 1) & (hops[:, [chip]] > 0)
        count, rank = on_way.sum(axis=1), np.cumsum(on_way, axis=1)
        for way in range(ways):
            chosen = (roots + way) % np.maximum(count, 1) + 1
            place = np.argmax(on_way & (rank == chosen[:, None]), axis=1) if len(near) else 0
            before[way, :, chip] = np.where(count > 0, near[place] if len(near) else NONE, NONE)
    return before


def refuse_ports(build: Build) -> None:
    """Refuse what is not modelled: chips that begin or end only so many vectors in a cycle."""
    for column in ("inject_per_cycle", "eject_per_cycle"):
        if (getattr(build.chips, column) >= 0).any():
            raise InputError("chips.parquet", "no run-time arbitration with limited ports: leave them out", key=column)

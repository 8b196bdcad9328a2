"""One collective on the chips of a fabric, as every solver of this folder reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.reach import joined_with, reached_from
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric, LinkClass, Wire
    from lpxsched.traffic.collectives import Collective

NO_LIMIT = 0
# Summands of a collective are taken as bf16, the default of partial sums.
SUM_DATATYPE, SUM_ELEMENT_BITS = "bf16", 16


@dataclass(frozen=True, slots=True, eq=False)
class TransferProblem:
    """A collective over local numbers: nodes are the chips that take part, in the order of shards, then relays.

    Attributes
    ----------
    collective : Collective
    nodes : int
        Chips that take part, and chips that may relay besides.
    node_chip : ndarray of int64, shape (nodes,)
        The chip of the fabric behind each node.
    bundle_source, bundle_destination, bundle_lanes, bundle_class : ndarray of int64, shape (bundles,)
        Ends, number of parallel links, class of links; sorted by source, destination, class.
    bundle_hop_cycles : ndarray of int64, shape (bundles,)
        From a departure to the earliest read of that vector: ceil(v + latency + guard).
    bundle_pitch_numerator, bundle_pitch_denominator : ndarray of int64, shape (bundles,)
        Exact cycles from one vector of a slot to the next: v on pipelined wires. On busy ones every vector is a slot
        of its own, which holds its link for v + latency rounded up to whole cycles.
    bundle_links : tuple of ndarray of int64, length bundles
        The links of the fabric, one a lane.
    turnaround_cycles : int
        From a read to the same vector's departure.
    inject_per_cycle, eject_per_cycle : int
        Vectors that may begin and end at a chip in a cycle; `NO_LIMIT` for any number.
    wire : str
        ``pipelined`` or ``busy``.
    add_cost : AddCost
    """

    collective: Collective
    nodes: int
    node_chip: NDArray[np.int64]
    bundle_source: NDArray[np.int64]
    bundle_destination: NDArray[np.int64]
    bundle_lanes: NDArray[np.int64]
    bundle_class: NDArray[np.int64]
    bundle_hop_cycles: NDArray[np.int64]
    bundle_pitch_numerator: NDArray[np.int64]
    bundle_pitch_denominator: NDArray[np.int64]
    bundle_links: tuple[NDArray[np.int64], ...]
    turnaround_cycles: int
    inject_per_cycle: int
    eject_per_cycle: int
    wire: Wire
    add_cost: AddCost

    @property
    def width(self) -> int:
        """Number of chips that take part."""
        return self.collective.width

    @property
    def bundles(self) -> int:
        """Number of bundles."""
        return len(self.bundle_source)

    def hold_cycles(self, vectors: int) -> NDArray[np.int64]:
        """Return how long a slot of `vectors` vectors holds a link of each bundle, rounded up to whole cycles."""
        return -(-vectors * self.bundle_pitch_numerator // self.bundle_pitch_denominator)

    def reversed(self) -> TransferProblem:
        """Return the same bundles the other way round, numbered alike (so not sorted by source)."""
        return replace(self, bundle_source=self.bundle_destination, bundle_destination=self.bundle_source)


def transfer_problem(
    fabric: Fabric, chips: Sequence[int], collective: Collective, *, relays: bool, guard_cycles: int
) -> TransferProblem:
    """Return a collective over some chips of a fabric.

    Parameters
    ----------
    fabric : Fabric
    chips : sequence of int
        Chips that take part; shard i is the i-th.
    collective : Collective
    relays : bool
        Whether all other chips that are up may pass vectors on.
    guard_cycles : int
        Guard of every hop.

    Raises
    ------
    InfeasibleError
        When a vector cannot reach a chip that reads it, or a chip's SRAM cannot hold what is on it at first or at last.
    """
    _refuse_oversize(fabric, chips, collective)
    members = list(chips)
    if relays:
        members += sorted({int(chip) for chip in np.flatnonzero(~fabric.node_down[: fabric.chips])} - set(chips))
    rows = _bundles(fabric, {chip: index for index, chip in enumerate(members)})
    source, destination, bundle_class = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    classes = [fabric.link_classes[row[2]] for row in rows]
    pitches = [_pitch(c, fabric.wire) for c in classes]
    hops = [ceil_cycles(c.vector_time_cycles) + c.latency_cycles for c in classes]
    problem = TransferProblem(
        collective=collective,
        nodes=len(members),
        node_chip=np.array(members, dtype=np.int64),
        bundle_source=source,
        bundle_destination=destination,
        bundle_lanes=np.array([len(row[3]) for row in rows], dtype=np.int64),
        bundle_class=bundle_class,
        bundle_hop_cycles=np.array(hops, dtype=np.int64) + guard_cycles,
        bundle_pitch_numerator=np.array([pitch.numerator for pitch in pitches], dtype=np.int64),
        bundle_pitch_denominator=np.array([pitch.denominator for pitch in pitches], dtype=np.int64),
        bundle_links=tuple(row[3] for row in rows),
        turnaround_cycles=fabric.turnaround_cycles,
        inject_per_cycle=fabric.inject_per_cycle or NO_LIMIT,
        eject_per_cycle=fabric.eject_per_cycle or NO_LIMIT,
        wire=fabric.wire,
        add_cost=AddCost.on(fabric, SUM_ELEMENT_BITS),
    )
    refuse_split(problem)
    return problem


def with_nodes(problem: TransferProblem, kept: NDArray[np.bool_]) -> TransferProblem:
    """Return a problem without some of its relays, and the bundles at them.

    Parameters
    ----------
    problem : TransferProblem
    kept : ndarray of bool, shape (nodes,)
        All chips that take part are.
    """
    if kept.all():
        return problem
    number = np.cumsum(kept) - 1
    inside = kept[problem.bundle_source] & kept[problem.bundle_destination]
    columns = (
        "bundle_lanes",
        "bundle_class",
        "bundle_hop_cycles",
        "bundle_pitch_numerator",
        "bundle_pitch_denominator",
    )
    return replace(
        problem,
        nodes=int(kept.sum()),
        node_chip=problem.node_chip[kept],
        bundle_source=number[problem.bundle_source[inside]],
        bundle_destination=number[problem.bundle_destination[inside]],
        bundle_links=tuple(links for links, keep in zip(problem.bundle_links, inside.tolist(), strict=True) if keep),
        **{name: getattr(problem, name)[inside] for name in columns},
    )


def _pitch(wire_class: LinkClass, wire: Wire) -> Fraction:
    if wire == "pipelined":
        return wire_class.vector_time_cycles
    return Fraction(ceil_cycles(wire_class.vector_time_cycles) + wire_class.latency_cycles)


def _bundles(fabric: Fabric, number: dict[int, int]) -> list[tuple[int, int, int, NDArray[np.int64]]]:
    rows = [
        (number[source], number[destination], link_class, links)
        for (source, destination, link_class), links in fabric.bundle_links().items()
        if source in number and destination in number
    ]
    return sorted(rows, key=lambda row: row[:3])


def _refuse_oversize(fabric: Fabric, chips: Sequence[int], collective: Collective) -> None:
    """Refuse what does not fit into SRAM (R6): all pieces of a chip are there together before, or after, all moves."""
    pieces = collective.pieces()
    for when, held in (("at first", pieces.source), ("in the end", pieces.target)):
        everywhere = int(pieces.vectors[held == EVERY].sum())
        own = np.bincount(held[held != EVERY], weights=pieces.vectors[held != EVERY], minlength=collective.width)
        needed = (everywhere + own.astype(np.int64)) * fabric.vector_bytes
        shard = int(needed.argmax())
        if needed[shard] > fabric.chip.sram_bytes:
            raise InfeasibleError(
                f"chip {chips[shard]} must hold {needed[shard]} bytes {when}, its SRAM has {fabric.chip.sram_bytes}"
            )


def refuse_split(problem: TransferProblem) -> None:
    """Refuse a split fabric.

    Raises
    ------
    InfeasibleError
        Naming two chips between which there is no way, although a vector of one is read by the other.
    """
    graph = problem.bundle_source, problem.bundle_destination, problem.nodes
    if joined_with(0, *graph)[: problem.width].all():
        return
    pieces = problem.collective.pieces()
    everyone = range(problem.width)
    for source in everyone:
        targets = {
            target
            for held, read in zip(pieces.source.tolist(), pieces.target.tolist(), strict=True)
            if held in (source, EVERY)
            for target in (everyone if read == EVERY else (read,))
        }
        reached = reached_from(source, *graph)
        lost = sorted(target for target in targets if not reached[target])
        if lost:
            ends = (int(problem.node_chip[source]), int(problem.node_chip[lost[0]]))
            raise InfeasibleError(
                f"the fabric is split: there is no way from chip {ends[0]} to chip {ends[1]} over the chips that may "
                f"carry vectors; the component of chip {ends[0]} has {reached.sum()} chips"
            )

"""One collective on the chips of a fabric, as every solver of this folder reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.reach import joined_with, reached_from
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.schedule.problem.network import network_on
from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.network import Network
    from lpxsched.traffic.collectives import Collective

# Summands of a collective are taken as bf16, the default of partial sums.
SUM_DATATYPE, SUM_ELEMENT_BITS = "bf16", 16


@dataclass(frozen=True, slots=True, eq=False)
class TransferProblem:
    """A collective on a network of chips.

    Attributes
    ----------
    collective : Collective
        Its shards are the first nodes of the network.
    network : Network
    add_cost : AddCost
    """

    collective: Collective
    network: Network
    add_cost: AddCost

    @property
    def width(self) -> int:
        """Number of chips that take part."""
        return self.collective.width

    def reversed(self) -> TransferProblem:
        """Return the problem on the same bundles the other way round."""
        return replace(self, network=self.network.reversed())


def transfer_problem(fabric: Fabric, chips: Sequence[int], collective: Collective, *, relays: bool) -> TransferProblem:
    """Return a collective over some chips of a fabric, without guards.

    Parameters
    ----------
    fabric : Fabric
    chips : sequence of int
        Chips that take part; shard i is the i-th.
    collective : Collective
    relays : bool
        Whether all other chips that are up may pass vectors on.

    Raises
    ------
    InfeasibleError
        When a vector cannot reach a chip that reads it, or a chip's SRAM cannot hold what is on it at first or at last.
    """
    _refuse_oversize(fabric, chips, collective)
    others = sorted({int(chip) for chip in np.flatnonzero(~fabric.node_down[: fabric.chips])} - set(chips))
    network = network_on(fabric, chips, relays=others if relays else ())
    problem = TransferProblem(collective, network, AddCost.on(fabric, SUM_ELEMENT_BITS))
    refuse_split(network, collective)
    return problem


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


def refuse_split(network: Network, collective: Collective) -> None:
    """Refuse a split fabric.

    Raises
    ------
    InfeasibleError
        Naming two chips between which there is no way, although a vector of one is read by the other.
    """
    graph = network.source, network.destination, network.nodes
    if joined_with(0, *graph)[: collective.width].all():
        return
    pieces = collective.pieces()
    everyone = range(collective.width)
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
            ends = (int(network.fabric_node[source]), int(network.fabric_node[lost[0]]))
            raise InfeasibleError(
                f"the fabric is split: there is no way from chip {ends[0]} to chip {ends[1]} over the chips that may "
                f"carry vectors; the component of chip {ends[0]} has {reached.sum()} chips"
            )

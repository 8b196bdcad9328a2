"""One collective on the chips of a fabric: an instance of one stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.reach import joined_with, reached_from
from lpxsched.schedule.problem.instance import ANY, HOST, AddCost, Instance
from lpxsched.schedule.problem.network import Network, network_on
from lpxsched.schedule.problem.ragged import Interned, Ragged, grouped
from lpxsched.traffic.collectives import EVERY, Collective
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric

# Summands of a collective are taken as bf16, the default of partial sums.
SUM_DATATYPE, SUM_ELEMENT_BITS = "bf16", 16


def collective_instance(fabric: Fabric, chips: Sequence[int], collective: Collective, *, relays: bool) -> Instance:
    """Return a collective over some chips of a fabric, shard i on the i-th, without guards.

    With `relays` all other chips that are up may pass vectors on.

    Raises
    ------
    InfeasibleError
        When a vector cannot reach a chip that reads it, with the remedy where relays would be one, or a chip's SRAM
        cannot hold what is on it at first or at last.
    """
    _refuse_oversize(fabric, chips, collective)
    others = sorted({int(chip) for chip in np.flatnonzero(~fabric.node_down[: fabric.chips])} - set(chips))
    network = network_on(fabric, chips, relays=others if relays else ())
    lost = missing_way(network, collective)
    if lost is not None:
        raise _split(lost, missing_way(network_on(fabric, chips, relays=others), collective))
    return stage_instance(network, collective, AddCost.on(fabric, SUM_ELEMENT_BITS))


def stage_instance(network: Network, collective: Collective, add_cost: AddCost) -> Instance:
    """Return a collective of the chips of a network that take part, its pieces as demands.

    Each chip has an operator that leaves what it holds at first, and then one that reads what it is to get; both take
    no time and hold no unit.
    """
    width, pieces = network.width, collective.pieces()
    shards, nothing = np.arange(width, dtype=np.int64), np.zeros(0, dtype=np.int64)
    leaves, readers = _sets(pieces.source, width), _sets(pieces.target, width)
    root = np.where(pieces.source == EVERY, pieces.target, pieces.source)
    return Instance(
        network=network,
        release_cycles=0,
        operator_node=np.tile(shards, 2),
        operator_unit=np.full(2 * width, HOST, dtype=np.int64),
        operator_cycles=np.zeros(2 * width, dtype=np.int64),
        operator_after=Ragged(np.zeros(2 * width + 1, dtype=np.int64), nothing),
        operator_demands=_read(pieces.target, width),
        demand_vectors=pieces.vectors,
        demand_root=np.where(root == EVERY, ANY, root),
        demand_leaves=leaves,
        demand_leaf_operators=leaves,
        demand_consumers=readers,
        add_cost=add_cost,
        stages=(collective,),
    )


def _sets(shard: Integers, width: int) -> Interned:
    """Return the shard of each piece as a set: the first `width` sets are those of one shard, the last is of all."""
    offsets = np.append(np.arange(width + 1, dtype=np.int64), 2 * width)
    sets = Ragged(offsets, np.tile(np.arange(width, dtype=np.int64), 2))
    return Interned(sets, np.where(shard == EVERY, width, shard))


def _read(target: Integers, width: int) -> Interned:
    """Return the pieces that each operator reads: none those of the sources, the others all, or each its own."""
    if (target == EVERY).any():
        return Interned(Ragged.of([[], range(len(target))]), np.repeat(np.arange(2, dtype=np.int64), width))
    own, offsets = grouped(target, width)
    reader = np.append(np.zeros(width, dtype=np.int64), 1 + np.arange(width))
    return Interned(Ragged(np.append(0, offsets), own), reader)


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
                f"chip {chips[shard]} must hold {needed[shard]:,} bytes {when}, its SRAM has {fabric.chip.sram_bytes:,}"
            )


class MissingWay(NamedTuple):
    """Chips of the fabric, the second of which reads a vector of the first and is not among those that this reaches."""

    source: int
    target: int
    reached: int


def missing_way(network: Network, collective: Collective) -> MissingWay | None:
    """Return the first way that a collective needs and a network has not; None where it has all."""
    graph = network.source, network.destination, network.nodes
    if joined_with(0, *graph)[: collective.width].all():
        return None
    pieces = collective.pieces()
    everyone = np.arange(collective.width)
    for source in everyone.tolist():
        reached, read = reached_from(source, *graph), pieces.target[np.isin(pieces.source, (source, EVERY))]
        lost = (everyone if EVERY in read else np.unique(read)).tolist()
        lost = [target for target in lost if not reached[target]]
        if lost:
            held, wanted = network.fabric_node[[source, lost[0]]].tolist()
            return MissingWay(held, wanted, int(reached.sum()))
    return None


def _split(lost: MissingWay, with_relays: MissingWay | None) -> InfeasibleError:
    """Return the fault for a way that is missing, also if all chips of the fabric relay or only if they do not."""
    if with_relays is None:
        return InfeasibleError(
            f"there is no way from chip {lost.source} to chip {lost.target} over the chips that take part; add "
            "--relays, which lets the others pass vectors on and joins them"
        )
    source, target, reached = with_relays
    return InfeasibleError(
        f"the fabric is split: there is no way from chip {source} to chip {target} over any of its chips; chip "
        f"{source} reaches {counted(reached - 1, 'other')}"
    )

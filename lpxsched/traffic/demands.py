"""The demands that a layer's changes of layout imply, between the numbered nodes of an abstract group.

A group of w chips has nodes 0 .. w - 1. Where a layer reads what the layer before it left on other chips, these come
next. Last come the far ends of host links, one for each chip of the group. So a border between two groups is one change
of layout from the chips of the one to those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.traffic.layouts import shares
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.workload.graph import LayerGraph, Layout, Operator, Place, Tensor


@dataclass(frozen=True, slots=True)
class Nodes:
    """The numbers of nodes.

    Attributes
    ----------
    width : int
        Chips of the group.
    before : tuple of int
        Each chip of the group of the layer before, in the order of its shards; empty where nothing of it is read.
    """

    width: int
    before: tuple[int, ...] = ()

    @property
    def chips(self) -> int:
        """Number of chips, those of the layer before included."""
        return max((self.width, *(node + 1 for node in self.before)))

    @property
    def stays(self) -> bool:
        """Whether the layer before is on the same chips in the same order."""
        return self.before == tuple(range(self.width))

    def host(self, shard: int) -> int:
        """Return the far end of a chip's host link."""
        return self.chips + shard

    def node(self, shard: int, place: Place) -> int:
        """Return the node of a shard of the group."""
        return shard if place == "chips" else self.host(shard)

    def shard(self, node: int) -> int:
        """Return the shard of the group at a node."""
        return node if node < self.width else node - self.chips


@dataclass(frozen=True, slots=True)
class Demand:
    """One piece of a tensor that must become available at its consumers.

    Attributes
    ----------
    tensor : str
    first_vector, vectors : int
        The piece.
    leaves : tuple of int
        Nodes that hold it at first. One leaf: the piece is copied. Several: each holds a summand of it.
    root : int
        Where the sum is completed, or the one leaf of a copy; from here the piece spreads to its consumers.
    consumers : tuple of int
        Nodes that must read the piece.
    """

    tensor: str
    first_vector: int
    vectors: int
    leaves: tuple[int, ...]
    root: int
    consumers: tuple[int, ...]


COLLECTIVES: dict[tuple[tuple[Layout, Place], tuple[Layout, Place]], str] = {
    (("sharded", "hosts"), ("replicated", "chips")): "scatter and all-gather",
    (("sharded", "chips"), ("replicated", "chips")): "all-gather",
    (("partial", "chips"), ("replicated", "chips")): "all-reduce",
    (("partial", "chips"), ("sharded", "chips")): "reduce-scatter",
    (("partial", "chips"), ("reserved", "chips")): "reduce-scatter",
    (("partial", "chips"), ("sharded", "hosts")): "reduce-scatter and gather",
    (("replicated", "chips"), ("sharded", "hosts")): "gather",
    (("reserved", "hosts"), ("reserved", "chips")): "scatter",
    (("reserved", "hosts"), ("replicated", "chips")): "scatter and all-gather",
    (("reserved", "chips"), ("reserved", "hosts")): "gather",
    (("single", "chips"), ("reserved", "chips")): "scatter",
}


def implied_collective(tensor: Tensor, layout: Layout, place: Place) -> str:
    """Return the collective between a producer's layout and a consumer's; empty when they agree.

    Raises
    ------
    ValueError
        For a change that no collective makes.
    """
    have, need = (tensor.layout, tensor.place), (layout, place)
    if have == need or (have, need) == (("replicated", "chips"), ("sharded", "chips")):
        return ""
    if (have, need) not in COLLECTIVES:
        raise ValueError(f"no collective makes {need[0]} on {need[1]} of {have[0]} on {have[1]}")
    return COLLECTIVES[have, need]


def is_moved(tensor: Tensor, layout: Layout, reader: Operator, nodes: Nodes) -> bool:
    """Return whether what an operator reads comes from other nodes: it changes its layout, or its chips.

    Raises
    ------
    ValueError
        For a change that no collective makes.
    """
    if tensor.layer == reader.layer or nodes.stays:
        return bool(implied_collective(tensor, layout, reader.place))
    ends = (tensor.layout, tensor.place), (layout, reader.place)
    if tensor.layout == "replicated" or ends[1] != ("replicated", "chips") or ends not in COLLECTIVES:
        problem = f"no collective makes {layout} on {reader.place} of {tensor.layout} on {tensor.place} of other chips"
        raise ValueError(problem)
    return True


def layer_demands(graph: LayerGraph, nodes: Nodes) -> tuple[Demand, ...]:
    """Return the demands of one layer, in the order of the operators.

    A tensor that several operators read is summed and sent once, in whatever layouts they read it: each share has one
    root, and spreads from there to all that read it.

    Parameters
    ----------
    graph : LayerGraph
        Of this layer, with the tensors of the layer before that it reads.
    nodes : Nodes
    """
    read: dict[str, list[tuple[Layout, Place]]] = {}
    for operator in graph.operators:
        for name, layout in operator.inputs:
            if is_moved(graph.tensors[name], layout, operator, nodes):
                read.setdefault(name, []).append((layout, operator.place))
    layer = graph.operators[-1].layer
    return tuple(
        demand
        for name, needs in read.items()
        for demand in _demands(graph.tensors[name], needs, nodes, is_own=graph.tensors[name].layer == layer)
    )


def all_needed_demands(
    readers: Iterable[tuple[Operator, int]], graph: LayerGraph, demands: tuple[Demand, ...], nodes: Nodes
) -> Iterator[list[int]]:
    """Yield what `needed_demands` returns for each operator and shard; shards that read alike are looked up once."""
    known: dict[tuple[str, int], list[int]] = {}
    for operator, shard in readers:
        by_shard = any(layout in ("sharded", "reserved") for _, layout in operator.inputs)
        key = operator.name, shard if by_shard else NONE
        if key not in known:
            known[key] = needed_demands(operator, shard, graph, demands, nodes)
        yield known[key]


def needed_demands(
    operator: Operator, shard: int, graph: LayerGraph, demands: tuple[Demand, ...], nodes: Nodes
) -> list[int]:
    """Return the indices of the demands that an operator reads on one chip (or for one host link).

    Parameters
    ----------
    operator : Operator
    shard : int
        Index of the chip in its group.
    graph : LayerGraph
    demands : tuple of Demand
        As `layer_demands` returned them.
    nodes : Nodes
    """
    moved = {name: layout for name, layout in operator.inputs if is_moved(graph.tensors[name], layout, operator, nodes)}
    return [
        index
        for index, demand in enumerate(demands)
        if demand.tensor in moved and _reads(demand, moved[demand.tensor], graph.tensors[demand.tensor], shard, nodes)
    ]


def _reads(demand: Demand, layout: Layout, tensor: Tensor, shard: int, nodes: Nodes) -> bool:
    """Return whether a demand is a part of what a shard reads of a tensor in a layout."""
    if layout == "reserved":
        return (demand.first_vector, demand.vectors) == tensor.runs[shard]
    return layout != "sharded" or nodes.shard(demand.root) == shard


def _demands(tensor: Tensor, needs: list[tuple[Layout, Place]], nodes: Nodes, *, is_own: bool) -> list[Demand]:
    chips = tuple(range(nodes.width))
    holders = chips if is_own else nodes.before
    demands = []
    for shard, (first, vectors) in enumerate(tensor.runs or shares(tensor.vectors, len(holders))):
        if not vectors:
            continue
        holder = (shard + tensor.first_share) % len(holders) if tensor.shard is None else tensor.shard
        root = nodes.host(shard) if tensor.place == "hosts" else holders[holder]
        leaves = tuple(sorted(holders)) if tensor.layout == "partial" else (root,)
        consumers: set[int] = set()
        for layout, place in needs:
            consumers |= set(chips) if layout == "replicated" else {nodes.node(shard, place)}
        demands.append(Demand(tensor.name, first, vectors, leaves, root, tuple(sorted(consumers - {root}))))
    return demands

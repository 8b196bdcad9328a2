"""The demands that a layer's changes of layout imply, between the numbered nodes of an abstract group.

A group of w chips has nodes 0 .. w - 1, and for each chip c the far end of its host link, node w + c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.traffic.layouts import shares

if TYPE_CHECKING:
    from lpxsched.workload.graph import LayerGraph, Layout, Operator, Place, Tensor


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
    (("partial", "chips"), ("sharded", "hosts")): "reduce-scatter and gather",
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


def layer_demands(graph: LayerGraph, width: int) -> tuple[Demand, ...]:
    """Return the demands of one layer on a group of `width` chips, in the order of the operators.

    A tensor that several operators read is summed and sent once, in whatever layouts they read it: each share has one
    root, and spreads from there to all that read it.
    """
    read: dict[str, list[tuple[Layout, Place]]] = {}
    for operator in graph.operators:
        for name, layout in operator.inputs:
            if implied_collective(graph.tensors[name], layout, operator.place):
                read.setdefault(name, []).append((layout, operator.place))
    return tuple(demand for name, needs in read.items() for demand in _demands(graph.tensors[name], needs, width))


def needed_demands(
    operator: Operator, shard: int, graph: LayerGraph, demands: tuple[Demand, ...], width: int
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
    width : int
    """
    moved = {
        name: layout
        for name, layout in operator.inputs
        if implied_collective(graph.tensors[name], layout, operator.place)
    }
    return [
        index
        for index, demand in enumerate(demands)
        if demand.tensor in moved and is_share_read(demand, moved[demand.tensor], shard, width)
    ]


def is_share_read(demand: Demand, layout: Layout, shard: int, width: int) -> bool:
    """Return whether a shard that reads the demand's tensor in a layout reads this share of it.

    Parameters
    ----------
    demand : Demand
        One share of a tensor.
    layout : str
        Layout in which the tensor is read.
    shard : int
        Shard that reads.
    width : int
        Number of shards.
    """
    return layout != "sharded" or demand.root % width == shard


def _demands(tensor: Tensor, needs: list[tuple[Layout, Place]], width: int) -> list[Demand]:
    chips = tuple(range(width))
    pieces = [(chip, first, vectors) for chip, (first, vectors) in enumerate(shares(tensor.vectors, width)) if vectors]
    demands = []
    for chip, first, vectors in pieces:
        root = chip if tensor.layout == "partial" else chip + width * (tensor.place == "hosts")
        leaves = chips if tensor.layout == "partial" else (root,)
        consumers: set[int] = set()
        for layout, place in needs:
            consumers |= set(chips) if layout == "replicated" else {chip + width * (place == "hosts")}
        demands.append(Demand(tensor.name, first, vectors, leaves, root, tuple(sorted(consumers - {root}))))
    return demands

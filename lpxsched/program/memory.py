"""How many bytes a chip must hold at least for its share of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.traffic.layouts import shares
from lpxsched.workload.costs import layer_work, shard_costs
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.graph import LayerGraph, Operator, Tensor
    from lpxsched.workload.lpu_graph import Visit
    from lpxsched.workload.parts.piece import Decoding


def shard_weight_bytes(layer: FfnLayer, chip: Chip, *, batch: int, precision: Precision, width: int) -> list[int]:
    """Return the bytes of weights on each chip of a group of `width` chips."""
    works = layer_work(layer, chip, width, batch=batch, precision=precision)
    shards = shard_costs(works, chip, width)
    return [sum(cost.weight_bytes for cost in shard.values()) for shard in shards]


def least_chip_bytes(
    layer: FfnLayer, chip: Chip, graph: LayerGraph, *, batch: int, precision: Precision, width: int
) -> int:
    """Return a lower bound of the bytes on the fullest chip of a group.

    Weights never leave; while an operator runs, its inputs and its output are there as well. Whatever else is live
    (transit, summands that wait) comes on top, so a model that fails this bound cannot fit.
    """
    weights = max(shard_weight_bytes(layer, chip, batch=batch, precision=precision, width=width))
    working_sets = [
        sum(
            graph.tensors[name].vectors * graph.tensors[name].vector_bytes
            for name in [*(name for name, _ in operator.inputs), operator.output]
            if name
        )
        for operator in graph.operators
        if operator.place == "chips"
    ]
    return weights + max(working_sets)


@dataclass(frozen=True, slots=True)
class Needs:
    """The bytes that a visit needs on each chip of its group.

    Attributes
    ----------
    resident : tuple of int
        Weights, keys and values, states: by shard.
    working : int
        Of the operator with the largest working set, at least.
    """

    resident: tuple[int, ...]
    working: int


def visit_needs(visit: Visit, chip: Chip, width: int, decoding: Decoding, first: Visit) -> Needs:
    """Return what a visit needs on a group of `width` chips; what it reads is as long as what the first one leaves."""
    costs = shard_costs(lpu_work(visit, chip, width, decoding), chip, width)
    graph = lpu_graph((first, visit), chip, (width, width), decoding)

    def working(operator: Operator) -> int:
        made = [(operator.output, graph.tensors[operator.output].layout)] if operator.output else []
        return sum(_held(graph.tensors[name], layout, width) for name, layout in (*operator.inputs, *made))

    ran = [operator for operator in graph.operators if operator.layer == 1 and operator.place == "chips"]
    resident = tuple(sum(cost.weight_bytes for cost in shard.values()) for shard in costs)
    return Needs(resident, max(map(working, ran)) * decoding.vector_bytes)


def _held(tensor: Tensor, layout: str, width: int) -> int:
    """Return the vectors of a tensor in a layout on the first chip of a group."""
    if layout == "reserved":
        return tensor.runs[0][1]
    return shares(tensor.vectors, width)[0][1] if layout == "sharded" else tensor.vectors

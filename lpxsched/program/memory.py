"""How many bytes a chip must hold at least for its share of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.workload.costs import layer_work, shard_costs

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.graph import LayerGraph


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

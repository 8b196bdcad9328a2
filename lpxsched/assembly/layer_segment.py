"""A scheduled layer as a segment: its operators with their costs, results, weights, and the demands that are summed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.segment import GraphOperators, Held, Pieces, Segment, numbers, padded_off, texts
from lpxsched.clocks.latency import hac_latency_cycles, pass_cycles, start_cycles
from lpxsched.schedule.polling import pass_load_cycles
from lpxsched.schedule.problem.joins import counted
from lpxsched.traffic.layouts import shares
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.layer import LayerProblem


def layer_segments(fabric: Fabric, tree: AlignmentTree, layers: Sequence[ScheduledLayer]) -> list[Segment]:
    """Return the segments of a model; layer i is segment i."""
    latency = hac_latency_cycles(fabric, tree)
    return [_segment(layer, latency) for layer in layers]


def _segment(layer: ScheduledLayer, hac_latency: int) -> Segment:
    problem, result = layer.problem, layer.distinct.result
    instance, group = problem.instance, problem.group
    after, place = counted(np.diff(instance.operator_after.offsets))
    return Segment(
        result=result,
        layer=group.layer,
        chips=numbers(list(group.chips)),
        node_shard=np.arange(instance.network.nodes) % instance.network.chips,
        network=instance.network,
        operators=_operators(problem),
        results=_results(problem),
        weights=_weights(problem),
        after_operator=after,
        after_result=instance.operator_after.values[instance.operator_after.offsets[after] + place],
        pieces=_pieces(problem),
        add_cost=instance.add_cost,
        waiting_cycles=_waiting(layer, hac_latency),
        deadline_cycles=NONE,
        deskews=((0, instance.release_cycles), *instance.deskews),
        frame=layer.frame,
    )


def _waiting(layer: ScheduledLayer, hac_latency: int) -> int:
    """Return the longest wait: for its own window, or one pass of chips that poll, else an epoch and a start-up."""
    if layer.frame:
        return layer.frame.waiting_cycles
    problem, clock = layer.problem, layer.problem.opening.clock
    if problem.resident:
        return pass_cycles(clock.specification, pass_load_cycles(problem, layer.distinct.result.schedule))
    return start_cycles(clock.specification, clock.depth, hac_latency)


def _operators(problem: LayerProblem) -> GraphOperators:
    placed = problem.operators
    return GraphOperators(
        node=problem.instance.operator_node,
        unit=texts([p.operator.unit for p in placed]),
        kind=texts([p.operator.kind for p in placed]),
        cycles=problem.instance.operator_cycles,
        dtype=texts([p.cost.dtype for p in placed]),
        sram_bytes=numbers([p.cost.sram_bytes for p in placed]),
        macs=numbers([p.cost.macs for p in placed]),
        fixed_cycles=numbers([p.cost.fixed_cycles for p in placed]),
    )


def _results(problem: LayerProblem) -> Held:
    chosen = [(number, p) for number, p in enumerate(problem.operators) if p.operator.output]
    tensors = [problem.graph.tensors[p.operator.output] for _, p in chosen]
    dealt = {tensor.name: shares(tensor.vectors, problem.instance.network.chips) for tensor in tensors}
    runs = [
        dealt[tensor.name][p.shard] if tensor.layout == "sharded" else (0, tensor.vectors)
        for tensor, (_, p) in zip(tensors, chosen, strict=True)
    ]
    first, vectors = (numbers([run[column] for run in runs]) for column in (0, 1))
    rows = numbers([t.row_bytes for t in tensors]), numbers([t.vectors_per_row for t in tensors])
    width = problem.instance.add_cost.vector_bytes
    return Held(
        operator=numbers([number for number, _ in chosen]),
        name=texts([tensor.name for tensor in tensors]),
        offset=first,
        vectors=vectors,
        dtype=texts([tensor.dtype for tensor in tensors]),
        layout=texts([tensor.layout for tensor in tensors]),
        bytes=padded_off(first + vectors, *rows, width) - padded_off(first, *rows, width),
    )


def _weights(problem: LayerProblem) -> Held:
    chosen = [(number, p) for number, p in enumerate(problem.operators) if p.cost.weight_bytes]
    size = numbers([p.cost.weight_bytes for _, p in chosen])
    return Held(
        operator=numbers([number for number, _ in chosen]),
        name=texts([f"{p.operator.name}.weights" for _, p in chosen]),
        offset=np.zeros_like(size),
        vectors=-(-size // problem.instance.add_cost.vector_bytes),
        dtype=texts([p.cost.weight_dtype for _, p in chosen]),
        layout=texts([p.cost.weight_layout for _, p in chosen]),
        bytes=size,
    )


def _pieces(problem: LayerProblem) -> Pieces:
    """Return the demands."""
    tensors = [problem.graph.tensors[demand.tensor] for demand in problem.demands]
    return Pieces(
        name=texts([tensor.name for tensor in tensors]),
        first=numbers([demand.first_vector for demand in problem.demands]),
        dtype=texts([tensor.dtype for tensor in tensors]),
        row_bytes=numbers([tensor.row_bytes for tensor in tensors]),
        vectors_per_row=numbers([tensor.vectors_per_row for tensor in tensors]),
    )

"""A scheduled layer as a segment: its operators with their costs, results, weights, and the demands that are summed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.segment import (
    GraphOperators,
    PieceColumns,
    Segment,
    SegmentPart,
    Sent,
    TensorColumns,
    padded_off,
    texts,
)
from lpxsched.clocks.latency import hac_latency_cycles, start_cycles
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.whole_model.in_flight import ChainInFlight
from lpxsched.schedule.flags import polled_cycles
from lpxsched.schedule.problem.ragged import column
from lpxsched.traffic.layouts import shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.whole_model.chain import Chain
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.timetable.columns import Integers
    from lpxsched.workload.graph import Tensor


def layer_segments(fabric: Fabric, tree: AlignmentTree, layers: Sequence[ScheduledLayer] | InFlight) -> list[Segment]:
    """Return the segments of a model, on demand or each at its phase in its frame; layer i is segment i."""
    if not isinstance(layers, InFlight):
        latency = hac_latency_cycles(fabric, tree)
        return [_segment(layer, _waiting(layer, latency)) for layer in layers]
    phases, waits = layers.chain.phase_cycles.tolist(), layers.chain.waits_cycles.tolist()
    return [
        replace(_segment(layer, wait), frame=layers.frames[frame], phase_cycles=phase)
        for layer, frame, phase, wait in zip(layers.layers, layers.frame_of, phases, waits, strict=True)
    ]


def chain_segment(chain: Chain | ChainInFlight, start_cycles: int = 0) -> Segment:
    """Return the one segment of layers that follow each other in one time, or begin anew with every period.

    Unless chips poll, one micro-batch at a time waits for a start.
    """
    problems = [layer.problem for layer in chain.layers]
    segment = Segment(
        parts=tuple(_part(layer, at) for layer, at in zip(chain.layers, chain.starts, strict=True)),
        layers=tuple(problem.group.layer for problem in problems),
        chips=column(sorted({chip for problem in problems for chip in problem.group.chips})),
        makespan_cycles=chain.makespan_cycles,
        bound_cycles=0,
        waiting_cycles=start_cycles,
    )
    if isinstance(chain, ChainInFlight):
        return replace(segment, waiting_cycles=chain.wait_cycles, frame=chain.frame, phase_cycles=chain.phase_cycles)
    return replace(
        segment,
        bound_cycles=chain.bound.cycles,
        waiting_cycles=chain.pass_cycles or start_cycles,
        deskews=chain.deskews,
        flags=Sent.on(*chain.flags) if chain.flags else None,
    )


def _segment(layer: ScheduledLayer, waiting_cycles: int) -> Segment:
    problem, result = layer.problem, layer.distinct.result
    flags = result.schedule.flags
    return Segment(
        parts=(_part(layer, 0),),
        layers=(problem.group.layer,),
        chips=column(list(problem.group.chips)),
        makespan_cycles=result.makespan_cycles,
        bound_cycles=result.bound.cycles,
        waiting_cycles=waiting_cycles,
        deskews=((0, problem.instance.release_cycles), *problem.instance.deskews),
        flags=Sent.on(problem.instance.network, flags) if flags else None,
    )


def _part(layer: ScheduledLayer, start_cycles: int) -> SegmentPart:
    problem, instance, results = layer.problem, layer.problem.instance, _results(layer.problem)
    # A shard without columns leaves a run of no vectors, which is no row.
    after = instance.operator_after
    there = np.isin(after.values, results.operator)
    node_layer, node_shard = _places(problem)
    return SegmentPart(
        schedule=layer.distinct.result.schedule.later(start_cycles),
        node_layer=node_layer,
        node_shard=node_shard,
        network=instance.network,
        operators=_operators(problem),
        is_told=np.array([placed.is_told for placed in problem.operators], dtype=np.bool_),
        results=results,
        weights=_weights(problem),
        after_operator=after.row[there],
        after_result=after.values[there],
        pieces=_pieces(problem),
        add_cost=instance.add_cost,
    )


def _places(problem: LayerProblem) -> tuple[Integers, Integers]:
    """Return the layer and the shard of each local number; chips of the layer before alone are told as its."""
    network, group = problem.instance.network, problem.group
    layer, shard = np.full(network.nodes, group.layer), np.arange(network.nodes)
    shard[network.chips :] -= network.chips
    for node in range(len(group.chips), network.chips):
        assert problem.before is not None
        layer[node], shard[node] = problem.before.layer, problem.before.chips.index(problem.node(node))
    return layer, shard


def _waiting(layer: ScheduledLayer, hac_latency: int) -> int:
    """Return the longest wait: one pass of chips that poll, else an epoch and a start-up."""
    clock, flags = layer.problem.opening.clock, layer.distinct.result.schedule.flags
    passing = polled_cycles(flags, clock.specification)
    return passing or start_cycles(clock.specification, clock.depth, hac_latency)


def _operators(problem: LayerProblem) -> GraphOperators:
    placed = problem.operators
    return GraphOperators(
        node=problem.instance.operator_node,
        unit=texts([p.operator.unit for p in placed]),
        kind=texts([p.operator.kind for p in placed]),
        cycles=problem.instance.operator_cycles,
        dtype=texts([p.cost.dtype for p in placed]),
        sram_bytes=column(p.cost.sram_bytes for p in placed),
        macs=column(p.cost.macs for p in placed),
        fixed_cycles=column(p.cost.fixed_cycles for p in placed),
    )


def _results(problem: LayerProblem) -> TensorColumns:
    made = [(number, p) for number, p in enumerate(problem.operators) if p.operator.output_on(p.shard)]
    left = [problem.graph.tensors[p.operator.output_on(p.shard)] for _, p in made]
    runs = [_run(problem, tensor, p.shard) for tensor, (_, p) in zip(left, made, strict=True)]
    there = [place for place, (_, count) in enumerate(runs) if count]
    chosen, tensors = [made[place] for place in there], [left[place] for place in there]
    first, vectors = (column(runs[place][part] for place in there) for part in (0, 1))
    rows = column(t.row_bytes for t in tensors), column(t.vectors_per_row for t in tensors)
    width = problem.instance.add_cost.vector_bytes
    return TensorColumns(
        operator=column(number for number, _ in chosen),
        name=texts([tensor.name for tensor in tensors]),
        offset=first,
        vectors=vectors,
        dtype=texts([tensor.dtype for tensor in tensors]),
        layout=texts([tensor.layout for tensor in tensors]),
        bytes=padded_off(first + vectors, *rows, width) - padded_off(first, *rows, width),
    )


def _run(problem: LayerProblem, tensor: Tensor, shard: int) -> tuple[int, int]:
    """Return the first vector and the length of what a shard holds of a tensor, on the group that leaves it."""
    if tensor.layout == "reserved":
        return tensor.runs[shard]
    if tensor.layout != "sharded":
        return 0, tensor.vectors
    maker = problem.group if tensor.layer == problem.group.layer else problem.before
    return shares(tensor.vectors, len(maker.chips) if maker else 1)[shard]


def _weights(problem: LayerProblem) -> TensorColumns:
    chosen = [(number, p) for number, p in enumerate(problem.operators) if p.cost.weight_bytes]
    size = column(p.cost.weight_bytes for _, p in chosen)
    return TensorColumns(
        operator=column(number for number, _ in chosen),
        name=texts([f"{p.operator.keeper or p.operator.name}.{p.cost.weight_name}" for _, p in chosen]),
        offset=np.zeros_like(size),
        vectors=-(-size // problem.instance.add_cost.vector_bytes),
        dtype=texts([p.cost.weight_dtype for _, p in chosen]),
        layout=texts([p.cost.weight_layout for _, p in chosen]),
        bytes=size,
    )


def _pieces(problem: LayerProblem) -> PieceColumns:
    """Return the demands."""
    tensors = [problem.graph.tensors[demand.tensor] for demand in problem.demands]
    return PieceColumns(
        name=texts([tensor.name for tensor in tensors]),
        first=column(demand.first_vector for demand in problem.demands),
        dtype=texts([tensor.dtype for tensor in tensors]),
        row_bytes=column(tensor.row_bytes for tensor in tensors),
        vectors_per_row=column(tensor.vectors_per_row for tensor in tensors),
    )

"""The file ``graph.json``, of the layers of a model or of one collective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.assembly.collective_segment import DELIVER_KIND, NO_UNIT, SOURCE_KIND
from lpxsched.schedule.problem.collective import SUM_DATATYPE, SUM_ELEMENT_BITS
from lpxsched.timetable.documents import (
    GraphFile,
    GraphGroup,
    GraphInput,
    GraphLayer,
    GraphOperator,
    GraphResident,
    GraphSegment,
    GraphTensor,
    GraphTerm,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.group import Group
    from lpxsched.workload.graph import LayerGraph, Operator, Tensor
    from lpxsched.workload.work import Term, Weights, Work


# Of a term.
AMOUNTS = ("constant", "per_row", "per_column", "per_row_column", "per_run")


def layers_graph(
    graph: LayerGraph,
    groups: Sequence[Group],
    works_of_group: Callable[[Group], dict[str, Work]],
    *,
    whole: bool = False,
) -> GraphFile:
    """Return ``graph.json`` of a model: all layers are one segment if it is a `whole` one, else each is one."""
    works = {group.layer: works_of_group(group) for group in groups}
    places = {(group.chips, group.hosts): None for group in groups}
    numbers = {place: number for number, place in enumerate(places)}
    layers, keys = [group.layer for group in groups], GraphTensor.model_fields.keys() - {"runs"}
    return GraphFile(
        tensors=[
            GraphTensor(**{key: getattr(tensor, key) for key in keys}, runs=_runs(tensor, tensor.layout))
            for tensor in graph.tensors.values()
        ],
        operators=[
            _layer_operator(operator, works[operator.layer][operator.kind], graph) for operator in graph.operators
        ],
        groups=[
            GraphGroup(group=number, chips=list(chips), hosts=list(hosts))
            for number, (chips, hosts) in enumerate(places)
        ],
        layers=[GraphLayer(layer=group.layer, group=numbers[group.chips, group.hosts]) for group in groups],
        segments=[
            GraphSegment(segment=number, layers=of_segment)
            for number, of_segment in enumerate([layers] if whole else [[layer] for layer in layers])
        ],
    )


def _runs(tensor: Tensor, layout: str) -> list[list[int]] | None:
    """Return the run of each shard of a tensor that is left or read in a layout, None but for ``reserved``."""
    return [list(run) for run in tensor.runs] if layout == "reserved" else None


def _layer_operator(operator: Operator, work: Work, graph: LayerGraph) -> GraphOperator:
    return GraphOperator(
        **{key: getattr(operator, key) for key in ("name", "kind", "layer", "place", "unit", "ends")},
        **{key: getattr(work, key) for key in ("dtype", "rows", "columns", "column_block")},
        inputs=[
            GraphInput(tensor=name, layout=layout, runs=_runs(graph.tensors[name], layout))
            for name, layout in operator.inputs
        ],
        outputs=list(operator.outputs),
        shares=[list(share) for share in work.shares] or None,
        work=[_term(term) for term in work.terms],
        pipelines=dict(work.pipelines),
        resident=_resident(operator, work.weights),
        sizes=dict((*operator.sizes, *work.sizes)),
    )


def _term(term: Term) -> GraphTerm:
    amounts = {key: _number(getattr(term, key)) for key in AMOUNTS}
    return GraphTerm(counts=term.counts, unit=term.unit, shard=_shard(term.shard), **amounts)


def _number(amount: Fraction) -> int | float:
    """Return an amount as JSON writes it; element types take a power of two of a byte, so nothing is lost."""
    return int(amount) if amount.denominator == 1 else float(amount)


def _resident(operator: Operator, weights: Weights | None) -> list[GraphResident]:
    if weights is None:
        return []
    terms, name = [_term(term) for term in weights.terms], f"{operator.keeper or operator.name}.{weights.name}"
    return [GraphResident(name=name, dtype=weights.dtype, layout=weights.layout, terms=terms)]


def collective_graph(problem: Instance) -> GraphFile:
    """Return ``graph.json`` of a collective: what chips hold, a ``source`` of it, and a ``deliver`` that needs it."""
    tensors, (layout, reader) = problem.stage.tensors, problem.stage.wanted
    chips, width = problem.network.fabric_node.tolist(), problem.network.width
    return GraphFile(
        tensors=[
            GraphTensor(
                name=tensor.name,
                layer=0,
                rows=tensor.vectors,
                vectors_per_row=1,
                vectors=tensor.vectors,
                row_bytes=problem.add_cost.vector_bytes,
                dtype=SUM_DATATYPE,
                element_bits=SUM_ELEMENT_BITS,
                layout=tensor.layout,
                shard=_shard(tensor.shard),
                place="chips",
            )
            for tensor in tensors
        ],
        operators=[
            _end(SOURCE_KIND, inputs=[], outputs=[tensor.name for tensor in tensors]),
            _end(
                DELIVER_KIND,
                inputs=[GraphInput(tensor=tensor.name, layout=layout, shard=_shard(reader)) for tensor in tensors],
                outputs=[],
            ),
        ],
        groups=[GraphGroup(group=0, chips=chips[:width], hosts=[], relays=sorted(chips[width:]))],
        layers=[GraphLayer(layer=0, group=0)],
        segments=[GraphSegment(segment=0, layers=[0])],
    )


def _end(kind: str, *, inputs: list[GraphInput], outputs: list[str]) -> GraphOperator:
    return GraphOperator(
        name=kind,
        kind=kind,
        layer=0,
        place="chips",
        unit=NO_UNIT,
        inputs=inputs,
        outputs=outputs,
        dtype=SUM_DATATYPE,
        ends=kind == DELIVER_KIND,
    )


def _shard(shard: int) -> int | None:
    """Return a shard where there is one alone, None for others: the holder of a ``single`` tensor, who does a term."""
    return None if shard < 0 else shard

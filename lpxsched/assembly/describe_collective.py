"""The two JSON files of a collective: its graph of one layer, and the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.assembly.collective_segment import DELIVER, NO_UNIT, SOURCE
from lpxsched.assembly.headline import picoseconds_up
from lpxsched.assembly.provenance import (
    Origin,
    fabric_files,
    manifest,
    named_options,
    result_figures,
    signed_build,
    traffic_results,
)
from lpxsched.schedule.problem.collective import SUM_DATATYPE, SUM_ELEMENT_BITS
from lpxsched.timetable.documents import (
    GraphFile,
    GraphGroup,
    GraphInput,
    GraphLayer,
    GraphOperator,
    GraphSegment,
    GraphTensor,
)
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.assembly.fabric_tables import Surroundings
    from lpxsched.assembly.program import Program
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CollectiveOptions
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.timetable.build import Build


def describe_collective(
    options: CollectiveOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    scheduled: ScheduledCollective,
    program: Program,
    around: Surroundings,
) -> Build:
    """Return the tables of a collective with the documents that describe them."""
    origin = Origin(options, fabric, clock, fabric_files(options))
    results = _results(options, fabric, scheduled) | traffic_results(program)
    unsigned = manifest(origin, options=named_options(origin), results=results)
    return signed_build(program, around, collective_graph(scheduled.problem), unsigned)


def collective_graph(problem: Instance) -> GraphFile:
    """Return ``graph.json``: what chips hold at first, a ``source`` of it, and a ``deliver`` that needs it."""
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
            _operator(SOURCE, inputs=[], outputs=[tensor.name for tensor in tensors]),
            _operator(
                DELIVER,
                inputs=[GraphInput(tensor=tensor.name, layout=layout, shard=_shard(reader)) for tensor in tensors],
                outputs=[],
            ),
        ],
        groups=[GraphGroup(group=0, chips=chips[:width], hosts=[], relays=sorted(chips[width:]))],
        layers=[GraphLayer(layer=0, group=0)],
        segments=[GraphSegment(segment=0, layers=[0])],
    )


def _operator(kind: str, *, inputs: list[GraphInput], outputs: list[str]) -> GraphOperator:
    return GraphOperator(
        name=kind,
        kind=kind,
        layer=0,
        place="chips",
        unit=NO_UNIT,
        inputs=inputs,
        outputs=outputs,
        dtype=SUM_DATATYPE,
        ends=kind == DELIVER,
    )


def _shard(shard: int) -> int | None:
    """Return the one holder or reader of a ``single`` tensor, None for others."""
    return None if shard < 0 else shard


def _results(options: CollectiveOptions, fabric: Fabric, scheduled: ScheduledCollective) -> dict[str, Any]:
    result, period = scheduled.result, scheduled.result.schedule.period_cycles
    return {
        "kind": options.kind,
        "topology": fabric.name,
        **result_figures(result),
        "makespan_ns": picoseconds_up(cycles_to_ns(result.makespan_cycles, fabric.chip.clock_mhz)),
        "chips": scheduled.problem.network.width,
        **({"period_cycles": period} if period else {}),
    }

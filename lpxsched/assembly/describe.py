"""The two JSON files of a compile: the layer graph with its partition, and the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import (
    assumed_ns,
    headline_results,
    not_modelled,
    picoseconds_up,
    reserved_results,
)
from lpxsched.assembly.provenance import (
    Origin,
    fabric_files,
    manifest,
    named_options,
    result_figures,
    signed_build,
    traffic_results,
)
from lpxsched.clocks.latency import arrival_ns, nominal_ns, restart_cycles, segment_levels, slowest_mhz, worst_case_ns
from lpxsched.clocks.tree import AlignmentTree
from lpxsched.files.shipped import find_file
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
from lpxsched.units import NONE, cycles_to_ns
from lpxsched.workload.config.quantization import quantization_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from lpxsched.assembly.fabric_tables import Surroundings
    from lpxsched.assembly.program import Program
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.partition.group import Group
    from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
    from lpxsched.timetable.build import Build
    from lpxsched.workload.graph import LayerGraph, Operator
    from lpxsched.workload.work import Term, Weights, Work


def graph_document(
    graph: LayerGraph, groups: Sequence[Group], works_of_group: Callable[[Group], dict[str, Work]]
) -> GraphFile:
    """Return ``graph.json``; layer i is segment i, on group i.

    Parameters
    ----------
    graph : LayerGraph
    groups : sequence of Group
    works_of_group : callable
        Work of each operator kind of a layer on its group.
    """
    works = {group.layer: works_of_group(group) for group in groups}
    return GraphFile(
        tensors=[GraphTensor.model_validate(tensor, from_attributes=True) for tensor in graph.tensors.values()],
        operators=[_operator(operator, works[operator.layer][operator.kind]) for operator in graph.operators],
        groups=[
            GraphGroup(group=number, chips=list(group.chips), hosts=list(group.hosts))
            for number, group in enumerate(groups)
        ],
        layers=[GraphLayer(layer=group.layer, group=number) for number, group in enumerate(groups)],
        segments=[GraphSegment(segment=number, layers=[group.layer]) for number, group in enumerate(groups)],
    )


def _operator(operator: Operator, work: Work) -> GraphOperator:
    return GraphOperator(
        name=operator.name,
        kind=operator.kind,
        layer=operator.layer,
        place=operator.place,
        unit=operator.unit,
        inputs=[GraphInput(tensor=name, layout=layout) for name, layout in operator.inputs],
        outputs=[operator.output] if operator.output else [],
        dtype=work.dtype,
        rows=work.rows,
        columns=work.columns,
        column_block=work.column_block,
        work=[_term(term) for term in work.terms],
        pipelines=dict(work.pipelines),
        resident=_resident(operator, work.weights),
        ends=operator.ends,
    )


def _term(term: Term) -> GraphTerm:
    return GraphTerm(
        counts=term.counts,
        unit=term.unit,
        constant=_number(term.constant),
        per_row=_number(term.per_row),
        per_column=_number(term.per_column),
        per_row_column=_number(term.per_row_column),
        shard=None if term.shard == NONE else term.shard,
    )


def _number(amount: Fraction) -> int | float:
    """Return an amount as JSON writes it; element types take a power of two of a byte, so nothing is lost."""
    return int(amount) if amount.denominator == 1 else float(amount)


def _resident(operator: Operator, weights: Weights | None) -> list[GraphResident]:
    if weights is None:
        return []
    terms, name = [_term(term) for term in weights.terms], f"{operator.name}.weights"
    return [GraphResident(name=name, dtype=weights.dtype, layout=weights.layout, terms=terms)]


def describe_build(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    graph: GraphFile,
    layers: Sequence[ScheduledLayer],
    program: Program,
    around: Surroundings,
) -> Build:
    """Return the tables of a compile with the documents that describe them.

    Parameters
    ----------
    options : CompileOptions
    fabric : Fabric
    clock : ClockSpecification
    graph : GraphFile
        From `graph_document`.
    layers : sequence of ScheduledLayer
    program : Program
        The tables of operators, operands, tensors and slots.
    around : Surroundings
        The tables of chips, links, segments, frames and deskews.
    """
    origin = Origin(options, fabric, clock, _input_files(options))
    told = named_options(origin) | {"gpu_latency_ns": float(fabric.gpu_latency_ns)}
    results = _results(options, fabric, clock, layers, program, around)
    return signed_build(program, around, graph, manifest(origin, options=told, results=results))


def _input_files(options: CompileOptions) -> dict[str, Path]:
    """Return every file that entered, by kind."""
    files = {"model": find_file("model", options.model)} | fabric_files(options)
    beside = quantization_file(files["model"])
    files |= {} if beside is None else {"quantization": beside}
    return files | ({"partition": Path(options.partition)} if options.partition is not None else {})


def _results(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    program: Program,
    around: Surroundings,
) -> dict[str, Any]:
    distinct = sorted({layer.distinct.number: layer.distinct for layer in layers}.items())
    problems = [_problem(one) for _, one in distinct]
    worst = max(problems, key=lambda problem: problem["gap"])
    makespans, clock_mhz = around.segments.makespan_cycles, fabric.chip.clock_mhz
    proved_ns = nominal_ns(clock_mhz, makespan_cycles=makespans.tolist())
    bound = sum(layer.distinct.result.bound.cycles for layer in layers)
    objective = sum(layer.distinct.result.objective_cycles for layer in layers)
    return {
        "status": "optimal" if all(problem["status"] == "optimal" for problem in problems) else "feasible",
        "solver": "+".join(sorted({problem["solver"] for problem in problems})),
        "makespan_cycles": int(makespans.sum()),
        "lower_bound_cycles": bound,
        "bound": worst["bound"],
        "gap": round(objective / bound, 6),
        "wire_gap": _wire_gap(problems),
        "makespan_ns": picoseconds_up(proved_ns),
        **_headline(options, fabric, clock, layers, around),
        "period_cycles": int(around.frames.period_cycles.max(initial=0)),
        "in_flight": options.in_flight,
        "restart_ns": picoseconds_up(cycles_to_ns(restart_cycles(fabric, clock, _tree(around)), clock_mhz)),
        "layers": len(layers),
        "distinct_problems": len(problems),
        "problems": problems,
        "chips": len({chip for layer in layers for chip in layer.problem.group.chips}),
        **traffic_results(program),
    }


def _headline(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a step takes: of layers on demand one after the other, of one in flight N P."""
    makespans, clock_mhz = around.segments.makespan_cycles.tolist(), fabric.chip.clock_mhz
    proved_ns, assumed = nominal_ns(clock_mhz, makespan_cycles=makespans), assumed_ns(options, layers=len(layers))
    missing = not_modelled(options.gpu_ns, polled=fabric.chip.resident, in_flight=options.in_flight)
    frames = [layer.frame for layer in layers if layer.frame]
    if frames:
        cycles = sum(frame.step_cycles for frame in frames)
        step_ns, high_ns = cycles_to_ns(cycles, clock_mhz), cycles_to_ns(cycles, slowest_mhz(clock, clock_mhz))
        return reserved_results(proved_ns, step_ns, high_ns, assumed, missing, rows=options.in_flight * options.batch)
    worst_ns = worst_case_ns(
        clock,
        clock_mhz,
        waiting_cycles=around.segments.waiting_cycles.tolist(),
        makespan_cycles=makespans,
        levels=_levels(around, layers),
        arrivals_ns=len(layers) * arrival_ns(clock, clock_mhz, in_hop=fabric.guard_in_hop),
    )
    return headline_results(proved_ns, worst_ns, assumed, missing, batch=options.batch)


def _wire_gap(problems: list[dict[str, Any]]) -> float:
    """Return the gap of all layers with operators taking no time."""
    makespan, bound = (
        sum(len(problem["layers"]) * int(problem["wires"][key]) for problem in problems)
        for key in ("makespan_cycles", "lower_bound_cycles")
    )
    return float(round(makespan / bound, 6))


def _problem(one: DistinctResult) -> dict[str, Any]:
    period = one.result.schedule.period_cycles
    return {
        "layers": list(one.layers),
        "chips": one.chips,
        **result_figures(one.result),
        **({"period_cycles": period} if period else {}),
        "wires": result_figures(one.wires),
    }


def _levels(around: Surroundings, layers: Sequence[ScheduledLayer]) -> list[int]:
    """Return the tree levels that can lie between two chips of each segment."""
    return [segment_levels(_tree(around), layer.problem.group.chips, deskews=1) for layer in layers]


def _tree(around: Surroundings) -> AlignmentTree:
    return AlignmentTree(around.chips.hac_parent, around.chips.hac_depth)

"""The two JSON files of a build: the layer graph with its partition, and the manifest."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.clocks.latency import gpu_part_ns, nominal_ns, worst_case_ns
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import assumed_values
from lpxsched.files.shipped import find_file, name_of
from lpxsched.timetable.documents import (
    FORMAT,
    GraphFile,
    GraphInput,
    GraphOperator,
    GraphSegment,
    GraphTensor,
    ManifestFile,
    canonical_json,
)
from lpxsched.timetable.reader import Build
from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.partition.groups import Group
    from lpxsched.schedule.repeated import DistinctResult, ScheduledLayer
    from lpxsched.schedule.result import SolveResult
    from lpxsched.timetable.assemble import Program
    from lpxsched.timetable.surroundings import Surroundings
    from lpxsched.workload.graph import LayerGraph

# Packages whose version can change the bytes of a build.
DECISIVE_PACKAGES = ("lpxsched", "numpy", "ortools", "pyarrow")


def graph_document(graph: LayerGraph, groups: Sequence[Group]) -> GraphFile:
    """Return ``graph.json``; layer i is segment i."""
    return GraphFile(
        tensors=[
            GraphTensor(
                name=tensor.name,
                layer=tensor.layer,
                rows=tensor.rows,
                vectors_per_row=tensor.vectors_per_row,
                vectors=tensor.vectors,
                row_bytes=tensor.row_bytes,
                dtype=tensor.dtype,
                element_bits=tensor.element_bits,
                layout=tensor.layout,
                place=tensor.place,
            )
            for tensor in graph.tensors.values()
        ],
        operators=[
            GraphOperator(
                name=operator.name,
                kind=operator.kind,
                layer=operator.layer,
                place=operator.place,
                unit=operator.unit,
                inputs=[GraphInput(tensor=name, layout=layout) for name, layout in operator.inputs],
                outputs=[operator.output] if operator.output else [],
            )
            for operator in graph.operators
        ],
        segments=[
            GraphSegment(segment=segment, layers=[group.layer], chips=list(group.chips), hosts=list(group.hosts))
            for segment, group in enumerate(groups)
        ],
    )


def describe_build(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    graph: LayerGraph,
    layers: Sequence[ScheduledLayer],
    program: Program,
    around: Surroundings,
) -> Build:
    """Return the tables of a compile with the documents that describe them."""
    graph_file = graph_document(graph, [layer.problem.group for layer in layers])
    graph_json = canonical_json(graph_file)
    unsigned = Build(
        program.slots,
        program.operators,
        program.operands,
        program.tensors,
        around.chips,
        around.links,
        around.segments,
        around.deskews,
        graph_file,
        manifest(options, fabric, clock, layers, program, around),
        graph_json,
    )
    signature = {"content_sha256": unsigned.content_sha256()}
    return replace(unsigned, manifest=unsigned.manifest.model_copy(update=signature))


def manifest(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    program: Program,
    around: Surroundings,
) -> ManifestFile:
    """Return ``manifest.json`` but for the content hash."""
    files = _input_files(options)
    return ManifestFile(
        format=FORMAT,
        versions={name: version(name) for name in DECISIVE_PACKAGES},
        inputs={
            kind: {"name": _name(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for kind, path in files.items()
        },
        options=_options(options, files)
        | {"topology": fabric.name, "clock": clock.name, "gpu_latency_ns": float(fabric.gpu_latency_ns)},
        seed=options.seed,
        period=0,
        clock_mhz=str(fabric.chip.clock_mhz),
        vector_bytes=fabric.vector_bytes,
        wire=fabric.wire,
        clock=clock.model_dump(mode="json"),
        assumptions={
            f"{kind}.{key}": value
            for kind, path in files.items()
            if kind != "model"
            for key, value in assumed_values(read_yaml(path).data).items()
        },
        results=_results(options, fabric, clock, layers, program, around),
        content_sha256="",
    )


def _input_files(options: CompileOptions) -> dict[str, Path]:
    """Return every file that entered, by kind."""
    topology = find_file("topology", options.topology)
    files = {
        "model": find_file("model", options.model),
        "topology": topology,
        "chip": find_file("chip", read_yaml(topology).data["chip"]),
        "clock": find_file("clock", options.clock),
    }
    if options.partition is not None:
        files["partition"] = Path(options.partition)
    return files


def _options(options: CompileOptions, files: dict[str, Path]) -> dict[str, Any]:
    """Return the options with names in the place of paths: a build says nothing of where its inputs lay."""
    named = {kind: _name(path) for kind, path in files.items() if kind != "chip"}
    return options.model_dump() | named


def _name(path: Path) -> str:
    """Return the name of an input file as JSON can hold it: a name on disk need not be UTF-8."""
    return name_of(path).encode(errors="backslashreplace").decode()


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
    makespans, bounds = around.segments.makespan_cycles, around.segments.lower_bound_cycles
    gpu_ns = gpu_part_ns(len(layers), options.gpu_ns, float(fabric.gpu_latency_ns))
    latency = {
        "makespan_cycles": makespans.tolist(),
        "start_allowance_cycles": around.segments.start_allowance_cycles.tolist(),
        "levels": around.levels,
    }
    clock_mhz = fabric.chip.clock_mhz
    return {
        "status": "optimal" if all(problem["status"] == "optimal" for problem in problems) else "feasible",
        "solver": "+".join(sorted({problem["solver"] for problem in problems})),
        "makespan_cycles": int(makespans.sum()),
        "lower_bound_cycles": int(bounds.sum()),
        "bound": worst["bound"],
        "gap": worst["gap"],
        "wire_gap": max(problem["wires"]["gap"] for problem in problems),
        "makespan_ns": _ps_up(nominal_ns(clock_mhz, makespan_cycles=makespans.tolist(), gpu_ns=Fraction(0))),
        "worst_case_ns": _ps_up(worst_case_ns(clock, clock_mhz, **latency, gpu_ns=gpu_ns)),
        "worst_case_without_gpu_ns": _ps_up(worst_case_ns(clock, clock_mhz, **latency, gpu_ns=Fraction(0))),
        "layers": len(layers),
        "distinct_problems": len(problems),
        "problems": problems,
        "vectors": _distinct_vectors(program),
        "vector_hops": int(program.slots.vectors.sum()),
        "slots": len(program.slots),
        "chips": len({chip for layer in layers for chip in layer.problem.group.chips}),
        "links": len(np.unique(program.slots.link)),
    }


def _problem(one: DistinctResult) -> dict[str, Any]:
    def figures(result: SolveResult) -> dict[str, Any]:
        return {
            "status": result.status,
            "solver": result.solver,
            "makespan_cycles": result.makespan_cycles,
            "lower_bound_cycles": result.bound.cycles,
            "bound": result.bound.name,
            "gap": round(float(result.gap), 6),
        }

    return {
        "layers": list(one.layers),
        "chips": one.chips,
        **figures(one.result),
        "wires": figures(one.wires),
    }


def _distinct_vectors(program: Program) -> int:
    """Return how many different vectors travel: a vector counts once, however many links carry it."""
    slots = program.slots
    order = np.lexsort((slots.first_vector, slots.tensor))
    tensor, first = slots.tensor[order], slots.first_vector[order]
    last = first + slots.vectors[order]
    total, covered, current = 0, 0, -1
    for row in range(len(tensor)):
        if tensor[row] != current:
            current, covered = int(tensor[row]), 0
        total += max(0, int(last[row]) - max(covered, int(first[row])))
        covered = max(covered, int(last[row]))
    return total


def _ps_up(time_ns: Fraction) -> float:
    """Return a time rounded up to a picosecond: a bound must not lose anything to rounding."""
    return ceil_cycles(time_ns * 1000) / 1000

"""What every build tells of its origin: input files, versions, options by name, assumptions; and the signed build."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.fabric.schema import TopologyFile
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import assumed_values
from lpxsched.files.shipped import find_file, name_of
from lpxsched.timetable.build import Build
from lpxsched.timetable.documents import FORMAT, ManifestFile, canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpxsched.assembly.fabric_tables import Surroundings
    from lpxsched.assembly.program import Program
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.schedule.result import Result
    from lpxsched.timetable.documents import GraphFile

# Packages whose version can change the bytes of a build.
DECISIVE_PACKAGES = ("lpxsched", "numpy", "ortools", "pyarrow")
# Files that hold no values with a source.
UNTAGGED = ("model", "links")
EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a build comes from.

    Attributes
    ----------
    options : CompileOptions or CollectiveOptions
    fabric, clock : Fabric, ClockSpecification
    files : dict of Path
        Every file that entered, by kind.
    """

    options: CompileOptions | CollectiveOptions
    fabric: Fabric
    clock: ClockSpecification
    files: Mapping[str, Path]


def fabric_files(options: CompileOptions | CollectiveOptions) -> dict[str, Path]:
    """Return the files behind a fabric and its clock, by kind."""
    topology = find_file("topology", options.topology)
    data = read_yaml(topology).data
    files = {"topology": topology, "chip": chip_file(options), "clock": find_file("clock", options.clock)}
    if data["kind"] == EXPLICIT:
        files["links"] = topology.parent / data["links"]
    return files


def chip_file(options: CompileOptions | CollectiveOptions) -> Path:
    """Return the file of the chips of a topology."""
    data = read_yaml(find_file("topology", options.topology)).data
    return find_file("chip", data.get("chip", TopologyFile.model_fields["chip"].default))


def named_options(origin: Origin) -> dict[str, Any]:
    """Return the options with names in the place of paths: a build says nothing of where its inputs lay."""
    options = origin.options.model_dump(mode="json")
    named = {kind: file_name(path) for kind, path in origin.files.items() if kind in options}
    # A file tells its own name.
    return options | named | {"topology": origin.fabric.name, "clock": origin.clock.name}


def file_name(path: Path) -> str:
    """Return the name of an input file as JSON can hold it: a name on disk need not be UTF-8."""
    return name_of(path).encode(errors="backslashreplace").decode()


def manifest(origin: Origin, *, options: dict[str, Any], results: dict[str, Any]) -> ManifestFile:
    """Return ``manifest.json`` but for the content hash.

    Parameters
    ----------
    origin : Origin
    options : dict
        What a user chose, as the manifest tells it.
    results : dict
    """
    fabric, files = origin.fabric, origin.files
    return ManifestFile(
        format=FORMAT,
        versions={name: version(name) for name in DECISIVE_PACKAGES},
        inputs={
            kind: {"name": file_name(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for kind, path in files.items()
        },
        options=options,
        seed=origin.options.seed,
        clock_mhz=str(fabric.chip.clock_mhz),
        vector_bytes=fabric.vector_bytes,
        wire=fabric.wire,
        guard_in_hop=fabric.guard_in_hop,
        clock=origin.clock.model_dump(mode="json", exclude_none=True),
        assumptions={
            f"{kind}.{key}": value
            for kind, path in files.items()
            if kind not in UNTAGGED
            for key, value in assumed_values(read_yaml(path).data).items()
        },
        results=results,
        content_sha256="",
    )


def signed_build(program: Program, around: Surroundings, graph: GraphFile, unsigned: ManifestFile) -> Build:
    """Return the tables and documents of a build, its content hash in the manifest."""
    tables = {field.name: getattr(part, field.name) for part in (program, around) for field in fields(part)}
    build = Build(**tables, graph=graph, manifest=unsigned, graph_json=canonical_json(graph))
    signature = {"content_sha256": build.content_sha256()}
    return replace(build, manifest=unsigned.model_copy(update=signature))


def result_figures(result: Result) -> dict[str, Any]:
    """Return how long a schedule is, and what is proven of it."""
    return {
        "status": result.status,
        "solver": result.solver,
        "makespan_cycles": result.makespan_cycles,
        "lower_bound_cycles": result.bound.cycles,
        "bound": result.bound.name,
        "gap": round(float(result.gap), 6),
    }


def traffic_results(program: Program) -> dict[str, int]:
    """Return how much travels: distinct vectors, hops of vectors, slots, and links in use."""
    return {
        "vectors": distinct_vectors(program),
        "vector_hops": int(program.slots.vectors.sum()),
        "slots": len(program.slots),
        "links": len(np.unique(program.slots.link)),
    }


def distinct_vectors(program: Program) -> int:
    """Return how many different vectors travel: a vector counts once, however many links carry it."""
    slots, sizes = program.slots, program.tensors.vectors
    # All tensors one after the other on one axis.
    start = (np.cumsum(sizes) - sizes)[slots.tensor] + slots.first_vector
    order = np.argsort(start, kind="stable")
    start, end = start[order], (start + slots.vectors)[order]
    covered = np.concatenate([np.zeros(1, dtype=np.int64), np.maximum.accumulate(end)])[: len(end)]
    return int(np.maximum(0, end - np.maximum(start, covered)).sum())

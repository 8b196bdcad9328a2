"""What every build tells of its origin: input files, versions, options by name, assumptions; and the signed build."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpxsched.fabric.profile import read_topology
from lpxsched.fabric.schema import ExplicitFile
from lpxsched.files.document import read_bytes, read_yaml
from lpxsched.files.schema import assumed_values
from lpxsched.files.shipped import find_file, name_of
from lpxsched.options import PARTITIONS, CollectiveOptions, CompileOptions
from lpxsched.program.outside.gpus import read_gpus
from lpxsched.program.outside.handover import read_handover
from lpxsched.timetable.build import Build, signed
from lpxsched.timetable.documents import FORMAT, ManifestFile
from lpxsched.workload.config.quantization import quantization_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.assembly.assembled import Assembled
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.outside.micro_batch import Outside

# Packages whose version can change the bytes of a build.
DECISIVE_PACKAGES = ("lpxsched", "numpy", "ortools", "pyarrow")
# Files that hold no values with a source.
UNTAGGED = ("model", "links")
# What is done with weights that chips cannot multiply, and what else may have to be.
EXPANDED, STORED = "expanded on read", "stored as fp8"


def signed_build(options: CompileOptions | CollectiveOptions, made: Assembled, results: dict[str, Any]) -> Build:
    """Return the tables of a compile or a collective with the documents that describe them, signed."""
    files, fabric, clock = input_files(options), made.fabric, made.clock
    unsigned = ManifestFile(
        format=FORMAT,
        versions={name: version(name) for name in DECISIVE_PACKAGES},
        inputs=inputs_by_content(files),
        options=_named_options(options, fabric, clock, files),
        seed=options.seed,
        clock_mhz=str(fabric.chip.clock_mhz),
        vector_bytes=fabric.vector_bytes,
        wire=fabric.wire,
        guard_in_hop=fabric.guard_in_hop,
        clock=clock.model_dump(mode="json", exclude_none=True),
        assumptions={f"{kind}.{key}": value for kind, key, value in assumptions_of(files)},
        results=results,
        content_sha256="",
    )
    tables = {field.name: getattr(part, field.name) for part in (made.program, made.machine) for field in fields(part)}
    return signed(Build(**tables, graph=made.graph, manifest=unsigned, graph_json=b""))


def with_outside(build: Build, options: CompileOptions, outside: Outside) -> Build:
    """Return a build that holds GPUs and hand-over by value, and what GPUs do before each layer and at last."""
    files = {"gpus": read_gpus(options.gpus), "handover": read_handover(options.handover)}
    told = {name: file.model_dump(mode="json", exclude_none=True) for name, file in files.items()}
    works = [
        {"kernels": work.kernels, "user_bytes": work.user_bytes, "weight_bytes": work.weight_bytes}
        for work in outside.works
    ]
    update = {"outside": told | {"work": works, "users": options.batch}}
    return replace(build, manifest=build.manifest.model_copy(update=update))


def with_expanded_weights(build: Build, options: CompileOptions, weights: str, fp8: dict[str, Any] | str) -> Build:
    """Return a build whose manifest says that weights are expanded on read, beside what fp8 weights would give.

    `fp8` is from `model_results.fp8_results`, or says why there is nothing.
    """
    types = read_yaml(input_files(options)["chip"]).data.get("matrix_types")
    source = types.get("source", "") if isinstance(types, dict) else ""
    told = {"value": EXPANDED, "range": [EXPANDED, STORED], "source": source or f"the chip does not multiply {weights}"}
    manifest = build.manifest
    update = {
        "assumptions": manifest.assumptions | {f"weights.{weights}": told},
        "results": manifest.results | {"fp8": fp8},
    }
    return replace(build, manifest=manifest.model_copy(update=update))


def inputs_by_content(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return name and hash of each file, by kind; one that cannot be read is an `InputError`."""
    return {
        kind: {"name": _file_name(path), "sha256": hashlib.sha256(read_bytes(path)).hexdigest()}
        for kind, path in files.items()
    }


def assumptions_of(files: Mapping[str, Path]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind of file, dotted key, and value with range and source, of all that is tagged as assumed."""
    return [
        (kind, key, value)
        for kind, path in files.items()
        if kind not in UNTAGGED
        for key, value in assumed_values(read_yaml(path).data).items()
    ]


def input_files(options: CompileOptions | CollectiveOptions) -> dict[str, Path]:
    """Return every file that enters, by kind.

    Raises
    ------
    InputError
        When one is not there, or does not say which others it needs.
    """
    files = {"model": find_file("model", options.model)} if isinstance(options, CompileOptions) else {}
    topology = find_file("topology", options.topology)
    _, file = read_topology(topology)
    chip, clock = find_file("chip", file.chip), find_file("clock", options.clock)
    files |= {"topology": topology, "chip": chip, "clock": clock}
    if isinstance(file, ExplicitFile):
        files["links"] = topology.parent / file.links
    if isinstance(options, CompileOptions):
        if options.attention == "gpu":
            files |= {"gpus": find_file("gpus", options.gpus), "handover": find_file("handover", options.handover)}
        beside = quantization_file(files["model"])
        files |= {} if beside is None else {"quantization": beside}
        files |= {} if options.partition in PARTITIONS else {"partition": Path(options.partition)}
    return files


def _named_options(
    options: CompileOptions | CollectiveOptions, fabric: Fabric, clock: ClockSpecification, files: dict[str, Path]
) -> dict[str, Any]:
    """Return the options with names in the place of paths: a build says nothing of where its inputs lay."""
    unused = {"gpus", "handover"} - set(files)
    told = options.model_dump(mode="json", exclude=unused)
    named = {kind: _file_name(path) for kind, path in files.items() if kind in told}
    # A file tells its own name.
    return told | named | {"topology": fabric.name, "clock": clock.name}


def _file_name(path: Path) -> str:
    """Return the name of an input file as JSON can hold it: a name on disk need not be UTF-8."""
    return name_of(path).encode(errors="backslashreplace").decode()

"""Tests of graph.json and manifest.json of a compile: they say what the tables and the input files say."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lpxsched.files.shipped import ROOT
from lpxsched.timetable.documents import canonical_json
from lpxsched.timetable.writer import write_build
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import ffn_model
from tests.timetable.small import compiled, small_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lpxsched.timetable.build import Build

INPUTS = {
    "topology": ROOT / "topologies" / "tsp-node.yaml",
    "chip": ROOT / "topologies" / "chips" / "tsp.yaml",
    "clock": ROOT / "topologies" / "clocks" / "xo-100ppm.yaml",
    "gpus": ROOT / "topologies" / "gpus" / "nvl72.yaml",
    "handover": ROOT / "topologies" / "handover" / "fpga-400g.yaml",
}


def test_the_graph_is_that_of_the_workload(tmp_path: Path, small_build: Build) -> None:
    """Tests every tensor and operator against the layer graph itself."""
    model = ffn_model(load_model(small_options(tmp_path).model))
    graph = ffn_graph(model, batch=8, precision=Precision("bf16", "fp8", "bf16"), vector_bytes=320)
    assert [tensor.name for tensor in small_build.graph.tensors] == list(graph.tensors)
    for told in small_build.graph.tensors:
        tensor = graph.tensors[told.name]
        told_keys = told.model_dump(exclude={"shard", "runs"})
        assert {key: getattr(tensor, key) for key in told_keys} == told_keys
        assert told.shard is None
    for told_operator, operator in zip(small_build.graph.operators, graph.operators, strict=True):
        for key in ("name", "kind", "layer", "place", "unit"):
            assert getattr(told_operator, key) == getattr(operator, key)
        assert tuple((read.tensor, read.layout) for read in told_operator.inputs) == operator.inputs
        assert told_operator.outputs == [operator.output] * bool(operator.output)


def test_groups_layers_and_segments(small_build: Build) -> None:
    """Tests that each layer has a group and a segment of its own: the first four chips, and the others."""
    graph = small_build.graph.model_dump()
    chips = [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert graph["groups"] == [{"group": row, "chips": chips[row], "hosts": [8] * 4, "relays": []} for row in range(2)]
    assert graph["layers"] == [{"layer": row, "group": row} for row in range(2)]
    assert graph["segments"] == [{"segment": row, "layers": [row]} for row in range(2)]


@pytest.mark.parametrize("choices", [{}, {"num_hidden_layers": 3, "chips": [[0], [7, 1], [2, 3, 4]], "batch": 3}])
def test_results_are_what_the_tables_say(tmp_path: Path, choices: dict[str, Any]) -> None:
    """Tests every count against a direct one."""
    build = compiled(tmp_path, **choices)
    results, slots = build.manifest.results, build.slots
    carried = {
        (tensor, vector)
        for tensor, first, vectors in zip(
            slots.tensor.tolist(), slots.first_vector.tolist(), slots.vectors.tolist(), strict=True
        )
        for vector in range(first, first + vectors)
    }
    counted = {
        "makespan_cycles": int(build.segments.makespan_cycles.sum()),
        "lower_bound_cycles": int(build.segments.lower_bound_cycles.sum()),
        "slots": len(slots),
        "vectors": len(carried),
        "vector_hops": int(slots.vectors.sum()),
        "layers": len(build.segments),
        "chips": len({chip for group in build.graph.groups for chip in group.chips}),
        "links": len(set(slots.link.tolist())),
        "distinct_problems": len(results["problems"]),
        "gap": round(results["makespan_cycles"] / results["lower_bound_cycles"], 6),
        "wire_gap": round(
            sum(len(problem["layers"]) * problem["wires"]["makespan_cycles"] for problem in results["problems"])
            / sum(len(problem["layers"]) * problem["wires"]["lower_bound_cycles"] for problem in results["problems"]),
            6,
        ),
    }
    assert {key: results[key] for key in counted} == counted
    assert results["makespan_ns"] == pytest.approx(counted["makespan_cycles"] / 0.9, abs=1e-3)
    assert results["proved_worst_ns"] > results["proved_ns"] == results["makespan_ns"]
    for place, key in enumerate(("assumed_ns", "assumed_low_ns", "assumed_high_ns")):
        assert results[key] == pytest.approx(
            sum(part[place] for part in results["assumed_parts_ns"].values()), abs=0.01
        )
    # 500 to 10,000 ns each way, and some bytes.
    assert results["assumed_parts_ns"]["hand-over"][1] > counted["layers"] * 1000
    assert results["assumed_parts_ns"]["hand-over"][2] > counted["layers"] * 20000
    assert results["step_high_ns"] == pytest.approx(results["proved_worst_ns"] + results["assumed_high_ns"], abs=1e-6)
    for problem in results["problems"]:
        for layer in problem["layers"]:
            assert problem["makespan_cycles"] == build.segments.makespan_cycles[layer]
            assert problem["lower_bound_cycles"] == build.segments.lower_bound_cycles[layer]
            assert problem["chips"] == len(build.graph.chips_of(layer))
        assert problem["gap"] == round(problem["makespan_cycles"] / problem["lower_bound_cycles"], 6)
    assert sorted(layer for problem in results["problems"] for layer in problem["layers"]) == list(
        range(len(build.segments))
    )


def assumed(data: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield every number of a file that is tagged as assumed, by its dotted key."""
    if isinstance(data, dict):
        if data.get("tag") == "assumed":
            yield key, {name: data[name] for name in ("value", "range", "source")}
        for name, child in data.items():
            yield from assumed(child, f"{key}.{name}")


def test_every_assumed_number_of_the_inputs_is_listed(small_build: Build) -> None:
    """Tests the assumptions against the files, and that each of the three has one."""
    expected = dict(pair for kind, path in INPUTS.items() for pair in assumed(yaml.safe_load(path.read_text()), kind))
    assert small_build.manifest.assumptions == expected
    assert {key.partition(".")[0] for key in expected} == set(INPUTS)
    assert expected["clock.offset_ppm"]["value"] == 100


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json", ""])
def test_assumptions_do_not_hang_on_a_suffix(tmp_path: Path, small_build: Build, suffix: str) -> None:
    """Tests a topology and a clock of the user under any name that the loaders take."""
    topology, clock = tmp_path / f"node{suffix}", tmp_path / f"clock{suffix}"
    shutil.copy(INPUTS["topology"], topology)
    shutil.copy(INPUTS["clock"], clock)
    build = compiled(tmp_path, topology=str(topology), clock=str(clock))
    assert build.manifest.assumptions == small_build.manifest.assumptions


def test_inputs_are_named_and_hashed(tmp_path: Path) -> None:
    """Tests names without folders, and the SHA-256 of each file, a partition among them."""
    build = compiled(tmp_path, chips=[[0, 1], [2, 3]])
    files = INPUTS | {"model": tmp_path / "toy" / "config.json", "partition": tmp_path / "cut.yaml"}
    names = {"topology": "tsp-node", "chip": "tsp", "clock": "xo-100ppm", "model": "toy", "partition": "cut"}
    names |= {"gpus": "nvl72", "handover": "fpga-400g"}
    assert build.manifest.inputs == {
        kind: {"name": names[kind], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for kind, path in files.items()
    }
    assert {kind: build.manifest.options[kind] for kind in names if kind != "chip"} == {
        kind: name for kind, name in names.items() if kind != "chip"
    }


def test_a_name_that_is_not_utf8_is_told_in_ascii(tmp_path: Path) -> None:
    """Tests a model in a folder whose name is a byte that no text has."""
    (tmp_path / "\udcff").mkdir()
    options = small_options(tmp_path)
    shutil.copy(tmp_path / "toy" / "config.json", tmp_path / "\udcff")
    build = compiled(tmp_path, **(options.model_dump(exclude_unset=True) | {"model": str(tmp_path / "\udcff")}))
    assert build.manifest.options["model"] == build.manifest.inputs["model"]["name"] == "\\udcff"
    write_build(tmp_path / "out", build)


def test_the_clock_stands_by_value(small_build: Build) -> None:
    """Tests that the manifest holds the whole clock file, each number with its tag and source."""
    clock = yaml.safe_load(INPUTS["clock"].read_text())
    assert small_build.manifest.clock == clock
    assert small_build.manifest.clock_mhz == "900"


def test_options_and_seed_are_kept(tmp_path: Path) -> None:
    """Tests what a user chose."""
    build = compiled(tmp_path, batch=3, seed=7, context=777, weights="fp8")
    options = build.manifest.options
    assert (options["batch"], options["context"], options["weights"], options["solver"]) == (3, 777, "fp8", "greedy")
    assert options["seed"] == build.manifest.seed == 7
    assert (options["gpus"], options["handover"]) == ("nvl72", "fpga-400g")


def test_nothing_tells_where_or_when(tmp_path: Path) -> None:
    """Tests that no file holds a folder of this machine, and no document a date or a time of day."""
    build = compiled(tmp_path, topology=str(INPUTS["topology"]), chips=[[0, 1], [2, 3]])
    write_build(tmp_path / "out", build)
    for path in (tmp_path / "out").iterdir():
        data = path.read_bytes()
        assert str(tmp_path).encode() not in data
        assert str(ROOT).encode() not in data
        assert b"/tmp" not in data
        assert b"/home" not in data
        if path.suffix == ".json":
            assert not re.search(rb"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", data)


def test_the_same_inputs_elsewhere_give_the_same_bytes(tmp_path: Path) -> None:
    """Tests that two folders with equal inputs give equal documents and hash."""
    builds = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        builds.append(compiled(tmp_path / name, chips=[[0, 1], [2, 3]]))
    assert canonical_json(builds[0].manifest) == canonical_json(builds[1].manifest)
    assert builds[0].graph_json == builds[1].graph_json


def test_documents_are_golden(small_build: Build, golden: Callable[[str, str], None]) -> None:
    """Tests the manifest, without the versions of packages, and the graph, byte by byte."""
    manifest = small_build.manifest.model_copy(update={"versions": {}})
    golden("small_build_manifest.json", canonical_json(manifest).decode())
    golden("small_build_graph.json", small_build.graph_json.decode())


def test_the_content_is_golden(small_build: Build, golden: Callable[[str, str], None]) -> None:
    """Tests that the same model on the same node gives the same timetable as when this was last looked at."""
    golden("small_build_content.txt", f"{small_build.manifest.content_sha256}\n")


def test_documents_are_canonical(small_build: Build) -> None:
    """Tests sorted keys, UTF-8, and one newline at the end."""
    text = canonical_json(small_build.manifest).decode()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

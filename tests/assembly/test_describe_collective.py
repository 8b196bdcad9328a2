"""Tests of graph.json and manifest.json of a collective, and of whole builds against the checker."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.assembly.assembled import assembled
from lpxsched.assembly.collective_segment import collective_segment
from lpxsched.assembly.graph import collective_graph
from lpxsched.assembly.manifest import signed_build
from lpxsched.assembly.results import collective_results
from lpxsched.clocks.specification import load_clock
from lpxsched.files.shipped import find_file
from lpxsched.options import CollectiveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from lpxsched.traffic.collectives import KINDS, Collective
from lpxsched.verify.check import check
from tests.fabric.examples import write_topology
from tests.timetable.collectives import all_gather, all_reduce, line, relayed_all_reduce

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphFile
    from lpxsched.traffic.collectives import Kind

LINE = "src,dst\n0,1\n1,0\n1,2\n2,1\n"


def built(folder: Path, scheduled: ScheduledCollective, **choices: Any) -> Build:
    """Return the build of a collective made by hand, its topology written into a folder."""
    topology = write_topology(folder, LINE, chips=3)
    options = CollectiveOptions(kind=scheduled.problem.stage.kind, topology=topology, **choices)
    clock, fabric = load_clock(options.clock), line()
    segments = [collective_segment(fabric, clock, scheduled, deadline_cycles=options.deadline)]
    made = assembled(fabric, clock, scheduled.tree, segments, collective_graph(scheduled.problem))
    return signed_build(options, made, collective_results(options, made, scheduled))


def graph_of(kind: Kind, *, root: int = 0) -> GraphFile:
    """Return the graph of a collective of two vectors on chips 2 and 0."""
    problem = collective_instance(line(), [2, 0], Collective(kind, 2, 2, root), relays=True)
    return collective_graph(problem)


@pytest.mark.parametrize("collective", [all_gather, all_reduce, relayed_all_reduce])
def test_the_checker_finds_no_fault(tmp_path: Path, collective: Any) -> None:
    """Tests whole builds against the rules, as they are on disk; chips by hand are not those of the topology."""
    scheduled = collective()
    chips = tuple(scheduled.problem.network.fabric_node[: scheduled.problem.network.width].tolist())
    build = built(tmp_path, scheduled, chips=chips, vectors=scheduled.problem.stage.vectors)
    assumptions = {key: told for key, told in build.manifest.assumptions.items() if not key.startswith("chip.")}
    manifest = build.manifest.model_copy(update={"assumptions": assumptions})
    write_build(tmp_path / "out", replace(build, manifest=manifest))
    assert check(read_build(tmp_path / "out")).violations == ()


@pytest.mark.parametrize(
    ("kind", "tensor", "wanted"),
    [
        ("all-gather", (4, "sharded", None), ("replicated", None)),
        ("reduce-scatter", (4, "partial", None), ("sharded", None)),
        ("all-reduce", (2, "partial", None), ("replicated", None)),
        ("broadcast", (2, "single", 1), ("replicated", None)),
        ("reduce", (2, "partial", None), ("single", 1)),
        ("gather", (4, "sharded", None), ("single", 1)),
        ("scatter", (4, "single", 1), ("sharded", None)),
    ],
)
def test_a_kind_is_a_change_of_layout(kind: Kind, tensor: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
    """Tests the tensor that ``source`` leaves and what ``deliver`` needs of it; the root is shard 1."""
    graph = graph_of(kind, root=1)
    assert [(told.vectors, told.layout, told.shard) for told in graph.tensors] == [tensor]
    source, deliver = graph.operators
    assert (source.kind, source.inputs, source.outputs) == ("source", [], ["data"])
    assert (deliver.kind, deliver.outputs) == ("deliver", [])
    assert [(read.tensor, read.layout, read.shard) for read in deliver.inputs] == [("data", *wanted)]


def test_an_all_to_all_has_a_tensor_of_each_chip() -> None:
    """Tests two vectors for each of two chips in both tensors, which ``deliver`` needs sharded."""
    graph = graph_of("all-to-all")
    told = [(tensor.name, tensor.vectors, tensor.layout, tensor.shard) for tensor in graph.tensors]
    assert told == [("from.0", 4, "single", 0), ("from.1", 4, "single", 1)]
    source, deliver = graph.operators
    assert source.outputs == ["from.0", "from.1"]
    assert [(read.tensor, read.layout, read.shard) for read in deliver.inputs] == [
        ("from.0", "sharded", None),
        ("from.1", "sharded", None),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_in_one_layer_on_chips(kind: Kind) -> None:
    """Tests chips in the order of shards, relays besides, no hosts; BF16 tensors of whole vectors."""
    graph = graph_of(kind)
    assert [group.model_dump() for group in graph.groups] == [{"group": 0, "chips": [2, 0], "hosts": [], "relays": [1]}]
    assert {(operator.layer, operator.place, operator.unit) for operator in graph.operators} == {(0, "chips", "none")}
    for tensor in graph.tensors:
        assert (tensor.layer, tensor.place, tensor.dtype, tensor.element_bits) == (0, "chips", "bf16", 16)
        assert (tensor.rows, tensor.vectors_per_row, tensor.row_bytes) == (tensor.vectors, 1, 320)


def test_results_are_what_the_tables_say(tmp_path: Path) -> None:
    """Tests the all-gather: 6 vectors travel, four of them two hops, on all 4 links; 32 cycles at 1 GHz.

    A tree of one level starts within two periods of the counter, 504 cycles.
    """
    assert built(tmp_path, all_gather()).manifest.results == {
        "kind": "all-gather",
        "topology": "toy",
        "status": "optimal",
        "solver": "hand",
        "makespan_cycles": 32,
        "lower_bound_cycles": 32,
        "bound": "by hand",
        "gap": 1.0,
        "makespan_ns": 32.0,
        "proved_worst_ns": 536.0,
        "chips": 3,
        "vectors": 6,
        "vector_hops": 12,
        "slots": 6,
        "links": 4,
    }


def test_the_gap_of_a_repeating_timetable_is_that_of_its_period(tmp_path: Path) -> None:
    """Tests a period of 48 cycles on a bound of 32, and that the manifest says how often everything repeats.

    What is proven of an iteration has names of its own: two vectors take two hops to the far end, 13 cycles each with
    a turnaround of 3 between them, and 3 more for the second.
    """
    one = all_gather()
    cyclic = replace(one, result=replace(one.result, schedule=replace(one.result.schedule, period_cycles=48)))
    manifest = built(tmp_path, cyclic, cyclic=True).manifest
    assert manifest.results["period_cycles"] == 48
    assert (manifest.results["gap"], manifest.results["status"]) == (1.5, "feasible")
    for key, value in {"lower_bound_cycles": 32, "bound": "by hand", "gap": 1.5}.items():
        assert manifest.results[f"period_{key}"] == manifest.results[key] == value
    assert (manifest.results["makespan_cycles"], manifest.results["makespan_lower_bound_cycles"]) == (32, 32)
    assert manifest.results["makespan_bound"] == "ingress"


def test_options_are_kept_with_names_for_paths(tmp_path: Path) -> None:
    """Tests what a user chose, and that no folder of this machine is told."""
    manifest = built(tmp_path, all_reduce(), chips=(2, 1), seed=7, deadline=400).manifest
    assert manifest.options == {
        "kind": "all-reduce",
        "topology": "toy",
        "vectors": 1,
        "root": None,
        "chips": [2, 1],
        "relays": False,
        "cyclic": False,
        "deadline": 400,
        "solver": "auto",
        "effort": 3,
        "seed": 7,
        "clock": "none",
    }
    assert (manifest.seed, manifest.wire, manifest.vector_bytes) == (7, "pipelined", 320)


def test_every_file_that_entered_is_hashed(tmp_path: Path) -> None:
    """Tests the topology with its CSV, the chip that it takes when it names none, and the clock."""
    files = {
        "topology": tmp_path / "toy.yaml",
        "links": tmp_path / "toy.csv",
        "chip": find_file("chip", "lp30"),
        "clock": find_file("clock", "none"),
    }
    inputs = built(tmp_path, all_gather()).manifest.inputs
    assert inputs == {
        kind: {"name": path.stem, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for kind, path in files.items()
    }


def test_assumptions_are_those_of_the_inputs(tmp_path: Path) -> None:
    """Tests that the clock's and the chip's assumed numbers are listed with their source."""
    told = built(tmp_path, all_gather()).manifest.assumptions
    source = "published synthesizers know no clocks; so by definition"
    assert told["clock.offset_ppm"] == {"value": 0, "source": source, "range": [0, 0]}
    assert {key.partition(".")[0] for key in told} == {"clock", "chip"}


def test_a_vector_counts_once_however_often_it_travels(tmp_path: Path) -> None:
    """Tests the relayed all-reduce: two summands and the sum, which leaves on two links."""
    results = built(tmp_path, relayed_all_reduce()).manifest.results
    assert (results["vectors"], results["vector_hops"], results["chips"]) == (3, 4, 2)


def test_equal_input_gives_an_equal_hash(tmp_path: Path) -> None:
    """Tests two builds, and one that differs."""
    one, same, other = (built(tmp_path, collective()) for collective in (all_gather, all_gather, all_reduce))
    assert one.manifest == same.manifest
    assert one.graph_json == same.graph_json
    assert one.manifest.content_sha256 != other.manifest.content_sha256

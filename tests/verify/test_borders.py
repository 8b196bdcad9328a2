"""One segment of two layers on different groups: the border is one change of layout, judged like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.check import check
from tests.verify.borders import DISJOINT, OVERLAPPING, Border, border_build
from tests.verify.changes import breaks, change, reports, rules, with_graph, with_group, with_rows, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.build import Build

BORDERS = [pytest.param(OVERLAPPING, id="overlapping"), pytest.param(DISJOINT, id="disjoint")]


@pytest.mark.parametrize("border", BORDERS)
def test_a_border_of_two_groups_is_legal(border: Border) -> None:
    """Tests partial on chips 0 and 1 to replicated on chips 1 and 2, and on chip 2."""
    assert check(border_build(border)).violations == ()


# Operators 0, 1 are the sources, 2 the sum, 3 and 5 `use` on chips 1 and 2; tensors 0, 1 the summands, 2 their sum.
BROKEN: dict[str, tuple[Callable[[Build], Build], str]] = {
    "the sum never comes to chip 2": (lambda build: without(build, "slots", 1), "R3"),
    "the sum leaves without paying its turnaround": (lambda build: change(build, "slots", 1, depart=24), "R2"),
    "chip 2 starts before the sum is there": (lambda build: change(build, "operators", 5, start=40), "R3"),
    "chip 2 reads a summand for the sum": (lambda build: change(build, "operands", 4, tensor=1), "R3 R5"),
    "chip 1 reads its own summand for the sum": (lambda build: change(build, "operands", 2, tensor=1), "R5"),
    "a summand is left out": (lambda build: change(build, "operands", 0, tensor=1), "R3 R5"),
    "the sum counts its shard in the other group": (lambda build: change(build, "operators", 2, shard=0), "R3"),
    "the sum is of the other layer": (lambda build: change(build, "operators", 2, layer=1), "R3"),
    "an operator counts its shard in the other group": (lambda build: change(build, "operators", 3, shard=1), "R3"),
    "layer 1 is on the group of layer 0": (lambda build: with_graph(build, layers=LAYERS), "R1 R3"),
    "the chips of layer 1 in another order": (lambda build: with_group(build, 1, chips=[2, 1]), "R3"),
    "the sum runs elsewhere": (lambda build: change(build, "operators", 2, chip=2), "R3"),
}
LAYERS = [{"layer": 0, "group": 0}, {"layer": 1, "group": 0}]


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_border_is_found(what: str) -> None:
    """Tests each way to break the overlapping border: just the rules that it breaks are told."""
    broken, told = BROKEN[what]
    assert rules(broken(border_build(OVERLAPPING))) == set(told.split())


@pytest.mark.parametrize(("layer", "shard", "legal"), [(0, 1, True), (1, 0, True), (1, 1, False), (0, 0, False)])
def test_a_sum_belongs_to_any_layer_of_its_segment_whose_group_holds_its_chip(
    layer: int, shard: int, *, legal: bool
) -> None:
    """Tests chip 1, shard 1 of layer 0 and shard 0 of layer 1."""
    assert (not rules(change(border_build(OVERLAPPING), "operators", 2, layer=layer, shard=shard))) == legal


def test_a_sum_counts_the_chips_of_the_group_that_left_the_summands() -> None:
    """Tests that with three chips in the group of layer 0 the sum of two is only a part."""
    build = with_group(border_build(OVERLAPPING), chips=[0, 1, 2])
    assert reports(build, "R5", "reads data whole, but tensor 2 is only the sum of shards [0, 1]")


def test_what_one_layer_leaves_as_its_own_summands_no_other_group_reads_so() -> None:
    """Tests that own summands are read on the chips that leave them, or not at all."""
    graph = border_build(OVERLAPPING).graph.model_dump()
    graph["operators"][1]["inputs"][0]["layout"] = "partial"
    text = "graph.json: operator use reads a summand of data, which other chips than its own leave"
    assert breaks(with_graph(border_build(OVERLAPPING), **graph), "R3", text)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"segments": [{"segment": 0, "layers": [0]}]}, "layer 1 of operator use is in 0 segments, not 1"),
        ({"segments": [{"segment": 0, "layers": [0, 1, 1]}]}, "layer 1 of operator use is in 2 segments, not 1"),
        ({"layers": LAYERS[:1]}, "layer 1 of operator use is on 0 groups, not 1"),
        ({"layers": [*LAYERS, LAYERS[1]]}, "layer 1 of operator use is on 2 groups, not 1"),
    ],
)
def test_a_layer_has_one_group_and_one_segment(part: dict[str, Any], text: str) -> None:
    """Tests layers that are placed nowhere, and twice."""
    assert breaks(with_graph(border_build(OVERLAPPING), **part), "R3", f"graph.json: {text}")


def test_a_tensor_is_of_the_layer_that_leaves_it() -> None:
    """Tests `result`, which layer 1 leaves, as one of layer 0."""
    graph = border_build(OVERLAPPING).graph.model_dump()
    graph["tensors"][1]["layer"] = 0
    text = "operator use of layer 1 writes result of layer 0"
    assert breaks(with_graph(border_build(OVERLAPPING), **graph), "R3", f"graph.json: {text}")


def reserved(runs: list[list[int]]) -> Build:
    """Return the overlapping border whose result is left and read in runs that are told."""
    graph = border_build(OVERLAPPING).graph.model_dump()
    for told in (graph["tensors"][1], graph["operators"][2]["inputs"][0]):
        told.update(layout="reserved", runs=runs)
    build = with_graph(border_build(OVERLAPPING), **graph)
    for tensor in (3, 4):
        build = change(build, "tensors", tensor, layout="reserved")
    return build


def test_shards_of_a_reserved_tensor_see_their_runs() -> None:
    """Tests that chip 1 leaves vector 0 and chip 2 vector 1, as their runs say, and not the other way round."""
    assert not rules(reserved([[0, 1], [1, 1]]))
    other = reserved([[1, 1], [0, 1]])
    assert reports(other, "R3", "tensor 3 holds 1 vector of result from 0 on, its producer writes 1 from 1 on")
    swapped = change(change(other, "tensors", 3, offset=1), "tensors", 4, offset=0)
    assert not rules(swapped)


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([[0, 1], [0, 2]], "tensor result is reserved, but the runs of its shards overlap"),
        ([[0, 1]], "tensor result is reserved with 1 runs; layer 1 has 2 shards"),
        ([[0, 1], [1, 2]], "tensor result is reserved, but a run goes beyond its 2 vectors"),
    ],
)
def test_runs_that_are_no_layout_are_found(runs: list[list[int]], text: str) -> None:
    """Tests runs that overlap, are missing, or go too far."""
    assert breaks(reserved(runs), "R3", f"graph.json: {text}")


def test_runs_belong_to_reserved_tensors() -> None:
    """Tests a sharded tensor with runs, and a reserved one without."""
    graph = border_build(OVERLAPPING).graph.model_dump()
    graph["tensors"][1]["runs"] = [[0, 1], [1, 1]]
    text = "graph.json: tensor result is sharded, but names 2 runs"
    assert breaks(with_graph(border_build(OVERLAPPING), **graph), "R3", text)
    graph["tensors"][1].update(layout="reserved", runs=None)
    text = "graph.json: tensor result is reserved, but names no runs"
    assert breaks(with_graph(border_build(OVERLAPPING), **graph), "R3", text)


def test_several_resident_tensors_of_one_operator() -> None:
    """Tests weights of two bytes a vector and a cache of one on each chip of layer 1: each is read, once."""
    graph = border_build(OVERLAPPING).graph.model_dump()
    graph["operators"][1]["resident"] = [
        {
            "name": name,
            "dtype": dtype,
            "layout": "replicated",
            "terms": [{"counts": "bytes", "unit": "vector", "constant": size}],
        }
        for name, dtype, size in (("use.weights", "fp8", 640), ("use.cache", "bf16", 320))
    ]
    build = with_graph(border_build(OVERLAPPING), **graph)
    rows = [
        (5, "use.weights", 0, 2, "fp8", "replicated", 1, -1, 640),
        (6, "use.cache", 0, 1, "bf16", "replicated", 1, -1, 320),
    ]
    rows += [
        (7, "use.weights", 0, 2, "fp8", "replicated", 2, -1, 640),
        (8, "use.cache", 0, 1, "bf16", "replicated", 2, -1, 320),
    ]
    build = with_rows(build, "tensors", *rows)
    reads = [(3, 5, 0, 2, "weight"), (3, 6, 0, 1, "weight"), (5, 7, 0, 2, "weight"), (5, 8, 0, 1, "weight")]
    whole = with_rows(build, "operands", *reads)
    for chip in (1, 2):
        whole = change(whole, "chips", chip, weight_bytes=960)
    assert not rules(whole)
    assert breaks(
        change(whole, "operands", len(whole.operands) - 1, tensor=7, vectors=2), "R4", "use.cache 0 times, must 1"
    )
    assert breaks(change(whole, "tensors", 8, bytes=319), "R4", "keeps use.cache with bytes 319, in graph.json 320")

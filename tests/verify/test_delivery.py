"""R3 delivery."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.verify.demand import demanded_operators, share
from tests.builds import ints, signed, two_chip_build
from tests.verify.changes import (
    breaks,
    change,
    changed,
    messages,
    reports,
    rules,
    with_graph,
    with_rows,
    without,
)
from tests.verify.doubled import two_segment_build


def test_shares_are_contiguous_and_the_first_ones_longer() -> None:
    """Tests that 7 vectors over 3 chips are dealt as 3, 2, 2."""
    assert [part.tolist() for part in share(7, 3, ints(0, 1, 2))] == [[0, 3, 5], [3, 2, 2]]
    assert [part.tolist() for part in share(1, 3, ints(0, 1, 2))] == [[0, 1, 1], [1, 0, 0]]


def test_a_host_without_vectors_runs_nothing() -> None:
    """Tests that a share of no vectors asks for no operator on its host."""
    graph = two_chip_build().graph.model_dump()
    graph["tensors"][0]["vectors"] = 1
    demanded = demanded_operators(with_graph(two_chip_build(), **graph))
    assert {key for key in demanded if key[2] == "ingress"} == {(0, 0, "ingress", 0)}


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (2, {"kind": "other"}, "router of layer 0, shard 0 of segment 0 is missing"),
        (2, {"kind": "other"}, "operator 2 (other of layer 0, shard 0 of segment 0) is not asked for"),
        (2, {"layer": 1}, "operator 2 (router of layer 1, shard 0 of segment 0) is not asked for"),
        (2, {"shard": 1}, "router of layer 0, shard 1 of segment 0 runs twice, as operators 2 and 3"),
        (0, {"kind": "other"}, "ingress of layer 0, shard 0 of segment 0 is missing"),
        (
            2,
            {"chip": 1},
            "operator 2 (router of layer 0, shard 0 of segment 0) runs on chip 1, must run on chip 0",
        ),
        (6, {"unit": "matrix"}, "runs on unit matrix, must run on unit vector"),
        (8, {"chip": 1}, "add 8 runs on chip 1, which is not chip 0 of layer 0"),
        (8, {"shard": 5}, "add 8 runs on chip 0, which is not chip 5 of layer 0"),
        (8, {"layer": 1}, "add 8 of layer 1 runs in segment 0"),
    ],
)
def test_operators_other_than_those_of_the_graph_are_found(row: int, cells: dict[str, int | str], text: str) -> None:
    """Tests that every operator of the graph runs once on its node, and nothing but sums besides."""
    assert reports(changed("operators", row, **cells), "R3", text)


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (
            0,
            {"offset": 1},
            "tensor 0 holds 2 vectors of layer.0.input from 1 on, its producer writes 2 from 0 on",
        ),
        (
            4,
            {"vectors": 9},
            "tensor 4 holds 9 vectors of layer.0.expert_output from 0 on, its producer writes 8",
        ),
        (4, {"layout": "sharded"}, "tensor 4 is sharded, its producer leaves it partial"),
        (4, {"dtype": "fp8"}, "tensor 4 has dtype fp8, layer.0.expert_output has bf16"),
        (8, {"dtype": "fp8"}, "tensor 8 has dtype fp8, layer.0.output has bf16"),
        # Eight rows of one vector of 320 bytes each.
        (4, {"bytes": 2559}, "tensor 4 has 2559 bytes, its vectors of layer.0.expert_output 2560"),
        (4, {"chip": 1}, "tensor 4 is on chip 1, its producer 4 runs on chip 0"),
        (4, {"producer": -1}, "tensor 4 is a part of layer.0.expert_output, but no operator produced it"),
        (4, {"producer": -1}, "operator 4 produces layer.0.expert_output 0 times, not once"),
        (5, {"producer": 4}, "operator 4 produces layer.0.expert_output 2 times, not once"),
        (12, {"offset": 1}, "tensor 12 holds weights with offset 1, must be 0"),
        (12, {"producer": 4}, "operator 4 produces layer.0.experts.weights, no output of it in graph.json"),
    ],
)
def test_tensors_other_than_the_outputs_of_the_graph_are_found(
    row: int, cells: dict[str, int | str], text: str
) -> None:
    """Tests that each operator of the graph produces its outputs, once, in their layout and on its node."""
    assert reports(changed("tensors", row, **cells), "R3", text)


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        # operand 0: the router on chip 0 reads tensor 0 whole, 1: tensor 1 whole
        (0, {"vectors": 1}, "operator 2 (router) reads vectors 2 to 3 of layer.0.input but none from 1 on"),
        (
            1,
            {"vectors": 1},
            "operator 2 (router) reads no vector of layer.0.input from 3 on, needs replicated",
        ),
        (1, {"tensor": 0}, "operator 2 (router) reads vectors 0 to 1 of layer.0.input again"),
        # 14: combine on chip 0 reads routing, 15: its own summand of expert_output
        (
            14,
            {"tensor": 0, "vectors": 2},
            "operator 6 (combine) reads layer.0.input, which it has no use for",
        ),
        (
            14,
            {"tensor": 0, "vectors": 2},
            "operator 6 (combine) reads no vector of layer.0.routing from 0 on",
        ),
        (
            15,
            {"tensor": 5},
            "operator 6 must read its own summand of layer.0.expert_output, tensor 5 is another",
        ),
        # 22: egress of share 0 reads tensor 8
        (
            22,
            {"tensor": 9},
            "operator 10 (egress) reads vectors 2 to 3 of layer.0.output, beyond its sharded vectors 0",
        ),
        (
            22,
            {"vectors": 1},
            "operator 10 (egress) reads no vector of layer.0.output from 1 on, needs sharded",
        ),
        # 2: weights of the router on chip 0
        (2, {"tensor": 11}, "operator 2 on chip 0 reads weights that are held on chip 1"),
        (2, {"role": "copy"}, "operator 2 reads tensor 10, which no operator produced"),
        (0, {"role": "weight"}, "operator 2 reads tensor 0 as a weight, but operator 0 made it"),
        (
            0,
            {"role": "weight"},
            "operator 2 (router) reads vectors 2 to 3 of layer.0.input but none from 0 on",
        ),
        (0, {"role": "move"}, "operator 2 reads tensor 0 in the unknown role 'move'"),
        (0, {"vectors": 3}, "operands.parquet row 0: vectors 0 to 2 of tensor 0, which has only 2"),
        (0, {"vectors": 0}, "operands.parquet row 0: vectors is 0"),
        (0, {"first_vector": -1}, "operands.parquet row 0: first_vector is -1"),
        (0, {"tensor": 99}, "operands.parquet row 0: tensor is 99, must be 0 to 13"),
    ],
)
def test_operands_other_than_those_of_the_graph_are_found(row: int, cells: dict[str, int | str], text: str) -> None:
    """Tests that operators read what graph.json says in the layout that it says, each vector once."""
    assert reports(changed("operands", row, **cells), "R3", text)


def test_an_operand_of_another_segment_is_found() -> None:
    """Tests that times of two segments are not compared."""
    build = change(two_segment_build(), "operands", 0, tensor=14)
    assert reports(build, "R3", "operator 2 of segment 0 reads tensor 14 of segment 1, whose time is another")


def test_an_operand_that_never_arrives_is_found() -> None:
    """Tests that every vector of an operand is produced on the operator's node or delivered to it."""
    # Without slot 0, tensor 0 does not reach chip 1, whose router and experts read it.
    build = without(two_chip_build(), "slots", 0)
    text = "operator 3 reads vectors 0 to 1 of tensor 0, not all of which reach chip 1"
    assert breaks(build, "R3", text)
    assert len(messages(build, "R3")) == 2


def test_an_operator_that_starts_before_its_last_vector_is_read_is_found() -> None:
    """Tests that an operator waits for the last vector of each operand."""
    # Slot 3 is read at 41 and 43.5.
    text = "operator 2 starts at 43, before vector 1 of tensor 1 is there at 43 1/2"
    assert breaks(changed("operators", 2, start=43), "R3", text)


def test_an_operator_that_starts_before_its_operand_is_produced_is_found() -> None:
    """Tests that an operator waits for the end of the operand's producer on its node."""
    # experts run during [55, 75).
    text = "operator 6 starts at 74, before vector 0 of tensor 4 is there at 75"
    assert breaks(changed("operators", 6, start=74), "R3", text)


def test_vectors_that_come_twice_are_found() -> None:
    """Tests that no node receives a vector from two slots."""
    build = with_rows(two_chip_build(), "slots", (0, 1, 1, 0, 120, 138))
    assert breaks(build, "R3", "chip 1 receives vectors of tensor 0 that it gets from another slot too")


def test_vectors_that_a_node_produced_itself_are_found() -> None:
    """Tests that no node receives what it produced."""
    # The host sends the result back to chip 0.
    build = with_rows(two_chip_build(), "slots", (8, 0, 2, 4, 128, 146))
    assert reports(build, "R3", "chip 0 receives vectors of tensor 8 that it produces itself")


def test_vectors_that_nothing_uses_are_found() -> None:
    """Tests that no node receives what no operator there reads and no slot sends on."""
    build = with_rows(two_chip_build(), "slots", (8, 0, 2, 5, 128, 146))
    assert reports(build, "R3", "chip 1 receives vectors 0 to 1 of tensor 8, some of which nothing there uses")
    assert reports(build, "R1", "a host passes nothing on")


def test_one_vector_that_nothing_uses_is_found() -> None:
    """Tests that use is asked of each vector of a slot."""
    # Chip 1 reads vectors 2 and 3 of tensor 6 elsewhere; chip 1 adds vectors 2 and 3 only.
    build = changed("slots", 1, first_vector=1, vectors=3, read=98)
    assert reports(build, "R3", "chip 1 receives vectors 1 to 3 of tensor 6, some of which nothing there uses")


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"makespan_cycles": 129}, "segment 0: makespan_cycles is 129, its last operator that ends it starts at 128"),
        ({"makespan_cycles": 127}, "segment 0: makespan_cycles is 127, its last operator that ends it starts at 128"),
        ({"makespan_cycles": 127}, "results makespan_cycles is 128, the segments sum to 127"),
        ({"lower_bound_cycles": 129}, "segment 0: lower_bound_cycles is 129, above makespan_cycles 128"),
        ({"makespan_cycles": -1}, "segments.parquet row 0: makespan_cycles is -1"),
    ],
)
def test_a_makespan_that_is_not_that_of_the_egress_is_found(cells: dict[str, int], text: str) -> None:
    """Tests that a makespan is the start of the last egress, and no shorter than its lower bound."""
    assert reports(changed("segments", 0, **cells), "R3", text)


@pytest.mark.parametrize("said", [127, None, "128", 1 << 70])
def test_a_total_that_is_not_the_sum_of_the_segments_is_found(said: object) -> None:
    """Tests that the manifest's makespan is the sum over segments."""
    build = two_chip_build()
    manifest = build.manifest.model_copy(update={"results": {"makespan_cycles": said}})
    text = f"manifest.json: results makespan_cycles is {said!r}, the segments sum to 128"
    assert breaks(signed(replace(build, manifest=manifest)), "R3", text)


def test_a_segment_without_egress_is_found() -> None:
    """Tests that a makespan needs an egress."""
    build = change(changed("operators", 10, kind="other"), "operators", 11, kind="other")
    assert reports(build, "R3", "segment 0: makespan_cycles is 128, but it has no operator that ends it")


def test_an_early_egress_does_not_shorten_the_makespan() -> None:
    """Tests that the largest start counts."""
    assert rules(changed("operators", 10, start=127)) == {"R3"}
    assert not reports(changed("operators", 10, start=127), "R3", "makespan_cycles")


def _graph(part: str, index: int, **cells: object) -> dict[str, object]:
    graph = two_chip_build().graph.model_dump()
    graph[part][index] |= cells
    return graph


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (_graph("tensors", 1, name="layer.0.input"), "tensor layer.0.input is there more than once"),
        (_graph("tensors", 1, vectors=1 << 80), "tensor layer.0.routing is too large to check"),
        (
            _graph("operators", 2, outputs=["layer.0.routing"]),
            "tensor layer.0.routing has more than one producer",
        ),
        (_graph("operators", 2, kind="router"), "belong to more than one operator"),
        (
            _graph("operators", 2, kind="add"),
            "operator layer.0.experts is of kind add, which is kept for sums",
        ),
        (_graph("operators", 2, layer=7), "layer 7 of operator layer.0.experts is in 0 segments, not 1"),
        (
            _graph("operators", 4, outputs=["x"]),
            "operator layer.0.egress names tensor x, which is not in the graph",
        ),
        (
            _graph("operators", 4, inputs=[{"tensor": "layer.0.output", "layout": "sharded"}] * 2),
            "operator layer.0.egress reads layer.0.output more than once",
        ),
        (
            _graph("operators", 1, inputs=[{"tensor": "layer.0.input", "layout": "partial"}]),
            "operator layer.0.router reads a summand of layer.0.input, which is no partial sum",
        ),
    ],
)
def test_a_graph_from_which_no_demand_follows_is_found(graph: dict[str, object], text: str) -> None:
    """Tests that names, producers, kinds and layers of the graph are unambiguous."""
    assert reports(with_graph(two_chip_build(), **graph), "R3", text)


def test_a_graph_that_asks_for_more_is_believed() -> None:
    """Tests that the demand comes from graph.json: an input in another layout asks for other operands."""
    build = with_graph(
        two_chip_build(),
        **_graph("operators", 1, inputs=[{"tensor": "layer.0.input", "layout": "sharded"}]),
    )
    assert breaks(build, "R3", "operator 2 (router) reads vectors 2 to 3 of layer.0.input, beyond its sharded vectors")

"""Tests of the tensors of a compile: what they hold, where they begin, and how sums are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.timetable.columns import REDUCE, WEIGHT
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphTensor


def unpadded_bytes(tensor: GraphTensor, first: int, vectors: int) -> int:
    """Return the bytes without padding in consecutive vectors of a graph tensor, counted vector by vector."""
    starts = (vector % tensor.vectors_per_row * 320 for vector in range(first, first + vectors))
    return sum(min(320, tensor.row_bytes - start) for start in starts)


def graph_tensors(build: Build) -> dict[str, GraphTensor]:
    """Return the tensors of the graph by name."""
    return {tensor.name: tensor for tensor in build.graph.tensors}


@pytest.mark.parametrize(
    ("hidden", "vectors_per_row", "row_bytes"),
    # In FP8 and BF16: 640 and 1280 bytes fill 2 and 4 vectors; 500 and 1000 bytes do not.
    [(640, (2, 4), (640, 1280)), (500, (2, 4), (500, 1000)), (320, (1, 2), (320, 640)), (1, (1, 1), (1, 2))],
)
def test_bytes_are_those_without_padding(
    tmp_path: Path, hidden: int, vectors_per_row: tuple[int, int], row_bytes: tuple[int, int]
) -> None:
    """Tests every tensor that an operator made, whole tensors and parts, against a count of each vector."""
    build = compiled(tmp_path, hidden_size=hidden, batch=3)
    graph, tensors = graph_tensors(build), build.tensors
    sizes = [graph["layer.0.input"], graph["layer.0.output"]]
    assert tuple(tensor.vectors_per_row for tensor in sizes) == vectors_per_row
    assert tuple(tensor.row_bytes for tensor in sizes) == row_bytes
    for row in np.flatnonzero(tensors.producer >= 0):
        part = (int(tensors.offset[row]), int(tensors.vectors[row]))
        assert tensors.bytes[row] == unpadded_bytes(graph[tensors.name[row]], *part)
    shares = tensors.bytes[(tensors.name == "layer.0.input")]
    assert shares.sum() == 3 * row_bytes[0]


def test_a_sharded_tensor_is_dealt_in_contiguous_shares(tmp_path: Path) -> None:
    """Tests 5 rows of 2 vectors over 4 chips: 3, 3, 2 and 2 vectors, from 0, 3, 6 and 8 on."""
    build = compiled(tmp_path, batch=5)
    rows = np.flatnonzero(build.tensors.name == "layer.0.input")
    assert build.tensors.vectors[rows].tolist() == [3, 3, 2, 2]
    assert build.tensors.offset[rows].tolist() == [0, 3, 6, 8]
    assert build.operators.shard[build.tensors.producer[rows]].tolist() == [0, 1, 2, 3]


def test_a_share_of_no_vectors_has_no_tensor(tmp_path: Path) -> None:
    """Tests one row of 2 vectors over 4 chips: two shards bring one vector each, and only they have an ingress."""
    build = compiled(tmp_path, batch=1)
    assert build.tensors.vectors[build.tensors.name == "layer.0.input"].tolist() == [1, 1]
    ingress = (build.operators.kind == "ingress") & (build.operators.layer == 0)
    assert build.operators.shard[ingress].tolist() == [0, 1]


def test_a_partial_tensor_is_whole_on_each_chip(small_build: Build) -> None:
    """Tests that each of the four chips has a summand of all vectors, from the first on."""
    tensors, graph = small_build.tensors, graph_tensors(small_build)
    combined = small_build.operators.kind[tensors.producer] == "combine"
    rows = np.flatnonzero((tensors.name == "layer.0.output") & combined & (tensors.producer >= 0))
    assert tensors.chip[rows].tolist() == [0, 1, 2, 3]
    assert set(tensors.layout[rows]) == {"partial"}
    assert set(tensors.vectors[rows].tolist()) == {graph["layer.0.output"].vectors} == {32}
    assert set(tensors.offset[rows].tolist()) == {0}


def test_a_sum_is_laid_out_by_what_it_holds(small_build: Build) -> None:
    """Tests that a sum of the summands of all four chips is sharded, one of fewer partial, each summand once.

    Expanded down to what no sum made, the sharded sums hold every vector of the output once.
    """
    build, tensors, operands = small_build, small_build.tensors, small_build.operands
    adds = np.flatnonzero(build.operators.kind == "add")
    result = {int(tensors.producer[row]): row for row in range(len(tensors)) if tensors.producer[row] in adds}

    def summands(tensor: int, first: int, vectors: int) -> list[tuple[int, int, int]]:
        operator = int(tensors.producer[tensor])
        if operator not in result:
            return [(tensor, first, vectors)]
        rows = np.flatnonzero((operands.operator == operator) & (operands.role == REDUCE))
        assert len(rows) >= 2
        assert set(operands.vectors[rows]) == {tensors.vectors[tensor]}
        parts = (summands(int(operands.tensor[r]), int(operands.first_vector[r]), vectors) for r in rows)
        return [part for found in parts for part in found]

    held = {"layer.0.output": 0, "layer.1.output": 0}
    for operator, tensor in result.items():
        leaves = summands(int(tensor), 0, int(tensors.vectors[tensor]))
        chips = [int(tensors.chip[leaf]) for leaf, _, _ in leaves]
        assert len(set(chips)) == len(chips)
        assert tensors.layout[tensor] == ("sharded" if len(chips) == 4 else "partial")
        assert {first + tensors.offset[leaf] for leaf, first, _ in leaves} == {tensors.offset[tensor]}
        assert tensors.chip[tensor] == build.operators.chip[operator]
        held[str(tensors.name[tensor])] += int(tensors.vectors[tensor]) * (len(chips) == 4)
    assert held == {"layer.0.output": 32, "layer.1.output": 32}


def test_one_chip_alone_sums_nothing(tmp_path: Path) -> None:
    """Tests that a layer on one chip has no sum: its only summand is the value, and leaves as it is."""
    build = compiled(tmp_path, num_hidden_layers=1, chips=[[3]])
    assert "add" not in build.operators.kind
    assert REDUCE not in build.operands.role
    # In to the chip 16 vectors, out to the host 32.
    assert sorted(build.slots.vectors.tolist()) == [16, 32]


def test_weights_are_held_not_made(small_build: Build) -> None:
    """Tests the bytes of the weights: BF16, 640 x 4 of the router, 3 x 640 x 80 of each of 4 experts on each chip."""
    tensors, operands = small_build.tensors, small_build.operands
    rows = np.flatnonzero(tensors.producer < 0)
    sizes = {"router_in": 640 * 4 * 2, "experts": 4 * 3 * 640 * 80 * 2}
    for row in rows:
        kind = str(tensors.name[row]).split(".")[2]
        assert tensors.bytes[row] == sizes[kind]
        assert tensors.vectors[row] == -(-sizes[kind] // 320)
        assert tensors.layout[row] == {"router_in": "replicated", "experts": "sharded"}[kind]
        assert tensors.offset[row] == 0
        (reader,) = operands.operator[operands.tensor == row]
        assert operands.role[operands.tensor == row].tolist() == [WEIGHT]
        assert small_build.operators.kind[reader] == kind
        assert small_build.operators.chip[reader] == tensors.chip[row]
    assert len(rows) == 2 * 8

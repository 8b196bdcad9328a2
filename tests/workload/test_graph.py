"""Tests of the layer graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.graph import LayerGraph, moe_layer_graph
from lpxsched.workload.routed import routed_model
from tests.workload.examples import FP8, TOY, toy


def toy_graph() -> LayerGraph:
    """Return the graph of the toy model, one row, vectors of four bytes."""
    return moe_layer_graph(TOY, batch=1, precision=FP8, vector_bytes=4)


def test_a_layer_has_five_operators_in_order() -> None:
    """Tests kind, place, unit, inputs with their layouts, and output of each operator."""
    steps = [(op.kind, op.place, op.unit, op.inputs, op.output) for op in toy_graph().layer(0).operators]
    routing = ("layer.0.routing", "replicated")
    assert steps == [
        ("ingress", "hosts", "host", (), "layer.0.input"),
        ("router", "chips", "matrix", (("layer.0.input", "replicated"),), "layer.0.routing"),
        ("experts", "chips", "matrix", (("layer.0.input", "replicated"), routing), "layer.0.expert_output"),
        ("combine", "chips", "vector", (("layer.0.expert_output", "partial"), routing), "layer.0.output"),
        ("egress", "hosts", "host", (("layer.0.output", "sharded"),), ""),
    ]


def test_each_tensor_says_how_its_producer_leaves_it() -> None:
    """Tests layout, place and type of the four tensors of a layer."""
    tensors = {name: (t.layout, t.place, t.dtype) for name, t in toy_graph().layer(1).tensors.items()}
    assert tensors == {
        "layer.1.input": ("sharded", "hosts", "fp8"),
        "layer.1.routing": ("replicated", "chips", "bf16"),
        "layer.1.expert_output": ("partial", "chips", "bf16"),
        "layer.1.output": ("partial", "chips", "bf16"),
    }


@given(st.integers(1, 6))
def test_operators_stand_in_topological_order(layers: int) -> None:
    """Tests that every operator comes after the producers of its inputs."""
    graph = moe_layer_graph(toy(layers=layers), batch=1, precision=FP8, vector_bytes=4)
    made: set[str] = set()
    for operator in graph.operators:
        assert {name for name, _ in operator.inputs} <= made
        made.add(operator.output)
    assert len(graph.operators) == 5 * layers


def test_a_layer_is_a_part_of_the_graph() -> None:
    """Tests that the layers divide operators and tensors."""
    graph = toy_graph()
    parts = [graph.layer(layer) for layer in (0, 1)]
    assert parts[0].operators + parts[1].operators == graph.operators
    assert parts[0].tensors | parts[1].tensors == graph.tensors


@pytest.mark.parametrize(
    ("tensor", "vectors_per_row", "vectors"),
    [
        ("input", 9, 72),  # 2880 bytes of FP8 are 9 vectors of 320 bytes; 8 rows
        ("output", 18, 144),  # 5760 bytes of bf16
        ("expert_output", 18, 576),  # 8 rows x 4 experts
        ("routing", 1, 8),  # 4 indices and 4 weights of 2 bytes: 16 bytes, padded to a vector
    ],
)
def test_the_sizes_of_gpt_oss_120b(tensor: str, vectors_per_row: int, vectors: int) -> None:
    """Tests vectors of a batch of eight rows of 2880 columns."""
    precision = Precision("mxfp4", "fp8", "bf16")
    graph = moe_layer_graph(routed_model(load_model("gpt-oss-120b")), batch=8, precision=precision, vector_bytes=320)
    found = graph.tensors[f"layer.35.{tensor}"]
    assert (found.vectors_per_row, found.vectors) == (vectors_per_row, vectors)


@pytest.mark.parametrize(
    ("hidden", "activations", "row_bytes", "vectors_per_row"),
    [(320, "fp8", 320, 1), (321, "fp8", 321, 2), (1, "fp8", 1, 1), (160, "bf16", 320, 1), (161, "bf16", 322, 2)],
)
def test_rows_are_padded_to_whole_vectors(hidden: int, activations: str, row_bytes: int, vectors_per_row: int) -> None:
    """Tests that no vector holds parts of two rows."""
    precision = Precision("fp8", "fp8" if activations == "fp8" else "bf16", "fp32")
    tensor = moe_layer_graph(toy(hidden=hidden), batch=3, precision=precision, vector_bytes=320).tensors[
        "layer.0.input"
    ]
    assert (tensor.row_bytes, tensor.vectors_per_row, tensor.vectors) == (
        row_bytes,
        vectors_per_row,
        3 * vectors_per_row,
    )
    assert tensor.element_bits == (8 if activations == "fp8" else 16)


def test_partial_sums_may_travel_in_fp32() -> None:
    """Tests that the type of partial sums decides their size: 4 columns x 4 bytes are four vectors of four bytes."""
    graph = moe_layer_graph(TOY, batch=1, precision=Precision("fp8", "fp8", "fp32"), vector_bytes=4)
    assert graph.tensors["layer.0.output"].vectors == 4
    assert toy_graph().tensors["layer.0.output"].vectors == 2

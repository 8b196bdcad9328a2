"""Tests of the layer graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import FfnLayer, FfnModel, ffn_model
from lpxsched.workload.model import Experts, Ffn
from tests.workload.examples import FP8, TOY, toy

if TYPE_CHECKING:
    from lpxsched.workload.graph import LayerGraph


def toy_graph() -> LayerGraph:
    """Return the graph of the toy model, one row, vectors of four bytes."""
    return ffn_graph(TOY, batch=1, precision=FP8, vector_bytes=4)


def test_a_layer_has_six_operators_in_order() -> None:
    """Tests kind, place, unit, inputs with their layouts, and output of each operator."""
    steps = [(op.kind, op.place, op.unit, op.inputs, op.output) for op in toy_graph().layer(0).operators]
    routing = ("layer.0.routing", "replicated")
    assert steps == [
        ("ingress", "hosts", "host", (), "layer.0.input"),
        ("router_in", "chips", "matrix", (("layer.0.input", "replicated"),), "layer.0.logits"),
        ("router", "chips", "vector", (("layer.0.logits", "replicated"),), "layer.0.routing"),
        ("experts", "chips", "matrix", (("layer.0.input", "replicated"), routing), "layer.0.expert_output"),
        ("combine", "chips", "vector", (("layer.0.expert_output", "partial"), routing), "layer.0.output"),
        ("egress", "hosts", "host", (("layer.0.output", "sharded"),), ""),
    ]


def test_each_tensor_says_how_its_producer_leaves_it() -> None:
    """Tests layout, place and type of the five tensors of a layer."""
    tensors = {name: (t.layout, t.place, t.dtype) for name, t in toy_graph().layer(1).tensors.items()}
    assert tensors == {
        "layer.1.input": ("sharded", "hosts", "fp8"),
        "layer.1.logits": ("replicated", "chips", "bf16"),
        "layer.1.routing": ("replicated", "chips", "bf16"),
        "layer.1.expert_output": ("partial", "chips", "bf16"),
        "layer.1.output": ("partial", "chips", "bf16"),
    }


@given(st.integers(1, 6))
def test_operators_stand_in_topological_order(layers: int) -> None:
    """Tests that every operator comes after the producers of its inputs."""
    graph = ffn_graph(toy(layers=layers), batch=1, precision=FP8, vector_bytes=4)
    made: set[str] = set()
    for operator in graph.operators:
        assert {name for name, _ in operator.inputs} <= made
        made.add(operator.output)
    assert len(graph.operators) == 6 * layers


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
    graph = ffn_graph(ffn_model(load_model("gpt-oss-120b")), batch=8, precision=precision, vector_bytes=320)
    found = graph.tensors[f"layer.35.{tensor}"]
    assert (found.vectors_per_row, found.vectors) == (vectors_per_row, vectors)


@pytest.mark.parametrize(
    ("hidden", "activations", "row_bytes", "vectors_per_row"),
    [(320, "fp8", 320, 1), (321, "fp8", 321, 2), (1, "fp8", 1, 1), (160, "bf16", 320, 1), (161, "bf16", 322, 2)],
)
def test_rows_are_padded_to_whole_vectors(hidden: int, activations: str, row_bytes: int, vectors_per_row: int) -> None:
    """Tests that no vector holds parts of two rows."""
    precision = Precision("fp8", "fp8" if activations == "fp8" else "bf16", "fp32")
    tensor = ffn_graph(toy(hidden=hidden), batch=3, precision=precision, vector_bytes=320).tensors["layer.0.input"]
    assert (tensor.row_bytes, tensor.vectors_per_row, tensor.vectors) == (
        row_bytes,
        vectors_per_row,
        3 * vectors_per_row,
    )
    assert tensor.element_bits == (8 if activations == "fp8" else 16)


def test_partial_sums_may_travel_in_fp32() -> None:
    """Tests that the type of partial sums decides their size: 4 columns x 4 bytes are four vectors of four bytes."""
    graph = ffn_graph(TOY, batch=1, precision=Precision("fp8", "fp8", "fp32"), vector_bytes=4)
    assert graph.tensors["layer.0.output"].vectors == 4
    assert toy_graph().tensors["layer.0.output"].vectors == 2


def steps(layer: FfnLayer) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Return kind, inputs with layouts and output of each operator of a layer, names without the layer."""
    graph = ffn_graph(FfnModel("toy", (layer,)), batch=1, precision=FP8, vector_bytes=4)
    return [
        (
            operator.kind,
            [(name.removeprefix("layer.0."), layout) for name, layout in operator.inputs],
            operator.output.removeprefix("layer.0."),
        )
        for operator in graph.operators
    ]


def test_a_dense_layer_is_one_operator_between_its_ends() -> None:
    """Tests that rows come to all chips and each leaves a summand."""
    assert steps(FfnLayer(4, dense=Ffn(6, 3))) == [
        ("ingress", [], "input"),
        ("dense", [("input", "replicated")], "output"),
        ("egress", [("output", "sharded")], ""),
    ]


def test_shared_experts_read_what_the_router_reads() -> None:
    """Tests that their summands stay on their chips until the combine adds them."""
    rows = ("input", "replicated")
    assert steps(FfnLayer(4, experts=Experts(3, 2, 6, 3), shared=Ffn(6, 3)))[1:-1] == [
        ("router_in", [rows], "logits"),
        ("router", [("logits", "replicated")], "routing"),
        ("shared", [rows], "shared_output"),
        ("experts", [rows, ("routing", "replicated")], "expert_output"),
        ("combine", [("expert_output", "partial"), ("routing", "replicated"), ("shared_output", "partial")], "output"),
    ]


def test_latent_experts_read_narrow_rows() -> None:
    """Tests that only whole rows change their layout: narrow ones are made, and widened, on each chip."""
    layer = FfnLayer(4, experts=Experts(3, 2, 6, 3, latent_columns=2), shared=Ffn(6, 3))
    rows = ("input", "replicated")
    assert steps(layer)[1:-1] == [
        ("narrow", [rows], "latent"),
        ("router_in", [rows], "logits"),
        ("router", [("logits", "replicated")], "routing"),
        ("shared", [rows], "shared_output"),
        ("experts", [("latent", "replicated"), ("routing", "replicated")], "expert_output"),
        ("combine", [("expert_output", "partial"), ("routing", "replicated")], "latent_output"),
        ("widen", [("latent_output", "partial"), ("shared_output", "partial")], "output"),
    ]
    tensors = ffn_graph(FfnModel("toy", (layer,)), batch=3, precision=FP8, vector_bytes=4).tensors
    sizes = {name.removeprefix("layer.0."): (t.rows, t.columns, t.dtype) for name, t in tensors.items()}
    assert sizes["latent"] == (3, 2, "fp8")
    assert sizes["expert_output"] == (6, 2, "bf16")
    assert sizes["latent_output"] == (3, 2, "bf16")
    assert sizes["shared_output"] == sizes["output"] == (3, 4, "bf16")


def test_layers_of_several_kinds_stand_in_one_graph() -> None:
    """Tests a dense layer before one of experts."""
    layers = (FfnLayer(4, dense=Ffn(6, 3)), *TOY.layers[:1])
    graph = ffn_graph(FfnModel("toy", layers), batch=1, precision=FP8, vector_bytes=4)
    assert [operator.name for operator in graph.operators][:4] == [
        "layer.0.ingress",
        "layer.0.dense",
        "layer.0.egress",
        "layer.1.ingress",
    ]

"""Tests of the graph of a whole model on the chips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.workload.config.load import load_model
from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work
from lpxsched.workload.lpu_visits import Visit, lpu_visits
from lpxsched.workload.model import Attention, Experts, Ffn, Layer, Mixer, StoredTypes
from lpxsched.workload.parts.piece import Decoding
from lpxsched.workload.policy import Policy
from tests.fabric.examples import CHIP

if TYPE_CHECKING:
    from lpxsched.workload.graph import LayerGraph

STEP = Decoding(1, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 4)
STORED = StoredTypes("fp8", "fp8", "fp8", "fp8")


def layer(*mixers: Mixer, dense: Ffn | None = None) -> Visit:
    """Return a visit of a layer of rows of 16 columns."""
    return Visit(Layer(mixers, (dense,) if dense else (), None, None, STORED), 16)


# Four query heads of four columns, two heads of keys and values.
ATTENTION = layer(Attention(4, 2, 4), dense=Ffn(8, 3))
ENDS = Visit("embedding", 16, 10), Visit("head", 16, 10)


def graph_of(visit: Visit, width: int, decoding: Decoding = STEP) -> LayerGraph:
    """Return the graph of an embedding, a layer and a head, each on so many chips."""
    return lpu_graph((ENDS[0], visit, ENDS[1]), CHIP, (width, width, width), decoding)


def test_a_visit_has_its_operators_in_order() -> None:
    """Tests what each operator of a layer of attention and a dense FFN reads and leaves."""
    steps = [
        (op.kind, op.unit, [(name.removeprefix("layer."), layout) for name, layout in op.inputs], op.output[8:])
        for op in graph_of(ATTENTION, 2).layer(1).operators
    ]
    before, more = ("0.output", "replicated"), ("0.output_2", "replicated")
    mixed, rest = ("1.mixed", "replicated"), ("1.mixed_2", "replicated")
    assert steps == [
        ("mixer_round", "vector", [before], "mixer_rows"),
        ("mixer_round_2", "vector", [more], "mixer_rows_2"),
        ("mixer_scale", "vector", [before, more], "mixer_scale"),
        ("qkv", "matrix", [("1.mixer_rows", "replicated")], "projected_1"),
        ("qkv_2", "matrix", [("1.mixer_rows_2", "replicated"), ("1.projected_1", "reserved")], "projected"),
        ("rotate", "vector", [("1.projected", "reserved"), ("1.mixer_scale", "replicated")], "rotated"),
        ("scores", "matrix", [("1.rotated", "reserved")], "scores"),
        ("softmax", "vector", [("1.scores", "reserved")], "weights"),
        ("values", "matrix", [("1.weights", "reserved"), ("1.rotated", "reserved")], "heads"),
        ("out", "matrix", [("1.heads", "reserved"), before], "mixed"),
        ("out_2", "matrix", [("1.heads", "reserved"), ("1.mixed", "partial"), more], "mixed_2"),
        ("ffn_round", "vector", [mixed], "ffn_rows"),
        ("ffn_round_2", "vector", [rest], "ffn_rows_2"),
        ("ffn_scale", "vector", [mixed, rest], "ffn_scale"),
        ("dense_in", "matrix", [("1.ffn_rows", "replicated")], "dense_hidden_1"),
        ("dense_in_2", "matrix", [("1.ffn_rows_2", "replicated"), ("1.dense_hidden_1", "reserved")], "dense_hidden"),
        ("dense_activate", "vector", [("1.dense_hidden", "reserved"), ("1.ffn_scale", "replicated")], "dense_active"),
        ("dense_out", "matrix", [("1.dense_active", "reserved"), mixed], "output"),
        ("dense_out_2", "matrix", [("1.dense_active", "reserved"), ("1.output", "partial"), rest], "output_2"),
    ]


def test_a_layer_of_experts_has_its_operators_in_order() -> None:
    """Tests that the router scales what it chooses from, while rows are normed for the experts beside it."""
    steps = [
        (op.kind, [name.removeprefix("layer.") for name, _ in op.inputs], op.output[8:])
        for op in graph_of(Visit(Layer((), (), Experts(4, 2, 8, 3), None, STORED), 16), 2).layer(1).operators
    ]
    before = ["0.output", "0.output_2"]
    assert steps == [
        ("ffn_scale", before, "ffn_scale"),
        ("router_in", before[:1], "logits_1"),
        ("router_in_2", [before[1], "1.logits_1"], "logits"),
        ("ffn_norm", [*before, "1.ffn_scale"], "ffn_input"),
        ("router", ["1.logits", "1.ffn_scale"], "routing"),
        ("experts", ["1.ffn_input", "1.routing"], "expert_output"),
        ("combine", ["1.expert_output", "1.routing", before[0]], "output"),
        ("combine_2", ["1.expert_output", "1.routing", "1.output", before[1]], "output_2"),
    ]


def test_rows_are_summed_at_home_where_they_are_dispatched() -> None:
    """Tests two rows on three chips: the first two have one each, and add it to what the experts make of it.

    A norm reads 16 columns of bf16 and weights of as many, and leaves them in fp8: 32 + 32 + 16 bytes, 3 x 16
    operations. A block of 8 columns of the row takes 16 bytes and 8 operations more where it is at home.
    """
    visit = Visit(Layer((ATTENTION.part.mixers), (), Experts(4, 2, 8, 3), None, STORED), 16)
    step = replace(STEP, batch=2, policy=Policy("dispatch"))
    graph = graph_of(visit, 3, step)
    assert graph.tensors["layer.1.mixed"].layout == "partial"
    # 8 columns of bf16 are four vectors of 4 bytes.
    assert graph.tensors["layer.1.mixed"].runs == ((0, 4), (4, 4), (8, 0))
    assert graph.tensors["layer.1.input"].runs == ((0, 4), (4, 4), (8, 0))
    assert [op.inputs[-1] for op in graph.operators if op.kind == "combine_2"] == [("layer.1.mixed_2", "reserved")]
    shards = shard_costs(lpu_work(visit, CHIP, 3, step), CHIP, 3)
    assert shards[1]["home_norm"] == Cost("bf16", 80, 48, 3 * 3, 32, "bf16", "replicated")
    assert shards[2]["home_norm"].sram_bytes == 0
    # Experts 2, 1 and 1 on a chip: pairs of two rows with them are 4, 2 and 2, with a block of 16 bytes in and 2 out.
    assert [shard["combine"].sram_bytes for shard in shards] == [(4 + 2 + 1) * 16, (2 + 2 + 1) * 16, (2 + 2) * 16]
    assert [shard["combine"].macs for shard in shards] == [(4 + 1) * 8, (2 + 1) * 8, 2 * 8]


def test_a_choice_of_experts_is_paid_for() -> None:
    """Tests two of four experts: two choices that wait for each other, three passes for gates, 5 x 3 cycles.

    Each of four logits is scaled, and compared and left out twice; two gates take three operations each. Four logits
    and a scale of two bytes each come, two numbers of two bytes for each expert leave.
    """
    visit = Visit(Layer((), (), Experts(4, 2, 8, 3), None, STORED), 16)
    router = shard_costs(lpu_work(visit, CHIP, 1, STEP), CHIP, 1)[0]["router"]
    assert router == Cost("bf16", 5 * 2 + 2 * 4, 4 * (1 + 2 * 2) + 3 * 2, 5 * 3)


def test_the_ends_turn_tokens_into_rows_and_back() -> None:
    """Tests the operators of embedding and head, and that the head alone ends."""
    graph = graph_of(ATTENTION, 2)
    kinds = [[operator.kind for operator in graph.layer(number).operators] for number in (0, 2)]
    assert kinds == [
        ["ingress", "embedding", "embedding_2"],
        ["head_round", "head_round_2", "lm_head", "lm_head_2", "argmax", "sample", "egress"],
    ]
    assert [operator.kind for operator in graph.operators if operator.ends] == ["egress"]
    assert graph.layer(2).operators[0].inputs == (("layer.1.output", "replicated"),)
    # Each of two chips leaves the best token of one row: a token and its logit, 8 bytes, two vectors of 4.
    assert graph.tensors["layer.2.best"].vectors == 2 * 2
    assert graph.tensors["layer.2.best"].layout == "sharded"


def test_what_stays_on_a_chip_fills_its_own_vectors() -> None:
    """Tests runs on three chips with two bundles: two query heads, a key and a value head of 4 columns in bf16 each.

    4 heads x 4 columns x 2 bytes are 8 vectors of 4 bytes on each of the first two chips, none on the third.
    """
    projected = graph_of(ATTENTION, 3).tensors["layer.1.projected"]
    assert projected.runs == ((0, 8), (8, 8), (16, 0))
    assert (projected.layout, projected.vectors, projected.row_bytes) == ("reserved", 16, 4)


def test_equal_layers_have_equal_work_and_unequal_ones_have_not() -> None:
    """Tests that a window of four of eight rows halves what is kept of keys: 2 bundles x 4 columns x 8 bytes."""
    windowed = layer(Attention(4, 2, 4, window=4), dense=Ffn(8, 3))
    kept = [
        sum(shard["scores"].weight_bytes for shard in shard_costs(lpu_work(visit, CHIP, 2, STEP), CHIP, 2))
        for visit in (ATTENTION, replace(ATTENTION), windowed)
    ]
    assert kept == [64, 64, 32]


def test_the_first_chip_adds_the_residual() -> None:
    """Tests that it reads 8 columns of bf16 and adds 8 numbers more than the second, of each of two blocks."""
    first, second = (
        {kind: (cost.sram_bytes, cost.macs) for kind, cost in shard.items()}
        for shard in shard_costs(lpu_work(ATTENTION, CHIP, 2, STEP), CHIP, 2)
    )
    for kind in ("out", "out_2", "dense_out", "dense_out_2"):
        assert first[kind] == (second[kind][0] + 16, second[kind][1] + 8)
    assert first["qkv"] == second["qkv"]


@pytest.mark.parametrize(
    ("name", "visits", "weights"),
    [
        # 60 layers, and 30.7 billion weights; embedding and head are one matrix of 262,144 x 5,376 weights twice here.
        ("gemma-4-31b", 62, 30.7e9 + 262144 * 5376),
        ("gpt-oss-20b", 26, 20.9e9),
        ("gpt-oss-120b", 38, 116.8e9),
    ],
)
def test_a_model_keeps_its_weights(name: str, visits: int, weights: float) -> None:
    """Tests that the weights at fp8, caches left out, are those of the published totals within 3 %.

    Biases and norms take two bytes each, routers too.
    """
    found = lpu_visits(load_model(name))
    caches = {"scores", "values"}
    kept = sum(
        cost.weight_bytes
        for visit in found
        for shard in shard_costs(lpu_work(visit, CHIP, 4, STEP), CHIP, 4)
        for kind, cost in shard.items()
        if kind not in caches and cost.weight_layout != "replicated"
    )
    assert len(found) == visits
    assert abs(kept / weights - 1) < 0.03


def test_parts_keep_the_types_in_which_they_were_published() -> None:
    """Tests 16 x 8 x 3 weights of shared experts in bf16 beside routed ones in fp8, unless one type is asked for."""
    part = Layer((), (), Experts(4, 2, 8, 3), Ffn(8, 3), replace(STORED, shared="bf16"))
    kept = [
        shard_costs(lpu_work(Visit(part, 16), CHIP, 1, replace(STEP, as_published=own)), CHIP, 1)[0]
        for own in (False, True)
    ]
    assert [shard["shared"].weight_bytes for shard in kept] == [384, 768]
    assert [shard["experts"].weight_bytes for shard in kept] == [4 * 384, 4 * 384]

"""Tests of how many parameters a model has, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.workload.counts import (
    active_parameters,
    expert_weights,
    ffn_parameters_of,
    layer_counts,
    stored_bytes,
    total_parameters,
)
from tests.workload.config.examples import DENSE, model

# Of one layer: attention 8 x 8 (queries) + 2 x 8 x 4 (keys, values) + 8 x 8 (output) = 192; router 8 x 4 = 32; an
# expert 3 x 8 x 3 = 72, four of them 288; two norms of 8 = 16. In all 528. Embedding and LM head 80 each, last norm 8.
TOTAL = 2 * 528 + 2 * 80 + 8
# Two of four experts do not work for a row, and the embedding is one row.
ACTIVE = TOTAL - 2 * 2 * 72 - 80


def test_the_small_model() -> None:
    """Tests every count of the example."""
    small = model()
    counts = layer_counts(small.layers[0], 8)
    assert (counts.mixers, counts.router, counts.expert, counts.experts, counts.norms) == (192, 32, 72, 288, 16)
    assert (total_parameters(small), active_parameters(small)) == (TOTAL, ACTIVE) == (1224, 856)
    assert (expert_weights(small), ffn_parameters_of(small)) == (2 * 288, 2 * 320)
    # Not quantised: two bytes each.
    assert stored_bytes(small.layers[0], 8) == 2 * 528


@pytest.mark.parametrize(
    ("changes", "total", "active"),
    [
        # All but what is as wide as a head or not wide at all doubles with the row.
        ({"hidden_size": 16}, 2 * TOTAL, 2 * ACTIVE),
        ({"num_hidden_layers": 4}, TOTAL + 2 * 528, ACTIVE + 2 * (528 - 144)),
        ({"num_attention_heads": 4}, TOTAL + 2 * 128, ACTIVE + 2 * 128),
        ({"num_key_value_heads": 2}, TOTAL + 2 * 64, ACTIVE + 2 * 64),
        ({"head_dim": 8}, TOTAL + 2 * 192, ACTIVE + 2 * 192),
        ({"vocab_size": 20}, TOTAL + 160, ACTIVE + 80),
        ({"num_experts": 8}, TOTAL + 2 * (32 + 288), ACTIVE + 2 * 32),
        ({"num_experts_per_tok": 4}, TOTAL, ACTIVE + 2 * 144),
        ({"moe_intermediate_size": 6}, TOTAL + 2 * 288, ACTIVE + 2 * 144),
        # No layer is dense.
        ({"intermediate_size": 10}, TOTAL, ACTIVE),
        ({"tie_word_embeddings": True}, TOTAL - 80, ACTIVE),
    ],
)
def test_a_key_that_doubles_changes_what_it_should(changes: dict[str, Any], total: int, active: int) -> None:
    """Tests both totals after each change."""
    changed = model(**changes)
    assert (total_parameters(changed), active_parameters(changed)) == (total, active)


@pytest.mark.parametrize(
    ("changes", "doubled", "first", "then"),
    [
        # A dense FFN in place of router and experts.
        ({"first_k_dense_replace": 1}, "intermediate_size", 3 * 8 * 5, 3 * 8 * 10),
        # Two shared experts of 3 columns, or of 7 columns together.
        ({"n_shared_experts": 2}, "n_shared_experts", 32 + 288 + 3 * 8 * 6, 32 + 288 + 3 * 8 * 12),
        (
            {"shared_expert_intermediate_size": 7},
            "shared_expert_intermediate_size",
            32 + 288 + 3 * 8 * 7,
            32 + 288 + 3 * 8 * 14,
        ),
        # Experts on rows of 2 columns: 3 x 2 x 3 each, and 8 x 2 down to them and back.
        ({"moe_latent_size": 2}, "moe_latent_size", 32 + 4 * 18 + 32, 32 + 4 * 36 + 64),
        # Two matrices.
        ({"hidden_act": "relu2"}, "moe_intermediate_size", 32 + 4 * 48, 32 + 4 * 96),
        # Idle experts are slots of the router; the layer is double, with two dense FFNs of 3 x 8 x 5.
        ({"zero_expert_num": 2}, "zero_expert_num", 8 * 6 + 288 + 240, 8 * 8 + 288 + 240),
        # A dense FFN on the experts' input.
        ({"enable_moe_block": True}, "intermediate_size", 32 + 288 + 120, 32 + 288 + 240),
        # Biases: of the router 4; of an expert 2 x 3 + 8.
        ({"mlp_bias": True}, "num_experts_per_tok", 36 + 4 * 86, 36 + 4 * 86),
    ],
)
def test_ffns_of_each_kind(changes: dict[str, Any], doubled: str, first: int, then: int) -> None:
    """Tests the FFN of the first layer, and the same with a key doubled."""
    values = {"intermediate_size": 5, "moe_intermediate_size": 3, "num_experts_per_tok": 2} | changes
    for value, expected in ((values[doubled], first), (2 * values[doubled], then)):
        layer = model(**(changes | {doubled: value})).layers[0]
        assert layer_counts(layer, 8).ffn == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Keys are values: one matrix of 8 x 4 less. A gate as wide as the queries: 8 x 8 more.
        ({"attention_k_eq_v": True}, 192 - 32),
        ({"attn_output_gate": True}, 192 + 64),
        # Biases of queries 8, keys and values 8, output 8.
        ({"attention_bias": True}, 192 + 24),
        # Queries 8 x 2 x 5; latent 8 x (6 + 2), its norm 6; heads 6 x 2 x (3 + 4); output 2 x 4 x 8.
        (
            {"kv_lora_rank": 6, "qk_nope_head_dim": 3, "qk_rope_head_dim": 2, "v_head_dim": 4},
            80 + 64 + 6 + 84 + 64,
        ),
        # Queries by a latent of 7: 8 x 7, 7 x 10, its norm 7; index: 7 x 3 x 8, key 8 x 8, weights 8 x 3, norm 16.
        (
            {
                "kv_lora_rank": 6,
                "qk_nope_head_dim": 3,
                "qk_rope_head_dim": 2,
                "v_head_dim": 4,
                "q_lora_rank": 7,
                "index_n_heads": 3,
                "index_head_dim": 8,
            },
            56 + 70 + 7 + 64 + 6 + 84 + 64 + 168 + 64 + 24 + 16,
        ),
        # Keys 2 x 3, values 4 x 5: into 8 x (6 + 6 + 20) + gate 8 x 20 + two numbers a head 8 x 8; convolution 32 x 4;
        # decay and offset 8; norm 5; output 20 x 8.
        (
            {
                "linear_num_key_heads": 2,
                "linear_num_value_heads": 4,
                "linear_key_head_dim": 3,
                "linear_value_head_dim": 5,
                "linear_conv_kernel_dim": 4,
                "full_attention_interval": 2,
            },
            256 + 160 + 64 + 128 + 8 + 5 + 160,
        ),
        # Inner 4 x 3; into 8 x (2 x 12 + 2 x 2 x 5 + 4); convolution 32 x (4 + 1); 3 x 4; norm 12; output 12 x 8.
        (
            {
                "mamba_num_heads": 4,
                "mamba_head_dim": 3,
                "n_groups": 2,
                "ssm_state_size": 5,
                "conv_kernel": 4,
                "layer_types": ["mamba", "mamba"],
            },
            384 + 160 + 12 + 12 + 96,
        ),
    ],
)
def test_mixers_of_each_kind(changes: dict[str, Any], expected: int) -> None:
    """Tests the mixer of the first layer."""
    assert layer_counts(model(**changes).layers[0], 8).mixers == expected


def test_what_the_keys_do_not_give_is_not_counted() -> None:
    """Tests that totals are unknown, and FFNs still known."""
    unread = model(num_attention_heads=...)
    assert (total_parameters(unread), active_parameters(unread)) == (None, None)
    assert ffn_parameters_of(unread) == 2 * 320
    assert total_parameters(model(vocab_size=...)) is None


def test_bytes_as_published() -> None:
    """Tests experts in four bits with a scale for 32, in 4.5 bits, everything else in two bytes."""
    scheme = {"quant_method": "awq", "bits": 4, "group_size": 32, "modules_to_not_convert": ["self_attn"]}
    layer = model(quantization_config=scheme).layers[0]
    assert stored_bytes(layer, 8) == 288 * 9 // 16 + 2 * (528 - 288)
    assert stored_bytes(model(quantization_config={}).layers[0], 8) is None


def test_a_dense_model_is_active_as_a_whole() -> None:
    """Tests 2 layers of 192 + 120 + 16, embedding and LM head, last norm."""
    dense = model(**DENSE)
    assert total_parameters(dense) == 2 * 328 + 160 + 8
    assert active_parameters(dense) == 2 * 328 + 80 + 8
    assert expert_weights(dense) == 0

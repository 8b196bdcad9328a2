"""Tests of which layers are what."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.workload.config.orders import layer_kinds
from tests.workload.config.examples import keys, model, refused

SIX: dict[str, Any] = {"num_hidden_layers": 6}


def ffns(**changes: Any) -> str:
    """Return a letter a layer: r for routed experts, d for a dense FFN, n for none."""
    return "".join(kind.ffn[0] for kind in layer_kinds(keys(**(SIX | changes)), routed=True))


def mixers(**changes: Any) -> list[str]:
    """Return the kind of mixer of each layer."""
    return [kind.mixer for kind in layer_kinds(keys(**(SIX | changes)), routed=True)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "rrrrrr"),
        ({"first_k_dense_replace": 2}, "ddrrrr"),
        # With a frequency layer i has experts where i is a multiple of it.
        ({"first_k_dense_replace": 1, "moe_layer_freq": 2}, "ddrdrd"),
        ({"moe_layer_freq": [0, 1, 1, 0, 1, 1]}, "drrdrr"),
        ({"mlp_only_layers": [0, 5]}, "drrrrd"),
        # A step counts from 1: layers 1, 3, 5.
        ({"decoder_sparse_step": 2}, "drdrdr"),
        ({"decoder_sparse_step": 2, "mlp_only_layers": [1]}, "dddrdr"),
        ({"interleave_moe_layer_step": 3}, "ddrddr"),
        ({"interleave_moe_layer_step": 1}, "rrrrrr"),
        ({"moe_layers": [1, 4]}, "drddrd"),
        ({"moe_layer_start_index": 1, "moe_layer_end_index": 3}, "drrrdd"),
        ({"moe_layer_start_index": 2, "moe_layer_end_index": -1, "moe_layer_interval": 2}, "dddrdr"),
        ({"expert_layer_period": 2, "expert_layer_offset": 1}, "drdrdr"),
        ({"mlp_layer_types": ["dense", "sparse"] * 3}, "drdrdr"),
    ],
)
def test_rules_say_which_layers_have_experts(changes: dict[str, Any], expected: str) -> None:
    """Tests each rule as public code applies it, and that a layer has experts where all rules allow it."""
    assert ffns(**changes) == expected


@pytest.mark.parametrize(
    "order",
    [
        {"hybrid_override_pattern": "ME*-ME"},
        {"layers_block_type": ["mamba", "moe", "attention", "mlp", "mamba", "moe"]},
    ],
)
def test_a_layer_may_be_one_part_alone(order: dict[str, Any]) -> None:
    """Tests letters and words; the number of layers may then be left out."""
    changes = order | {"num_hidden_layers": ...}
    assert mixers(**changes) == ["state", "none", "full", "none", "state", "none"]
    assert ffns(**changes) == "nrndnr"


def test_words_of_mixers_leave_ffns_to_the_rules() -> None:
    """Tests a list of kinds of attention."""
    changes = {"layer_types": ["sliding_attention", "full_attention", "linear_attention"] * 2}
    assert mixers(**changes) == ["window", "full", "linear"] * 2
    assert ffns(**changes, first_k_dense_replace=1) == "drrrrr"


def test_attention_by_interval() -> None:
    """Tests that every third layer sees all rows, with a list beside that agrees and without."""
    every_third = ["linear", "linear", "full"] * 2
    assert mixers(full_attention_interval=3) == every_third
    words = [f"{mixer}_attention" for mixer in every_third]
    assert mixers(full_attention_interval=3, layer_types=words) == every_third
    message = refused(**SIX, full_attention_interval=2, layer_types=words)
    assert "full_attention_interval: 2 gives another order than layer_types" in message


@pytest.mark.parametrize(
    ("changes", "windows"),
    [
        ({"sliding_window": 4}, 6),
        ({"sliding_window": None}, 0),
        ({"sliding_window": 4, "use_sliding_window": False}, 0),
        ({"sliding_window": 4, "use_sliding_window": True, "max_window_layers": 2}, 4),
        ({"sliding_window": 4, "sliding_window_pattern": 3}, 4),
    ],
)
def test_windows_without_a_list(changes: dict[str, Any], windows: int) -> None:
    """Tests how many layers have a window."""
    assert mixers(**changes).count("window") == windows


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"layer_types": ["full_attention"]}, "layer_types: names 1 layer, but num_hidden_layers says 6"),
        ({"hybrid_override_pattern": "MEME"}, "hybrid_override_pattern: names 4 layers, but num_hidden_layers says 6"),
        ({"hybrid_override_pattern": "MEMEMX"}, "hybrid_override_pattern.5: must be one of M, E, *, -, got 'X'"),
        ({"layer_types": ["full_attention"] * 5 + ["other"]}, "layer_types.5: must be one of full_attention, "),
        ({"layer_types": 6}, "layer_types: must be a list of words or a text of letters, got 6"),
        (
            {"hybrid_override_pattern": "MEMEME", "layers_block_type": ["moe"] * 6},
            "layers_block_type: ['moe', 'moe', 'moe', 'moe', 'moe', 'moe'], but hybrid_override_pattern says another",
        ),
        ({"moe_layer_freq": [1]}, "moe_layer_freq: must be a list of 6 entries, one a layer, got 1 entry"),
        ({"moe_layer_freq": [2] * 6}, "moe_layer_freq: must be a number or a list of 0 and 1, got [2, 2,"),
        ({"mlp_only_layers": [6]}, "mlp_only_layers: must be a list of layers from 0 to 5, got [6]"),
        ({"mlp_layer_types": ["thin"] * 6}, "mlp_layer_types: must be a list of sparse and dense, got ['thin'"),
        ({"mlp_layer_types": [{}] * 6}, "mlp_layer_types: must be a list of sparse and dense, got [{}, {}"),
        ({"decoder_sparse_step": 0}, "decoder_sparse_step: must be a whole number from 1 to 20000, got 0"),
        ({"attn_type_list": [1] * 5 + [0]}, "attn_type_list.5: attention of kind 0 is not known; must be 1"),
        ({"attn_type_list": [1]}, "attn_type_list: must be a list of 6 entries, one a layer, got 1 entry"),
        (
            {"layer_types": ["sliding_attention"] * 6, "sliding_window": 4, "use_sliding_window": False},
            "use_sliding_window: false, but layer_types names layers with a window; make them agree",
        ),
        ({"num_hidden_layers": 20_001}, "num_hidden_layers: must be a whole number from 1 to 20000, got 20001"),
        ({"first_k_dense_replace": 6}, "num_experts: no layer has experts; the keys that say which layers are dense"),
    ],
)
def test_a_wrong_order_is_refused(changes: dict[str, Any], expected: str) -> None:
    """Tests lengths, words, and keys that contradict one another."""
    assert expected in refused(**(SIX | changes))


def test_layers_with_experts_need_a_number_of_them() -> None:
    """Tests letters that ask for experts where no key counts them."""
    without = dict.fromkeys(("num_experts", "num_experts_per_tok", "moe_intermediate_size"), ...)
    assert "experts" in refused(**without, hybrid_override_pattern="*E")


def test_the_layers_of_a_model_follow_the_order() -> None:
    """Tests that a part stands where the order has it."""
    first, second = model(first_k_dense_replace=1).layers
    assert (len(first.dense), first.experts) == (1, None)
    assert second.dense == ()
    assert second.experts is not None

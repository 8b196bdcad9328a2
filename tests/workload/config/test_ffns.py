"""Tests of widths of FFNs, and of what lies beside the experts."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.workload.model import Experts, Ffn
from tests.workload.config.examples import DENSE, model, refused


def shared(**changes: Any) -> Ffn | None:
    """Return the shared experts of the first layer."""
    return model(**changes).layers[0].shared


def experts(**changes: Any) -> Experts:
    """Return the experts of the last layer."""
    found = model(**changes).layers[-1].experts
    assert found is not None
    return found


def test_experts_are_read() -> None:
    """Tests number, number a row, width and matrices."""
    assert experts() == Experts(4, 2, 3, 3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"n_shared_experts": 0}, None),
        ({"shared_expert_intermediate_size": 0}, None),
        ({"n_shared_experts": 2}, Ffn(6, 3, 2)),
        ({"shared_expert_intermediate_size": 7}, Ffn(7, 3)),
        ({"n_shared_experts": 1, "moe_shared_expert_intermediate_size": 7}, Ffn(7, 3)),
        # A dense MLP on the experts' input, added to their sum.
        ({"enable_moe_block": True}, Ffn(5, 3)),
        # No key names this one.
        ({"interleave_moe_layer_step": 1, "intermediate_size_mlp": 9}, Ffn(3, 3)),
    ],
)
def test_what_every_row_meets_beside_the_experts(changes: dict[str, Any], expected: Ffn | None) -> None:
    """Tests shared experts by count, by width, and those that other keys imply."""
    assert shared(**changes) == expected


def test_what_no_key_names_is_said() -> None:
    """Tests a note for each thing that is read as public code does it."""
    noted = {
        "one shared expert as wide": {"interleave_moe_layer_step": 1, "intermediate_size_mlp": 9},
        "null is taken as none": {"n_shared_experts": None},
        "the width of all 2 shared experts": {"n_shared_experts": 2, "shared_expert_intermediate_size": 7},
        "taken for dense layers and for experts": {"moe_intermediate_size": ..., "first_k_dense_replace": 1},
        "an FFN is taken with a gate": {"hidden_act": ...},
        "gelu is taken with no gate": {"hidden_act": "gelu"},
        "the router and the experts have biases": {"swiglu_limit": 7.0, "attention_bias": True},
        "so that the experts are left out": {"enable_moe_block": False},
    }
    for text, changes in noted.items():
        assert any(text in note for note in model(**changes).notes), text
    assert model().notes == ()


@pytest.mark.parametrize(("name", "matrices"), [("silu", 3), ("gelu_pytorch_tanh", 3), ("relu2", 2), ("gelu", 2)])
def test_an_activation_tells_the_matrices(name: str, matrices: int) -> None:
    """Tests experts and dense FFNs of three matrices and of two."""
    read = model(hidden_act=name, first_k_dense_replace=1)
    assert read.layers[0].dense == (Ffn(5, matrices),)
    assert read.layers[1].experts == Experts(4, 2, 3, matrices)


def test_experts_take_the_one_width_there_is() -> None:
    """Tests a model of experts alone whose config has one width."""
    assert experts(moe_intermediate_size=...).columns == 5


def test_dense_layers_may_have_a_key_of_their_own() -> None:
    """Tests that experts then take the other width."""
    read = model(moe_intermediate_size=..., intermediate_size_mlp=9, mlp_only_layers=[0])
    assert read.layers[0].dense == (Ffn(9, 3),)
    assert read.layers[1].experts == Experts(4, 2, 5, 3)


@pytest.mark.parametrize("key", ["moe_latent_size", "routed_expert_hidden_size"])
def test_latent_experts(key: str) -> None:
    """Tests the width of the rows that reach experts."""
    assert experts(**{key: 2}).latent_columns == 2


def test_idle_experts_and_double_layers() -> None:
    """Tests experts without weights; with a dense width beside that of experts, layers are double."""
    changes = {"zero_expert_num": 2, "expert_ffn_hidden_size": 3, "moe_intermediate_size": ...}
    layer = model(**changes).layers[0]
    assert layer.experts == Experts(4, 2, 3, 3, idle=2)
    assert layer.dense == (Ffn(5, 3), Ffn(5, 3))
    assert len(layer.mixers) == 2
    # Rows may meet as many slots of the router as there are.
    assert experts(**changes, num_experts_per_tok=6).per_token == 6


def test_expert_biases() -> None:
    """Tests the key that says so, against the two that imply it."""
    assert experts(mlp_bias=True).biases
    assert experts(swiglu_limit=7.0, attention_bias=True).biases
    assert not experts(swiglu_limit=7.0, attention_bias=True, mlp_bias=False).biases
    assert not experts(attention_bias=True).biases


def test_a_dense_model_has_no_experts() -> None:
    """Tests nulls and a switch that is off where nothing is routed."""
    nulls = {"num_experts": None, "top_k_experts": None, "expert_intermediate_size": None}
    for changes in ({}, nulls | {"enable_moe_block": False}):
        layers = model(**(DENSE | changes)).layers
        assert all(layer.experts is None and layer.dense == (Ffn(5, 3),) for layer in layers)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_experts_per_tok": 5}, "num_experts_per_tok: a row cannot meet 5 of 4 experts"),
        ({"num_experts_per_tok": 0}, "num_experts_per_tok: must be a whole number from 1 to 10000000, got 0"),
        ({"num_experts_per_tok": [2, 2]}, "num_experts_per_tok: must be a whole number from 1 to 10000000, got [2, 2]"),
        ({"num_experts": -4}, "num_experts: must be a whole number from 0 to 10000000, got -4"),
        ({"hidden_act": "wave"}, "hidden_act: 'wave' does not say whether an FFN has a gate; known are geglu, gelu"),
        ({"hidden_act": ["silu"]}, "hidden_act: ['silu'] does not say whether an FFN has a gate"),
        (
            {"n_shared_experts": 1, "shared_expert_intermediate_size": 0},
            "n_shared_experts: 1, but shared_expert_intermediate_size says 0; make both 0, or neither",
        ),
        ({"enable_moe_block": True, "n_shared_experts": 1}, "enable_moe_block: stands beside n_shared_experts"),
        (
            DENSE | {"num_experts": None, "enable_moe_block": True},
            "enable_moe_block: true, but num_experts gives no experts; write how many",
        ),
        ({"enable_moe_block": 1}, "enable_moe_block: must be true or false, got 1"),
        (DENSE | {"intermediate_size": ...}, "intermediate_size: this key is missing; add it or ffn_hidden_size"),
    ],
)
def test_wrong_ffns_are_refused(changes: dict[str, Any], expected: str) -> None:
    """Tests numbers out of range, and keys that contradict one another."""
    assert expected in refused(**changes)


@pytest.mark.parametrize(
    ("changes", "sigmoid", "told"),
    [
        ({}, False, ()),
        ({"scoring_func": "softmax"}, False, ()),
        ({"scoring_func": "sigmoid"}, True, ()),
        ({"moe_router_activation_func": "sigmoid"}, True, ()),
        (
            {"scoring_func": "sqrtsoftplus"},
            False,
            ("scoring_func: 'sqrtsoftplus' is counted as softmax, which the chosen alone need",),
        ),
    ],
)
def test_scores_of_experts(changes: dict[str, str], sigmoid: bool, told: tuple[str, ...]) -> None:
    """Tests both keys, the default, and a name that no cost is known of."""
    read = model(**changes)
    assert read.layers[0].experts is not None
    assert (read.layers[0].experts.sigmoid, read.notes) == (sigmoid, told)


def test_scores_that_are_no_name_are_refused() -> None:
    """Tests a number, and two keys that differ."""
    assert "scoring_func: must be softmax, sigmoid or another name, got 1" in refused(scoring_func=1)
    differ = {"scoring_func": "softmax", "moe_router_activation_func": "sigmoid"}
    assert "'sigmoid', but scoring_func says 'softmax'" in refused(**differ)

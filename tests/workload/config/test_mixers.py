"""Tests of the widths of mixers."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, Mixer, StateSpace, Unread
from tests.workload.config.examples import model, refused

LATENT = {"kv_lora_rank": 6, "qk_nope_head_dim": 3, "qk_rope_head_dim": 2, "v_head_dim": 4}
LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 3,
    "linear_value_head_dim": 5,
    "linear_conv_kernel_dim": 4,
}
STATE = {"mamba_num_heads": 4, "mamba_head_dim": 3, "n_groups": 2, "ssm_state_size": 5, "conv_kernel": 4}


def mixer(layer: int = 0, **changes: Any) -> Mixer:
    """Return the one mixer of a layer."""
    (found,) = model(**changes).layers[layer].mixers
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Attention(2, 1, 4)),
        ({"head_dim": ..., "num_key_value_heads": 2}, Attention(2, 2, 4)),
        ({"num_key_value_heads": ...}, Attention(2, 2, 4)),
        ({"sliding_window": 16}, Attention(2, 1, 4, window=16)),
        ({"attn_output_gate": True, "attention_bias": True}, Attention(2, 1, 4, gated=True, biases=True)),
        (LATENT, LatentAttention(2, 0, 6, 3, 2, 4)),
        (
            LATENT | {"q_lora_rank": 7, "qk_head_dim": 5, "index_n_heads": 3, "index_head_dim": 8},
            LatentAttention(2, 7, 6, 3, 2, 4, 3, 8),
        ),
        (LINEAR | {"full_attention_interval": 2}, LinearAttention(2, 4, 3, 5, 4)),
        (STATE | {"layer_types": ["mamba", "attention"]}, StateSpace(4, 3, 2, 5, 4)),
    ],
)
def test_each_mixer(changes: dict[str, Any], expected: Mixer) -> None:
    """Tests the first layer's."""
    assert mixer(**changes) == expected


def test_layers_that_see_all_rows_may_have_heads_of_their_own() -> None:
    """Tests widths of global heads, and keys that are values there alone."""
    changes = {
        "layer_types": ["sliding_attention", "full_attention"],
        "sliding_window": 16,
        "global_head_dim": 6,
        "num_global_key_value_heads": 2,
        "attention_k_eq_v": True,
    }
    assert mixer(0, **changes) == Attention(2, 1, 4, window=16)
    assert mixer(1, **changes) == Attention(2, 2, 6, keys_are_values=True)


def test_missing_keys_leave_a_mixer_unread() -> None:
    """Tests that what cannot be known is said, not guessed."""
    read = model(num_attention_heads=...)
    assert read.layers[0].mixers == (Unread(("num_attention_heads",)),)
    assert any(note.startswith("num_attention_heads: missing; what mixers hold") for note in read.notes)
    assert mixer(**(LATENT | {"v_head_dim": ...})) == Unread(("v_head_dim",))


def test_heads_count_for_a_state_space() -> None:
    """Tests that another width that the config gives is told: 2 x 8 columns are not 4 x 3."""
    notes = model(**STATE, layer_types=["mamba", "attention"], expand=2).notes
    assert any(note.startswith("expand: 2 would give 16 columns; the heads' 12 count") for note in notes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_attention_heads": 3, "head_dim": ..., "num_key_value_heads": 3}, "3 heads do not divide 8 columns"),
        ({"num_key_value_heads": 3}, "num_key_value_heads: 2 heads of queries cannot share 3; must divide 2"),
        ({"num_attention_heads": None}, "num_attention_heads: null, where a number decides"),
        (LATENT | {"qk_head_dim": 6}, "qk_head_dim: must be the sum of both parts of a head, 5, got 6"),
        (LATENT | {"attention_bias": True}, "attention_bias: true, but biases of latent attention are not known"),
        ({"layer_types": ["sliding_attention"] * 2}, "sliding_window: this key is missing; add it"),
        ({"head_dim": -4}, "head_dim: must be a whole number from 1 to 10000000, got -4"),
    ],
)
def test_wrong_mixers_are_refused(changes: dict[str, Any], expected: str) -> None:
    """Tests widths that contradict one another."""
    assert expected in refused(**changes)

"""Tests that facts are found by any of their names, and that nothing is guessed."""

from __future__ import annotations

import pytest

from tests.workload.config.examples import CONFIG, keys, model, refused


@pytest.mark.parametrize(
    ("key", "alias"),
    [
        ("num_experts", "n_routed_experts"),
        ("num_experts", "num_local_experts"),
        ("num_experts", "moe_num_experts"),
        ("num_experts_per_tok", "num_experts_per_token"),
        ("num_experts_per_tok", "moe_k"),
        ("num_experts_per_tok", "moe_topk"),
        ("num_experts_per_tok", "top_k_experts"),
        ("num_hidden_layers", "n_layers"),
        ("hidden_size", "d_model"),
        ("moe_intermediate_size", "expert_ffn_hidden_size"),
    ],
)
def test_a_fact_has_many_names(key: str, alias: str) -> None:
    """Tests that a model is the same by either name of a fact."""
    assert model(**{key: ..., alias: CONFIG[key]}) == model()


def test_nested_parts_are_read_as_if_they_were_not() -> None:
    """Tests keys of the language model inside a mapping, and that those of pictures are left out and this is said."""
    inside = {key: CONFIG[key] for key in ("hidden_size", "num_experts", "num_hidden_layers")}
    vision = {"hidden_size": 99, "num_experts": 77, "num_hidden_layers": 55}
    read = model(**dict.fromkeys(inside, ...), text_config=inside, vision_config=vision)
    assert (read.hidden, read.layers) == (8, model().layers)
    assert any(note.startswith("vision_config: ") for note in read.notes)


def test_a_nested_ffn_gives_ffn_keys_only() -> None:
    """Tests that of a mapping for FFNs other keys are not believed: public code fills it with defaults."""
    ffn = {"moe_num_experts": 4, "moe_top_k": 2, "ffn_hidden_size": 3, "tie_word_embeddings": True, "hidden_size": 9}
    left_out = dict.fromkeys(("num_experts", "num_experts_per_tok", "moe_intermediate_size", "intermediate_size"), ...)
    read = model(**left_out, ffn_config=ffn)
    assert (read.layers, read.tied, read.hidden) == (model().layers, False, 8)


def test_two_names_with_one_value_agree() -> None:
    """Tests that a fact may stand twice."""
    assert model(num_local_experts=4) == model()


def test_two_names_with_different_values_are_refused() -> None:
    """Tests that both keys and both values are told."""
    assert refused(num_local_experts=8) == (
        "c.json:1:1: num_local_experts: 8, but num_experts says 4; keep one of them"
    )
    assert "text_config.hidden_size: 9, but hidden_size says 8" in refused(text_config={"hidden_size": 9})


def test_null_where_a_number_decides_is_refused() -> None:
    """Tests the key, the null, and the value that would have been taken in its place."""
    message = refused(moe_intermediate_size=None)
    assert message.startswith("c.json:1:1: moe_intermediate_size: null, where a number decides; ")
    assert "intermediate_size (5) would have been taken" in message
    assert "hidden_size: null, where a number decides" in refused(hidden_size=None)
    assert "num_experts: null, where a number decides" in refused(num_experts=None)
    assert "first_k_dense_replace: null" in refused(first_k_dense_replace=None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"moe_extra_width": 7}, "moe_extra_width: 7 speaks of experts or layers and would be dropped"),
        ({"kept_layers": [0, 1]}, "kept_layers: [0, 1] speaks of experts or layers and would be dropped"),
        ({"delta_config": {"full_layers": [1]}}, "delta_config.full_layers: [1] speaks of experts or layers"),
        ({"blocks": [{"width": 3}]}, "blocks: [{'width': 3}] speaks of experts or layers and would be dropped"),
        ({"num_experts": 0}, "moe_intermediate_size: 3 speaks of experts or layers and would be dropped"),
    ],
)
def test_a_key_that_would_be_dropped_is_refused(changes: dict[str, object], expected: str) -> None:
    """Tests keys of unknown names that speak of experts or layers, at any depth."""
    assert expected in refused(**changes)


@pytest.mark.parametrize("value", [None, False, 0, []])
def test_a_key_that_names_nothing_drops_nothing(value: object) -> None:
    """Tests that an unknown key is harmless when it is off, and a known one for losses always."""
    assert model(moe_extra_width=value, router_aux_loss_coef=0.1, layer_norm_eps=1e-5) == model()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (-1, "-1"),
        (True, "True"),
        (8.0, "8.0"),
        ("8", "'8'"),
        ([8], "[8]"),
        (10**30, "1000000000000000000000000000000"),
        ([1] * 999, "[1, 1, 1"),
    ],
)
def test_only_a_whole_number_in_its_range_is_one(value: object, told: str) -> None:
    """Tests what may not stand for a width."""
    assert f"hidden_size: must be a whole number from 1 to 10000000, got {told}" in refused(hidden_size=value)


def test_a_missing_key_is_told_with_its_other_names() -> None:
    """Tests the remedy."""
    assert refused(hidden_size=...) == "c.json:1:1: hidden_size: this key is missing; add it or d_model or n_embd"


def test_a_misspelt_key_is_told_where_it_stands() -> None:
    """Tests a letter too few in a key that must be there, that would be dropped, and that may be left out.

    Of "hiden_size" 2 x 10 of 21 letters are common with the right name, more than nine in ten; of "hidden_sum" 2 x 8.
    """
    missing = "c.json:1:1: {}: unknown key, and hidden_size is missing; did you mean hidden_size?"
    assert refused(hidden_size=..., hiden_size=8) == missing.format("hiden_size")
    assert "hidden_size: this key is missing" in refused(hidden_size=..., hidden_sum=8)
    assert refused(num_expert_per_token=1).endswith("nothing reads this key; did you mean num_experts_per_token?")
    # What it was to say how many are chosen of is not read either.
    assert refused(num_experts=..., num_expert=4).startswith(
        "c.json:1:1: num_expert: nothing reads this key; did you mean num_experts?"
    )
    assert "sliding_windw: nothing reads this key; did you mean sliding_window?" in model(sliding_windw=4).notes


def test_a_misspelt_part_of_a_config_is_told() -> None:
    """Tests parts whose keys would all be dropped: types of weights, the language model, and two letters turned."""
    for slip, name in (("quantization_confg", "quantization_config"), ("text_confg", "text_config")):
        assert f"{slip}: nothing reads this key; did you mean {name}?" in model(**{slip: {"bits": 8}}).notes
    assert "head_dmi: nothing reads this key; did you mean head_dim?" in model(head_dim=..., head_dmi=4).notes


def test_a_key_beside_the_right_one_is_no_slip() -> None:
    """Tests that a name is missed only where no key gives its fact, and that routing in groups is known."""
    beside = model(sliding_window=4, sliding_windw=4, n_group=2)
    assert not [note for note in beside.notes if "did you mean" in note]


def test_a_note_is_kept_once() -> None:
    """Tests that the same line is not told twice."""
    read = keys()
    read.note("a")
    read.note("a")
    assert read.notes == ["a"]

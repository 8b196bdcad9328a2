"""Tests of how a config becomes a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lpxsched.errors import InputError
from lpxsched.workload.config.load import load_model
from tests.workload.config.examples import CONFIG, model, refused

if TYPE_CHECKING:
    from pathlib import Path


def test_a_config_is_read() -> None:
    """Tests the facts of a whole model."""
    read = model()
    assert (read.name, read.hidden, len(read.layers), read.vocabulary, read.tied) == ("small", 8, 2, 10, False)
    assert model(tie_word_embeddings=True).tied
    assert any("two matrices" in note for note in model(tie_word_embeddings=...).notes)


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    """Tests that the same keys may be written as YAML; the name is then the file's, else the folder's."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    by_json, by_yaml = load_model(str(folder)), load_model(str(path))
    assert (by_json.name, by_yaml.name) == ("toy", "other")
    assert by_json.layers == by_yaml.layers


@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({}, 0),
        ({"num_nextn_predict_layers": 2}, 2),
        ({"mtp_num_hidden_layers": 1}, 1),
        ({"num_mtp_modules": 3, "mtp_transformer_layers": 2}, 6),
    ],
)
def test_layers_that_guess_further_tokens(changes: dict[str, Any], layers: int) -> None:
    """Tests their number, and that a line says that no total counts them."""
    read = model(**changes)
    assert read.mtp_layers == layers
    assert len(read.notes) == (1 if layers else 0)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"mtp_num_hidden_layers": 1}, "mtp_num_hidden_layers: 1 layer that guesses"),
        ({"num_mtp_modules": 1, "mtp_transformer_layers": 2}, "num_mtp_modules and mtp_transformer_layers: 2 layers"),
        (
            {"num_nextn_predict_layers": 2, "mtp_layers_block_type": ["moe", "attention"]},
            "num_nextn_predict_layers and mtp_layers_block_type: 4 layers",
        ),
    ],
)
def test_a_note_names_the_keys_that_say_how_many_layers_guess(changes: dict[str, Any], names: str) -> None:
    """Tests the keys that stand in the file, of modules and of the layers that each has."""
    assert [note[: len(names)] for note in model(**changes).notes] == [names]


@pytest.mark.parametrize("key", ["vocab_size", "tie_word_embeddings", "hidden_act", "dtype"])
def test_a_note_on_what_is_not_given_names_the_key_that_is_null(key: str) -> None:
    """Tests keys inside the part of the language model: their whole path, where another alias comes first, too."""
    names = [f"text_config.{key}", *(["text_config.torch_dtype"] if key == "dtype" else [])]
    for name in names:
        notes = model(**{key: ...}, text_config={name.removeprefix("text_config."): None}).notes
        assert [note.split(": ")[0] for note in notes] == [name]


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        ({"mtp_transformer_layers": 2}, "mtp_transformer_layers", "no key says how many such modules there are"),
        ({"mtp_layers_block_type": ["moe"]}, "mtp_layers_block_type", "no key says how many such modules there are"),
        (
            {"num_mtp_modules": 1, "mtp_transformer_layers": 1, "mtp_layers_block_type": ["attention", "moe"]},
            "mtp_transformer_layers",
            "1, but mtp_layers_block_type names 2; keep one of them",
        ),
    ],
)
def test_layers_of_modules_that_would_be_dropped(changes: dict[str, Any], key: str, problem: str) -> None:
    """Tests layers of modules whose number is missing, and two numbers of layers."""
    assert f"{key}: {problem}" in refused(**changes)


def test_a_module_has_layers_like_the_last_one() -> None:
    """Tests a dense and a routed layer, of which modules of two layers have the second; and a model without modules."""
    read = model(num_mtp_modules=3, mtp_transformer_layers=2, first_k_dense_replace=1)
    assert read.mtp_modules == 3
    assert read.mtp == (read.layers[1],) * 2
    assert read.layers[1].experts
    assert model().mtp == ()


def test_a_list_says_what_a_module_is_made_of() -> None:
    """Tests a mixer alone and experts alone, a word that is none, and a part that no layer has."""
    letters = {"hybrid_override_pattern": "*E", "num_nextn_predict_layers": 1}
    read = model(**letters, mtp_layers_block_type=["attention", "moe"])
    assert read.mtp == (read.layers[0], read.layers[1])
    with pytest.raises(InputError, match=r"mtp_layers_block_type\.1: must be one of full_attention, .*got 'mamba3'"):
        model(**letters, mtp_layers_block_type=["attention", "mamba3"])
    with pytest.raises(InputError, match=r"mtp_layers_block_type: names mamba, which no layer of the model is"):
        model(**letters, mtp_layers_block_type=["mamba"])


def test_a_fault_is_told_where_it_stands(tmp_path: Path) -> None:
    """Tests file, line and column of a nested key."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"text_config": CONFIG | {"num_experts_per_tok": 9}}, indent=1))
    with pytest.raises(InputError, match=r"config.json:15:3: text_config.num_experts_per_tok: a row cannot meet 9 of"):
        load_model(str(path))


@pytest.mark.parametrize("text", ["[1]", "5", '"gpt_oss"'])
def test_a_config_must_be_a_mapping(tmp_path: Path, text: str) -> None:
    """Tests other JSON in place of a config."""
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.json:1:1: must be a mapping of keys, not (list|int|str)$"):
        load_model(str(path))

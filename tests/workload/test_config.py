"""Tests of how a model's facts are read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lpxsched.errors import InputError
from lpxsched.workload.config import load_model, model_file

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "model_type": "gpt_oss",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 32,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "quantization_config": {"quant_method": "mxfp4"},
}


def write(folder: Path, changes: dict[str, Any]) -> str:
    """Write a config with one key a line; a key that is changed to ``...`` is left out."""
    data = {key: value for key, value in (CONFIG | changes).items() if value is not ...}
    path = folder / "config.json"
    path.write_text(json.dumps(data, indent=1))
    return str(path)


def test_a_config_is_read(tmp_path: Path) -> None:
    """Tests each fact of a model; the name is the folder's."""
    folder = tmp_path / "toy"
    folder.mkdir()
    write(folder, {})
    model = load_model(str(folder))
    assert (model.name, model.layers, model.hidden, model.expert_columns) == ("toy", 2, 64, 32)
    assert (model.experts, model.experts_per_token, model.expert_biases, model.weights) == (8, 2, True, "mxfp4")


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    """Tests that the same keys may be written as YAML; the name is then the file's."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    model = load_model(str(path))
    assert model.name == "config"
    assert model.expert_columns == load_model(write(tmp_path, {})).expert_columns == 32


def test_other_families_have_other_keys(tmp_path: Path) -> None:
    """Tests the keys of Qwen3, whose experts have no biases and a size of their own."""
    changes = {
        "model_type": "qwen3_moe",
        "moe_intermediate_size": 16,
        "num_local_experts": ...,
        "num_experts": 4,
        "mlp_only_layers": [],
        "decoder_sparse_step": 1,
    }
    model = load_model(write(tmp_path, changes))
    assert (model.expert_columns, model.experts, model.expert_biases) == (16, 4, False)


@pytest.mark.parametrize("quantization", [..., None])
def test_a_model_that_is_not_quantized_has_bf16_weights(tmp_path: Path, quantization: object) -> None:
    """Tests that no quantization, left out or null, means bf16."""
    assert load_model(write(tmp_path, {"quantization_config": quantization})).weights == "bf16"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model_type": "llama"}, "2:2: model_type: must be one of gpt_oss, mixtral, qwen3_moe (each layer a mixture"),
        ({"model_type": ["gpt_oss"]}, "2:2: model_type: must be one of gpt_oss, mixtral, qwen3_moe (each layer"),
        ({"model_type": ...}, "1:1: model_type: must be one of gpt_oss, mixtral, qwen3_moe (each layer a mixture"),
        ({"num_hidden_layers": 0}, "3:2: num_hidden_layers: must be a whole number from 1 to 20000, got 0"),
        ({"num_hidden_layers": True}, "3:2: num_hidden_layers: must be a whole number from 1 to 20000, got True"),
        ({"num_hidden_layers": 10**6}, "3:2: num_hidden_layers: must be a whole number from 1 to 20000, got 1000000"),
        ({"hidden_size": ...}, "1:1: hidden_size: this key is missing; add it"),
        ({"hidden_size": "64"}, "4:2: hidden_size: must be a whole number from 1 to 1000000, got '64'"),
        ({"hidden_size": 64.0}, "4:2: hidden_size: must be a whole number from 1 to 1000000, got 64.0"),
        ({"hidden_size": [1] * 999}, "4:2: hidden_size: must be a whole number from 1 to 1000000, got [1, 1, 1"),
        ({"intermediate_size": ...}, "1:1: moe_intermediate_size: this key is missing; add it or intermediate_size"),
        ({"num_local_experts": 0}, "6:2: num_local_experts: must be a whole number from 1 to 1000000, got 0"),
        ({"num_experts_per_tok": -1}, "7:2: num_experts_per_tok: must be a whole number from 1 to 1000000, got -1"),
        ({"num_experts_per_tok": 9}, "7:2: num_experts_per_tok: a row cannot meet 9 of 8 experts"),
        ({"quantization_config": "fp8"}, "8:2: quantization_config: must be a mapping, got 'fp8'"),
        (
            {"quantization_config": {"quant_method": "gptq"}},
            "9:3: quantization_config.quant_method: must be one of fp8, bf16, int8, mxfp4, nvfp4, got 'gptq'",
        ),
        (
            {"quantization_config": {}},
            "8:2: quantization_config.quant_method: must be one of fp8, bf16, int8, mxfp4, nvfp4, got None",
        ),
        ({"mlp_only_layers": [1]}, "mlp_only_layers: layers without experts are not supported; must be [], got [1]"),
        ({"decoder_sparse_step": 2}, "decoder_sparse_step: layers without experts are not supported; must be 1, got 2"),
    ],
)
def test_a_wrong_config_is_refused_at_its_key(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Tests position, problem and remedy of each fault."""
    with pytest.raises(InputError, match=r"config\.json:\d+:\d+: ") as caught:
        load_model(write(tmp_path, changes))
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["[1]", "5", '"gpt_oss"'])
def test_a_config_must_be_a_mapping(tmp_path: Path, text: str) -> None:
    """Tests other JSON in place of a config."""
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.json:1:1: must be a mapping of keys, not (list|int|str)$"):
        load_model(str(path))


def test_a_shipped_model_is_found_by_its_name() -> None:
    """Tests that the file of a name is the config in the folder of that name."""
    assert model_file("gpt-oss-20b").parts[-2:] == ("gpt-oss-20b", "config.json")

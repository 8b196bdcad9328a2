"""Tests of the types in which weights are stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.workload.config.load import load_model
from lpxsched.workload.model import StoredTypes
from tests.workload.config.examples import CONFIG, model, refused

if TYPE_CHECKING:
    from pathlib import Path


def group(bits: int, kind: str, size: int | None = None) -> dict[str, Any]:
    """Return a group of compressed tensors."""
    return {"weights": {"num_bits": bits, "type": kind} | ({} if size is None else {"group_size": size})}


def stored(layer: int = 0, **quantization: Any) -> StoredTypes:
    """Return the types of a layer."""
    return model(quantization_config=quantization).layers[layer].stored


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        ({"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "awq", "bits": 4, "group_size": 64}, "int4-64"),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, "int8"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": group(4, "int", 32)}}, "int4-32"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": group(4, "float", 16)}}, "nvfp4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": group(8, "float")}}, "fp8"),
        # Two groups of one type are one type; of two types nobody can tell which weights are what.
        ({"config_groups": {"a": group(8, "int"), "b": group(8, "int", 128)}}, "int8"),
        ({"config_groups": {"a": group(8, "float"), "b": group(4, "float", 16)}}, "unknown"),
        ({"config_groups": {"a": group(3, "int", 32)}}, "unknown"),
        ({"config_groups": {"a": {"weights": {"num_bits": [4], "type": "float", "group_size": {}}}}}, "unknown"),
        # Targets that are not all matrices, and rules by module, leave other weights as they are.
        ({"config_groups": {"a": group(4, "int", 32) | {"targets": ["Linear"]}}}, "int4-32"),
        ({"config_groups": {"a": group(4, "int", 32) | {"targets": ["re:.*experts.*"]}}}, "unknown"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 64, "dynamic": {"-:.*attn.*": {}}}, "unknown"),
        # Eight bits of which 32 share a scale are a type of their own.
        ({"quant_method": "fp8", "weight_block_size": [1, 32]}, "unknown"),
        ({"quant_method": "modelopt", "quant_algo": "FP8", "group_size": 32}, "unknown"),
        ({"config_groups": {"a": group(8, "float", 32)}}, "unknown"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "config_groups": {"a": group(4, "float", 16)}}, "nvfp4"),
        (
            {"quant_method": "modelopt", "quant_algo": "W4A16_AWQ", "config_groups": {"a": group(4, "int", 64)}},
            "int4-64",
        ),
        ({"quant_method": "secret"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_type_is_read(quantization: dict[str, Any], expected: str) -> None:
    """Tests each method, and that what is not known is said."""
    assert stored(**quantization).experts == expected
    notes = model(quantization_config=quantization).notes
    assert any("--weights names one" in note for note in notes) == (expected == "unknown")


@pytest.mark.parametrize(
    ("quantization", "told"),
    [
        # 32 bits for 128 x 128 are 0.002 bits a weight, for 128 a quarter of a bit, for 64 x 64 1 / 128.
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, ""),
        ({"config_groups": {"a": {"weights": {"num_bits": 8, "type": "float", "block_structure": "128x128"}}}}, ""),
        ({"quant_method": "fp8"}, ""),
        (
            {"quant_method": "fp8", "weight_block_size": [64, 64]},
            "a scale for 4,096 weights is not counted, 0.0078 bits a weight at most",
        ),
        (
            {"config_groups": {"a": group(8, "int", 128)}},
            "a scale for 128 weights is not counted, 0.25 bits a weight at most",
        ),
        (
            {"quant_method": "awq", "bits": 4},
            "group_size is not given; 128 weights share a scale, as public loaders take it",
        ),
    ],
)
def test_scales_that_are_not_counted_or_not_named_are_told(quantization: dict[str, Any], told: str) -> None:
    """Tests blocks as usual, smaller ones, groups in a row, and the default of public loaders."""
    notes = [one for one in model(quantization_config=quantization).notes if "scale" in one]
    assert notes == ([f"quantization_config: {told}"] if told else [])


@pytest.mark.parametrize("quantization", [..., None])
def test_a_model_that_is_not_quantized_has_bf16_weights(quantization: object) -> None:
    """Tests that no quantisation, left out or null, means bf16."""
    assert model(quantization_config=quantization).layers[0].stored == StoredTypes("bf16", "bf16", "bf16", "bf16")


@pytest.mark.parametrize(
    ("key", "pattern", "layer", "expected"),
    [
        ("modules_to_not_convert", "model.layers.*.self_attn", 1, ("bf16", "fp8", "fp8", "fp8")),
        ("ignore", "re:.*self_attn.*", 0, ("bf16", "fp8", "fp8", "fp8")),
        ("ignore", r"re:.*mlp\.(gate|up|gate_up|down)_proj.*", 0, ("fp8", "bf16", "fp8", "fp8")),
        ("ignore", "re:.*shared_experts.*", 0, ("fp8", "fp8", "bf16", "fp8")),
        ("ignore", "language_model.model.layers.0*", 0, ("bf16", "bf16", "bf16", "bf16")),
        ("ignore", "language_model.model.layers.0*", 1, ("fp8", "fp8", "fp8", "fp8")),
        ("exclude_modules", "model.layers.1.self_attn", 0, ("fp8", "fp8", "fp8", "fp8")),
        # The router is never quantised, and its name is not that of a projection.
        ("modules_to_not_convert", "gate", 0, ("fp8", "fp8", "fp8", "fp8")),
        ("ignore", "lm_head", 0, ("fp8", "fp8", "fp8", "fp8")),
    ],
)
def test_parts_may_be_left_out(key: str, pattern: str, layer: int, expected: tuple[str, ...]) -> None:
    """Tests names of modules, with wildcards and as expressions: mixer, dense FFN, shared and routed experts."""
    assert stored(layer, quant_method="fp8", **{key: [pattern]}) == StoredTypes(*expected)


def test_the_file_beside_is_read(tmp_path: Path) -> None:
    """Tests ``hf_quant_config.json``, and that it must agree with the config."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    beside = tmp_path / "hf_quant_config.json"
    beside.write_text(json.dumps({"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}}))
    assert load_model(str(tmp_path)).layers[0].stored.experts == "nvfp4"
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"quantization_config": {"quant_method": "fp8"}}))
    with pytest.raises(InputError, match=r"hf_quant_config.json:1:2: quantization: nvfp4, but .*config.json says fp8"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        ("fp8", "quantization_config: must be a mapping, got 'fp8'"),
        ({"config_groups": [1]}, "quantization_config.config_groups: must be a mapping, got [1]"),
        (
            {"quant_method": "fp8", "quant_algo": "NVFP4"},
            "quantization_config.quant_method: fp8, but quant_algo says nvfp4; keep one of them",
        ),
        (
            {"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 32},
            "quantization_config.group_size: must be 16, the weights that share a scale in nvfp4, got 32",
        ),
        (
            {"quant_method": "mxfp4", "group_size": "32"},
            "quantization_config.group_size: must be 32, the weights that share a scale in mxfp4, got '32'",
        ),
        (
            {"quant_method": "modelopt", "quant_algo": "NVFP4", "config_groups": {"a": group(4, "float", 32)}},
            "quantization_config.config_groups: mxfp4, but quant_algo says nvfp4; keep one of them",
        ),
        (
            {"quant_method": "fp8", "weight_block_size": [128]},
            "quantization_config.weight_block_size: must be two whole numbers above 0, rows and columns that share",
        ),
        ({"quant_method": "fp8", "weight_block_size": [128, 0]}, "must be two whole numbers above 0"),
        (
            {"config_groups": {"a": {"weights": {"num_bits": 8, "type": "float", "block_structure": "128"}}}},
            "quantization_config.config_groups.a.weights.block_structure: must be two whole numbers above 0",
        ),
        ({"quant_method": "fp8", "ignore": "x"}, "quantization_config.ignore: must be a list of names of modules"),
        ({"quant_method": "fp8", "ignore": ["re:("]}, "quantization_config.ignore.0: 're:(' is no regular expression"),
    ],
)
def test_a_wrong_quantisation_is_refused(quantization: object, expected: str) -> None:
    """Tests what is no quantisation."""
    assert expected in refused(quantization_config=quantization)


@pytest.mark.parametrize(
    ("excluded", "mixer"),
    [([], "fp8"), (["mtp*"], "bf16"), (["model.layers.2.self_attn.q_proj"], "bf16"), (["model.layers.1.*"], "fp8")],
)
def test_a_module_that_guesses_has_a_name_or_the_number_after_the_last(excluded: list[str], mixer: str) -> None:
    """Tests two layers, 0 and 1, and a module that stands behind them or is called otherwise."""
    quantization = {"quant_method": "fp8", "modules_to_not_convert": excluded}
    (layer,) = model(num_nextn_predict_layers=1, quantization_config=quantization).mtp
    assert layer.stored.mixer == mixer


@pytest.mark.parametrize(
    ("dtype", "expected", "told"),
    [
        ("bfloat16", "bf16", ()),
        ("float16", "bf16", ("torch_dtype: float16 is taken as bf16, which has as many bits",)),
        ("float32", "fp32", ("torch_dtype: float32; router, norms, embedding and LM head are counted as bf16",)),
        (..., "bf16", ("dtype: not given; what is not quantised is taken as bf16",)),
    ],
)
def test_the_type_of_what_is_not_quantised(dtype: object, expected: str, told: tuple[str, ...]) -> None:
    """Tests that it is read, and what is taken for another type said."""
    read = model(dtype=..., torch_dtype=dtype)
    assert (read.layers[0].stored.dense, read.notes) == (expected, told)


def test_the_type_of_a_model_is_that_of_what_a_quantisation_leaves() -> None:
    """Tests shared experts that are left out of fp8, and the line that says what the key is for."""
    quantization = {"quant_method": "fp8", "ignore": ["re:.*shared_expert.*"]}
    read = model(dtype="float32", quantization_config=quantization, n_shared_experts=1)
    assert (read.layers[0].stored.shared, read.layers[0].stored.experts) == ("fp32", "fp8")
    assert "dtype: float32, the type of what quantization_config leaves as it is" in read.notes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"torch_dtype": "float16"},
            "torch_dtype: 'float16', but dtype says 'bfloat16'; keep one of them",
        ),
        (
            {"text_config": {"dtype": "float32"}},
            "text_config.dtype: 'float32', but dtype says 'bfloat16'; keep one of them",
        ),
        ({"dtype": "complex64"}, "dtype: must be one of bfloat16, float16, float32, float8_e4m3fn, got 'complex64'"),
        ({"dtype": 16}, "dtype: must be one of bfloat16, float16, float32, float8_e4m3fn, got 16"),
    ],
)
def test_types_of_a_model_that_differ_or_are_not_known_are_refused(changes: dict[str, Any], told: str) -> None:
    """Tests two names of the key, two places of it, a type that no table names, and a number."""
    assert told in refused(**changes)
    assert told in refused(**changes, quantization_config={"quant_method": "fp8"})


@pytest.mark.parametrize(
    ("beside", "where"),
    [
        ({"quantization": {"quant_algo": "W4A99"}}, "hf_quant_config.json: quantization"),
        ({"quant_algo": "W4A99"}, "hf_quant_config.json"),
    ],
)
def test_notes_name_the_file_beside_a_config(tmp_path: Path, beside: dict[str, Any], where: str) -> None:
    """Tests a quantisation in a section of its own or in the whole file, as both notes on it say."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(beside))
    assert load_model(str(tmp_path)).notes == (
        f"dtype: bfloat16, the type of what {where} leaves as it is",
        f"{where}: does not say one type for all weights that it quantises; --weights names one",
    )

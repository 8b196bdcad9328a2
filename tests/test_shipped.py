"""Tests of the files that come with the program."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml

from lpxsched.clocks.specification import load_clock
from lpxsched.contention.runtime import read_runtime
from lpxsched.fabric.chip import load_chip
from lpxsched.fabric.profile import load_fabric
from lpxsched.files.schema import Tag
from lpxsched.files.shipped import ROOT, shipped_files
from lpxsched.program.outside.gpus import read_gpus
from lpxsched.program.outside.handover import read_handover
from lpxsched.sessions.prefill import read_prefill
from lpxsched.workload.config.load import load_model
from lpxsched.workload.counts import expert_weights, total_parameters
from lpxsched.workload.model import Experts, StoredTypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOADERS: dict[str, Callable[[str], Any]] = {
    "topology": load_fabric,
    "clock": load_clock,
    "chip": load_chip,
    "gpus": read_gpus,
    "handover": read_handover,
    "prefill": read_prefill,
    "runtime": read_runtime,
    "model": load_model,
}
FILES = [(kind, name, path) for kind in LOADERS for name, path in shipped_files(kind).items()]
YAML_FILES = sorted((ROOT / "topologies").rglob("*.yaml"))


def numbers(data: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the key and the entry of each number or truth value of a file; a tagged one is the mapping around it."""
    if isinstance(data, dict) and "value" in data:
        yield key, data
    elif isinstance(data, dict):
        for name, child in data.items():
            yield from numbers(child, f"{key}.{name}")
    elif isinstance(data, list):
        for index, child in enumerate(data):
            yield from numbers(child, f"{key}.{index}")
    elif isinstance(data, int | float):
        yield key, data


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.stem)
def test_every_number_says_where_it_comes_from(path: Path) -> None:
    """Tests that each number of a description has a tag but unstated, a source, and a range if assumed."""
    found = dict(numbers(yaml.safe_load(path.read_text())))
    assert found
    for key, entry in found.items():
        assert isinstance(entry, dict), f"{key} is not tagged"
        ranged = {"range"} if entry["tag"] == "assumed" or "range" in entry else set()
        assert set(entry) == {"value", "tag", "source"} | ranged, key
        assert entry["tag"] in set(get_args(Tag)) - {"unstated"}, key
        assert entry["source"].strip(), key


def test_the_walk_finds_untagged_numbers() -> None:
    """Tests the test: a plain number or truth value, in a mapping or in a list, is not overlooked."""
    data = {"a": {"b": 3}, "c": [{"value": [1, 2]}, 2.5], "name": "x", "d": [4, 4], "e": True}
    expected = [(".a.b", 3), (".c.0", {"value": [1, 2]}), (".c.1", 2.5), (".d.0", 4), (".d.1", 4), (".e", True)]
    assert list(numbers(data)) == expected


def test_every_shipped_topology_is_there() -> None:
    """Tests the names that the documentation promises."""
    named = {"lpx-rack", "lpx-rack-32x8", *(f"lpx-{racks}-racks" for racks in range(2, 10))}
    named |= {"tsp-node", "tsp-node-11gb", "tsp-264", "tsp-rack", "tsp-10440"}
    assert named <= set(shipped_files("topology"))


@pytest.mark.parametrize(("kind", "name", "path"), FILES, ids=lambda part: part if isinstance(part, str) else "")
def test_every_file_loads_and_is_called_like_its_file(kind: str, name: str, path: Path) -> None:
    """Tests that a listing never names what cannot be loaded, and that names agree."""
    loaded = LOADERS[kind](name)
    assert loaded.name == name == (path.parent.name if kind == "model" else path.stem)


def test_every_yaml_file_is_listed() -> None:
    """Tests that no file lies where no name finds it."""
    assert sorted(path for kind, _, path in FILES if kind != "model") == YAML_FILES


def test_every_file_begins_with_what_it_is() -> None:
    """Tests that each file opens with a comment."""
    assert all(path.read_text().startswith("# ") for path in YAML_FILES)


# Weights in matrices of experts, routed and shared, layer by layer: layers x experts x matrices x rows x columns.
EXPERT_WEIGHTS = {
    "deepseek-v3.2": 58 * 257 * 3 * 7168 * 2048,
    "gemma-4-31b": 0,
    "glm-5.1": 75 * 257 * 3 * 6144 * 2048,
    "gpt-oss-120b": 36 * 128 * 3 * 2880 * 2880,
    "gpt-oss-20b": 24 * 32 * 3 * 2880 * 2880,
    "kimi-k2": 60 * 385 * 3 * 7168 * 2048,
    "llama-4-maverick": 24 * 129 * 3 * 5120 * 8192,
    "minimax-m2.7": 62 * 256 * 3 * 3072 * 1536,
    # Experts of two matrices on latent rows of 2,048 columns; the shared one is on whole rows.
    "nemotron-3-ultra": 48 * (512 * 2 * 2048 * 5120 + 2 * 8192 * 10240),
    "qwen3-235b": 94 * 128 * 3 * 4096 * 1536,
    "qwen3.5-122b": 48 * 257 * 3 * 3072 * 1024,
}


def sources() -> dict[str, dict[str, str]]:
    """Return the rows of ``models/sources.csv`` by name."""
    with (ROOT / "models" / "sources.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_every_model_has_a_source() -> None:
    """Tests that models and sources are the same, each with an address, and are called in lower case."""
    assert list(sources()) == list(shipped_files("model")) == list(EXPERT_WEIGHTS)
    for name, row in sources().items():
        assert row["source"].startswith("https://")
        assert name == name.lower()


@pytest.mark.parametrize("name", EXPERT_WEIGHTS)
def test_parameters_of_shipped_models(name: str) -> None:
    """Tests experts exactly, and totals within 3 % of those published."""
    model = load_model(name)
    assert expert_weights(model) == EXPERT_WEIGHTS[name]
    total, published = total_parameters(model), int(sources()[name]["published_parameters"])
    assert total is not None
    assert abs(total - published) * 100 < 3 * published


@pytest.mark.parametrize(("name", "layers", "experts"), [("gpt-oss-120b", 36, 128), ("gpt-oss-20b", 24, 32)])
def test_the_gpt_oss_models(name: str, layers: int, experts: int) -> None:
    """Tests the published facts: 2880 columns, four experts a row, MXFP4 weights, biases."""
    model = load_model(name)
    assert (len(model.layers), model.hidden) == (layers, 2880)
    assert {layer.experts for layer in model.layers} == {Experts(experts, 4, 2880, 3, biases=True)}
    assert {layer.stored for layer in model.layers} == {StoredTypes("bf16", "mxfp4", "mxfp4", "mxfp4")}

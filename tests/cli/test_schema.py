"""Tests of ``lpxsched schema``: the JSON Schema says what the reader of files says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from lpxsched.cli.main import run
from lpxsched.cli.schema import KINDS as KINDS_OF_FILES
from lpxsched.cli.schema import json_schema
from lpxsched.fabric.schema import KINDS
from lpxsched.files.shipped import shipped_files

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
LIMITS = {
    "minimum": lambda data, limit: data >= limit,
    "maximum": lambda data, limit: data <= limit,
    "exclusiveMinimum": lambda data, limit: data > limit,
    "minItems": lambda data, limit: len(data) >= limit,
    "maxItems": lambda data, limit: len(data) <= limit,
    "enum": lambda data, limit: data in limit,
    "const": lambda data, limit: data == limit,
}
IGNORED = {"$schema", "$defs", "title", "description", "default", "discriminator"}
USED = {"$ref", "anyOf", "oneOf", "type", "properties", "required", "additionalProperties", "items"}


def allows(rule: dict[str, Any], data: Any, root: dict[str, Any]) -> bool:
    """Return whether data fits a JSON Schema, as far as ours go; a keyword that is not known here fails."""
    assert set(rule) <= IGNORED | USED | set(LIMITS)
    if "$ref" in rule:
        return allows(root["$defs"][rule["$ref"].removeprefix("#/$defs/")], data, root)
    if "anyOf" in rule and not any(allows(one, data, root) for one in rule["anyOf"]):
        return False
    if "oneOf" in rule and sum(allows(one, data, root) for one in rule["oneOf"]) != 1:
        return False
    if "type" in rule and not is_of_type(data, rule["type"]):
        return False
    if not all(holds(data, rule[key]) for key, holds in LIMITS.items() if key in rule):
        return False
    if isinstance(data, list):
        return all(allows(rule.get("items", {}), item, root) for item in data)
    if isinstance(data, dict) and rule.get("type") == "object":
        known = rule.get("properties", {})
        others = rule.get("additionalProperties")
        # A mapping of names that a file chooses tells what each of them holds.
        free = data if isinstance(others, dict) else known
        rules = {key: known.get(key, others) for key in data if key in known or free is data}
        fits = all(allows(of_key, data[key], root) for key, of_key in rules.items())
        return fits and set(rule.get("required", [])) <= set(data) <= set(free)
    return True


def is_of_type(data: Any, name: str) -> bool:
    """Return whether data is of a JSON type; a boolean is no number."""
    return isinstance(data, TYPES[name]) and (name == "boolean" or not isinstance(data, bool))


def plain(data: Any) -> Any:
    """Return a file's data with every value in its plain form, without tag and source."""
    if isinstance(data, dict):
        return data["value"] if "value" in data else {key: plain(value) for key, value in data.items()}
    return data


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_one_json_object(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the schema is one JSON object with and without --json, and names its dialect and its kind."""
    assert run(["schema", kind]) == 0
    indented = capsys.readouterr().out
    assert run(["schema", kind, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(indented) == json_schema(kind)
    assert json_schema(kind)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json_schema(kind)["title"] == f"lpxsched {kind}"


def test_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that another kind is one line that names the known ones."""
    assert run(["schema", "topologies"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'topology', 'chip', 'clock', 'partition', 'gpus', 'handover'" in error


def test_every_kind_of_topology_is_named() -> None:
    """Tests that the union leads to one definition for each kind of the reader, and all references exist."""
    schema = json_schema("topology")
    assert set(schema["discriminator"]["mapping"]) == set(KINDS)
    for one in schema["oneOf"]:
        assert one["$ref"].removeprefix("#/$defs/") in schema["$defs"]
    assert not [name for name in schema["$defs"] if not name.isidentifier()]


@pytest.mark.parametrize("kind", ["topology", "chip", "clock", "gpus", "handover"])
def test_shipped_files_fit(kind: str) -> None:
    """Tests that every shipped file fits, with its sources and with plain values instead."""
    schema = json_schema(kind)
    for path in shipped_files(kind).values():
        data = yaml.safe_load(path.read_text())
        assert allows(schema, data, schema), path.name
        assert allows(schema, plain(data), schema), path.name


@pytest.mark.parametrize(
    "changes",
    [
        {"chips": 0},
        {"chips": "8"},
        {"chips": {"value": 8, "tag": "guessed"}},
        {"chips": {"tag": "assumed"}},
        {"chips": True},
        {"lanes": 4},
        {"kind": "star"},
        {"wire": "idle"},
        {"link": {"lanes": 1}},
        {"link": {"gbps": 1, "hop_ns": 0}},
        {"link": {"gbps": 1, "hop_ns": 5, "speed": 3}},
        {"down": {"links": [[1]]}},
    ],
)
def test_wrong_topologies_do_not_fit(changes: dict[str, Any]) -> None:
    """Tests that wrong values, kinds and keys are refused by the schema as they are by the reader."""
    schema = json_schema("topology")
    ring = {"name": "r", "kind": "ring", "vector_bytes": 320, "chips": 8, "link": {"gbps": 100, "hop_ns": 722}}
    assert allows(schema, ring, schema)
    assert not allows(schema, ring | changes, schema)


def test_partitions() -> None:
    """Tests that a layer's chips may be a list or text, and nothing else."""
    schema = json_schema("partition")
    assert allows(schema, {"layers": [{"chips": [0, 1]}, {"chips": "0-6,9"}]}, schema)
    assert not allows(schema, {"layers": [{"chips": 4}]}, schema)
    assert not allows(schema, {"layers": [{"chips": [-1]}]}, schema)

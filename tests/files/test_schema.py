"""Tests of the step from a document to a checked value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, assumed_values, mapping, short, validate

if TYPE_CHECKING:
    from pathlib import Path


class Wire(Strict):
    """One class of links."""

    lanes: Tagged[int]
    gbps: Tagged[float] | None = None


class Machine(Strict):
    """A file with a nested mapping, a list and a choice of two types."""

    name: str
    trays: Tagged[int]
    tray: Wire
    spares: list[Wire] | None = None
    chips: list[int] | str = ""


GOOD = "name: a\ntrays: 2\ntray:\n  lanes: 4\n"


def read(folder: Path, text: str) -> Machine:
    """Read a machine from YAML."""
    path = folder / "a.yaml"
    path.write_text(text)
    return validate(read_yaml(path), Machine)


def fault(folder: Path, text: str) -> str:
    """Return the error of a machine without the name of its folder."""
    with pytest.raises(InputError) as caught:
        read(folder, text)
    return str(caught.value).removeprefix(f"{folder}/")


def test_plain_and_tagged_values_are_read(tmp_path: Path) -> None:
    """Tests that a plain value is taken as unstated and a tagged one keeps tag and source."""
    machine = read(tmp_path, "name: a\ntrays: 2\ntray:\n  lanes: {value: 4, tag: analyst, source: a report}\n")
    assert (machine.trays.value, machine.trays.tag, machine.trays.source) == (2, "unstated", "")
    assert (machine.tray.lanes.value, machine.tray.lanes.tag, machine.tray.lanes.source) == (4, "analyst", "a report")


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    """Tests that 100 may be written where 100.0 is meant."""
    wire = read(tmp_path, GOOD + "  gbps: 100\n").tray
    assert wire.gbps is not None
    assert wire.gbps.value == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys, with the nearest name of the same mapping
        (GOOD + "nam: b\n", "a.yaml:5:1: nam: unknown key; did you mean name?"),
        (GOOD + "  lane: 1\n", "a.yaml:5:3: tray.lane: unknown key; did you mean lanes?"),
        (GOOD + "q: 1\n", "a.yaml:5:1: q: unknown key; known keys: chips, name, spares, tray, trays"),
        (GOOD + "  gbps: {valu: 1}\n", "a.yaml:5:10: tray.gbps.valu: unknown key; did you mean value?"),
        (GOOD + "spares:\n- {lanes: 1, gbp: 1}\n", "a.yaml:6:14: spares.0.gbp: unknown key; did you mean gbps?"),
        # wrong values
        (GOOD.replace("2", "x"), "a.yaml:2:1: trays: input should be a valid integer, got 'x'"),
        (GOOD.replace("2", "true"), "a.yaml:2:1: trays: input should be a valid integer, got True"),
        (
            GOOD.replace("2", "'2'"),
            "a.yaml:2:1: trays: input should be a valid integer, got '2'; write it without quotes",
        ),
        (GOOD.replace("2", "{value: x}"), "a.yaml:2:9: trays.value: input should be a valid integer, got 'x'"),
        (
            GOOD.replace("  lanes: 4", "  lanes: 4.5"),
            "a.yaml:4:3: tray.lanes: input should be a valid integer, got 4.5",
        ),
        (
            GOOD + "  gbps: 12GB\n",
            "a.yaml:5:3: tray.gbps: input should be a valid number, got '12GB'; write the number alone, in Gb/s",
        ),
        (
            GOOD.replace("4", "4 links"),
            "a.yaml:4:3: tray.lanes: input should be a valid integer, got '4 links'; write the number alone",
        ),
        (GOOD + "  gbps: .nan\n", "a.yaml:5:3: tray.gbps: input should be a finite number, got nan"),
        ("name: a\ntrays: 2\ntray: 4\n", "a.yaml:3:1: tray: must be a mapping of keys, got 4"),
        (GOOD + "chips: [0, x]\n", "a.yaml:5:12: chips.1: input should be a valid integer, got 'x'"),
        # missing keys, at the mapping in which they are missing
        ("trays: 2\ntray:\n  lanes: 4\n", "a.yaml:1:1: name: this key is missing; add it"),
        ("name: a\ntrays: 2\ntray:\n  gbps: 4\n", "a.yaml:3:1: tray.lanes: this key is missing; add it"),
        (GOOD.replace("2", "{tag: analyst}"), "a.yaml:2:1: trays.value: this key is missing; add it"),
        # no mapping
        ("", "a.yaml:1:1: must be a mapping of keys, not an empty file"),
        ("- 1\n", "a.yaml:1:1: must be a mapping of keys, not list"),
        ("5\n", "a.yaml:1:1: must be a mapping of keys, not int"),
    ],
)
def test_a_fault_is_one_line_with_its_position(tmp_path: Path, text: str, expected: str) -> None:
    """Tests file, line, column, key, problem and remedy of unknown keys, wrong values and missing keys."""
    assert fault(tmp_path, text) == expected


def test_an_unknown_tag_is_refused_at_its_place(tmp_path: Path) -> None:
    """Tests that only the known tags say where a number comes from."""
    text = GOOD.replace("2", "\n  value: 2\n  tag: rumour")
    assert fault(tmp_path, text).startswith("a.yaml:4:3: trays.tag: input should be 'published', 'analyst', 'derived'")


def test_unknown_keys_come_before_wrong_values_before_missing_keys(tmp_path: Path) -> None:
    """Tests which of several faults is reported: a misspelt key explains the missing one, not the reverse."""
    missing = "trays: 2\ntray:\n  lanes: 4\n"
    wrong = missing.replace("2", "x")
    unknown = wrong + "nam: a\n"
    assert "missing" in fault(tmp_path, missing)
    assert "valid integer" in fault(tmp_path, wrong)
    assert "unknown key" in fault(tmp_path, unknown)


def test_a_file_of_another_kind_is_said_to_be_one(tmp_path: Path) -> None:
    """Tests a config of a model in place of a machine: which of its many keys is unknown helps nobody."""
    path = tmp_path / "config.json"
    path.write_text('{"architectures": [], "hidden_size": 64, "name": "x"}')
    with pytest.raises(InputError, match=r"config\.json:1:1: is no machine file, .*; known keys: .*name"):
        validate(read_yaml(path), Machine)


def test_a_value_cannot_be_changed(tmp_path: Path) -> None:
    """Tests that what was read stays as it is."""
    with pytest.raises(ValueError, match="frozen"):
        read(tmp_path, GOOD).name = "b"


def test_assumed_values_are_found_by_their_key() -> None:
    """Tests that exactly the values tagged as assumed are listed, with value, range and source."""
    data = {
        "name": "a",
        "trays": {"value": 2, "tag": "published", "source": "x"},
        "host": {"lanes": {"value": 1, "tag": "assumed", "range": [1, 2], "source": "a guess"}},
    }
    assert assumed_values(data) == {"host.lanes": {"value": 1, "range": [1, 2], "source": "a guess"}}


def test_a_long_value_is_cut() -> None:
    """Tests that a quoted value has at most 60 characters."""
    assert short("x" * 58) == repr("x" * 58)
    assert short("x" * 59) == "'" + "x" * 56 + "..."


def test_a_mapping_is_returned_as_it_is(tmp_path: Path) -> None:
    """Tests that a document of keys is its own mapping."""
    path = tmp_path / "a.yaml"
    path.write_text(GOOD)
    assert mapping(read_yaml(path))["trays"] == 2


class Range(Strict):
    """A file of a number, a flag and a choice, each with a range."""

    lanes: Tagged[int]
    down: Tagged[bool] = Tagged(value=False)
    wire: Tagged[str] = Tagged(value="busy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lanes: {value: 4, range: [5, 6]}\n", "a.yaml:1:19: lanes.range: must be [low, high] around 4, got [5, 6]"),
        ("lanes: {value: 4, range: [1, 3]}\n", "a.yaml:1:19: lanes.range: must be [low, high] around 4, got [1, 3]"),
        ("lanes: {value: 4, range: [4]}\n", "a.yaml:1:19: lanes.range: must be [low, high] around 4, got [4]"),
        ("lanes: {value: 4, range: [4, x]}\n", "a.yaml:1:30: lanes.range.1: input should be a valid integer, got 'x'"),
        ("lanes: 4\ndown: {value: true, range: [false]}\n", "a.yaml:2:21: down.range: must list True too, got [False]"),
        ("lanes: 4\nwire: {value: busy, range: [a]}\n", "a.yaml:2:21: wire.range: must list 'busy' too, got ['a']"),
    ],
)
def test_a_range_that_leaves_its_value_out_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """Tests that a number lies between two ends, and that anything else is one of a list."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        validate(read_yaml(path), Range)
    assert str(caught.value).removeprefix(f"{tmp_path}/") == expected


def test_a_range_is_kept(tmp_path: Path) -> None:
    """Tests that both ends of a number and the choices of a flag are read."""
    path = tmp_path / "a.yaml"
    path.write_text("lanes: {value: 4, range: [4, 6]}\ndown: {value: true, range: [false, true]}\n")
    machine = validate(read_yaml(path), Range)
    assert (machine.lanes.range, machine.down.range, machine.wire.range) == ([4, 6], [False, True], None)

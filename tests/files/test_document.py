"""Tests of strict YAML and JSON with positions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.files.document import Document, dotted, read_json, read_text, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.files.json_locations import Location

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(TEXT, st.integers(-(10**20), 10**20))
TREES = st.dictionaries(
    TEXT,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)),
    max_size=4,
)


def yaml_fault(folder: Path, text: str) -> str:
    """Return the error of a YAML file without the name of its folder."""
    return _fault(read_yaml, folder / "a.yaml", text)


def json_fault(folder: Path, text: str) -> str:
    """Return the error of a JSON file without the name of its folder."""
    return _fault(read_json, folder / "a.json", text)


def _fault(read: Any, path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value).removeprefix(f"{path.parent}/")


def locations(data: Any, here: Location = ()) -> list[Location]:
    """Return the path of every value in a tree."""
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [here, *(inner for key, child in children for inner in locations(child, (*here, key)))]


def test_each_key_and_element_of_yaml_has_its_position(tmp_path: Path) -> None:
    """Tests lines and columns, from 1, of keys, of nested keys and of elements of both styles of lists."""
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb:\n  c: {d: 2}\ne:\n- 3\n- [4, 5]\n")
    document = read_yaml(path)
    assert document.data == {"a": 1, "b": {"c": {"d": 2}}, "e": [3, [4, 5]]}
    assert document.positions == {
        (): (1, 1),
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", "c"): (3, 3),
        ("b", "c", "d"): (3, 7),
        ("e",): (4, 1),
        ("e", 0): (5, 3),
        ("e", 1): (6, 3),
        ("e", 1, 0): (6, 4),
        ("e", 1, 1): (6, 7),
    }


def test_each_key_and_element_of_json_has_its_position(tmp_path: Path) -> None:
    """Tests lines and columns, from 1, with tabs, brackets inside text and an escaped quote."""
    path = tmp_path / "a.json"
    path.write_text('{\n\t"a": [1, {}, []],\n  "b\\"": "]}", "c": {"d": [[2]]}\n}')
    document = read_json(path)
    assert document.data == {"a": [1, {}, []], 'b"': "]}", "c": {"d": [[2]]}}
    assert document.positions == {
        (): (1, 1),
        ("a",): (2, 2),
        ("a", 0): (2, 8),
        ("a", 1): (2, 11),
        ("a", 2): (2, 15),
        ('b"',): (3, 3),
        ("c",): (3, 16),
        ("c", "d"): (3, 22),
        ("c", "d", 0): (3, 28),
        ("c", "d", 0, 0): (3, 29),
    }


@given(TREES)
def test_yaml_is_read_as_written(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]) -> None:
    """Tests that any tree of mappings, lists, text and integers is read back equal, each part with a position."""
    path = tmp_path_factory.getbasetemp() / "tree.yaml"
    # Text in quotes: what looks like a trap is none then.
    path.write_text(yaml.safe_dump(data, default_style='"'), encoding="utf-8")
    document = read_yaml(path)
    assert document.data == data
    assert set(document.positions) == set(locations(data))


@given(TREES, st.sampled_from([None, 0, 3, "\t"]), st.booleans())
def test_json_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    """Tests that any tree is read back equal, and that the text at the position of a key is that key."""
    path = tmp_path_factory.getbasetemp() / "tree.json"
    path.write_text(json.dumps(data, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    document = read_json(path)
    assert document.data == data
    assert set(document.positions) == set(locations(data))
    lines = path.read_text(encoding="utf-8").split("\n")
    for location, (line, column) in document.positions.items():
        if location and isinstance(location[-1], str):
            assert lines[line - 1][column - 1 :].startswith(json.dumps(location[-1], ensure_ascii=ascii_only))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: a: this key stands twice; keep one"),
        ("a:\n  b: no\n", "a.yaml:2:6: a.b: no is ambiguous in YAML; write true or false, or quote it"),
        ("a: On\n", "a.yaml:1:4: a: On is ambiguous in YAML; write true or false, or quote it"),
        ("a: 1e9\n", "a.yaml:1:4: a: 1e9 is a string in YAML 1.1; write the number without exponent"),
        ("a: [12:30]\n", "a.yaml:1:5: a.0: 12:30 would be read in base 60; quote it"),
        ("a: 010\n", "a.yaml:1:4: a: 010 would be read in base 8; write it without the leading zero, or quote it"),
        ("a: !!int x\n", "a.yaml:1:4: a: x does not fit its tag int; remove the tag or quote it"),
        ("a: 0x" + "f" * 5000, "a.yaml:1:4: a: the number is too long; write a smaller one"),
        ("[a]: 1\n", "a.yaml:1:1: a key must be text"),
        ("a: 'x\n", "a.yaml:2:1: not YAML: while scanning a quoted scalar found unexpected end of stream"),
        ("a: b: c\n", "a.yaml:1:5: not YAML: mapping values are not allowed here"),
        ("a: *b\n", "a.yaml:1:4: not YAML: found undefined alias 'b'"),
        ("a: 1\n---\n", "a.yaml:2:1: not YAML: expected a single document in the stream but found another document"),
        ("a: 1\nb: x\x07\n", "a.yaml:2:5: the character U+0007 cannot stand in YAML; remove it"),
        ("a: &a [*a]\n", "a.yaml:1:1: nested too deeply"),
        ("[" * 3000, "a.yaml:1:1: nested too deeply"),
    ],
)
def test_yaml_that_is_wrong_or_would_be_guessed_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """Tests the position and the remedy of duplicate keys, of YAML's traps and of broken syntax."""
    assert yaml_fault(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a: "no"', "no"),
        ("a: '1e9'", "1e9"),
        ("a: 1.0e+9", 1e9),
        ("a: true", True),
        ("a: 0", 0),
        ("a: 0.5", 0.5),
        ("a: ~", None),
        ("a: 2026-03-16", "2026-03-16"),
        ("\ufeffa: 1", 1),
        ("a: 'zwölf ✓'", "zwölf ✓"),
    ],
)
def test_values_that_have_one_meaning_are_read(tmp_path: Path, text: str, expected: object) -> None:
    """Tests that quoted traps, numbers, dates (as text), other scripts and a byte-order mark are no faults."""
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_yaml(path).data == {"a": expected}


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    """Tests that six levels of ten aliases each, a million values in 200 bytes, are refused."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcde", "bcdef", strict=True)]
    assert "1,000,000 keys and elements" in yaml_fault(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a.json:1:1: not JSON: Expecting value"),
        ('{"a": 1,\n "b" 2}', "a.json:2:6: not JSON: Expecting ':' delimiter"),
        ('{"a": {\n "b": 1, "b": 2}}', "a.json:2:10: a.b: this key stands twice; keep one"),
        ('{"a": "NaN",\n "b": NaN}', "a.json:2:7: NaN is not a JSON number; write a finite number"),
        ('{"a": -Infinity}', "a.json:1:7: -Infinity is not a JSON number; write a finite number"),
        ('{"a": ' + "9" * 5000 + "}", "a.json:1:7: the number is too long; write a smaller one"),
        ("[" * 100_000, "a.json:1:1: nested too deeply"),
    ],
)
def test_wrong_json_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """Tests the line and column of broken syntax, of a duplicate key and of numbers that JSON has not."""
    assert json_fault(tmp_path, text) == expected


def test_an_empty_yaml_file_has_no_data(tmp_path: Path) -> None:
    """Tests that an empty file is read, with a position for whoever refuses it."""
    (tmp_path / "a.yaml").write_text("")
    document = read_yaml(tmp_path / "a.yaml")
    assert document.data is None
    assert document.error((), "is empty").line == 1


@pytest.mark.parametrize("read", [read_yaml, read_json, read_text])
def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path, read: Any) -> None:
    """Tests that Latin-1 text is refused instead of guessed."""
    path = tmp_path / "a"
    path.write_bytes("name: zwölf".encode("latin-1"))
    with pytest.raises(InputError, match=r"a: not UTF-8 text$"):
        read(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Is a directory"),
        ("none", "No such file or directory"),
        ("file/inside", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, reason: str) -> None:
    """Tests folders, missing files, loops of links and impossible names."""
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=f"cannot be read: {reason}"):
        read_text(tmp_path / name)


def test_an_error_points_at_the_nearest_ancestor_with_a_position() -> None:
    """Tests that a missing key is reported at the mapping in which it is missing."""
    document = Document("a.yaml", {}, {(): (1, 1), ("host",): (4, 1)})
    assert (
        str(document.error(("host", "lanes"), "this key is missing")) == "a.yaml:4:1: host.lanes: this key is missing"
    )
    assert str(document.error(("name",), "this key is missing")) == "a.yaml:1:1: name: this key is missing"


def test_a_location_is_written_with_dots() -> None:
    """Tests that indices and keys are joined alike."""
    assert dotted(("layers", 3, "chips")) == "layers.3.chips"

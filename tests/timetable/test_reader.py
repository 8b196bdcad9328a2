"""Tests of reading a whole build folder: what was written is read, and every fault of it is one `InputError`."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from lpxsched.errors import InputError
from lpxsched.timetable.reader import FILES, is_build, read_build
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build
from tests.timetable.tables import same_build

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.build import Build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the two-chip build."""
    write_build(tmp_path / "out", two_chip_build())
    return tmp_path / "out"


def fault(folder: Path) -> InputError:
    """Return the one line that a wrong folder gives."""
    with pytest.raises(InputError) as caught:
        read_build(folder)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def edited(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file in place."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data, indent=1))


def test_a_build_is_read_as_it_was_written(folder: Path) -> None:
    """Tests every column, both documents and the hash."""
    build = read_build(folder)
    assert same_build(build, two_chip_build())
    assert build.content_sha256() == build.manifest.content_sha256 == two_chip_build().manifest.content_sha256


def test_a_compiled_build_is_read_as_it_was_written(tmp_path: Path, small_build: Build) -> None:
    """Tests the same of a real compile."""
    write_build(tmp_path / "out", small_build)
    assert same_build(read_build(tmp_path / "out"), small_build)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    """Tests each of the eleven files, gone and replaced by a folder."""
    (folder / name).unlink()
    no_build, no_whole = "this is no build folder of lpxsched compile", "this build is not whole, write it again"
    problem = f"{folder}: {name} is missing; {no_build if name == 'manifest.json' else no_whole}"
    assert str(fault(folder)) == problem
    assert not is_build(folder)
    (folder / name).mkdir()
    assert str(fault(folder)) == problem


def test_the_first_form_of_format_2_is_refused(folder: Path) -> None:
    """Tests a period in the manifest, and chips in the segments of the graph and of their table."""
    edited(folder / "graph.json", lambda data: data["segments"][0].update(chips=[0, 1], hosts=[2, 2], relays=[]))
    assert fault(folder).key == "segments.0.chips"
    segments = pq.read_table(folder / "segments.parquet")
    pq.write_table(segments.drop_columns(["frame", "phase_cycles"]), folder / "segments.parquet")
    assert fault(folder).problem.startswith("columns are segment, waiting_cycles")
    edited(folder / "manifest.json", lambda data: data.update(period=0))
    assert fault(folder).key == "period"


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    """Tests a name that is not there, a file, and a name longer than the disk allows."""
    (tmp_path / "file").write_text("")
    for name in ("nothing", "file/below", "a\0b"):
        assert fault(tmp_path / name).problem == "no such folder; write one with lpxsched compile or collective"
    assert fault(tmp_path / "file").problem.startswith("is a file, name the folder of a build; ")
    assert fault(tmp_path / ("a" * 300)).problem == "cannot be read: File name too long"


def test_an_empty_folder_lacks_its_manifest(tmp_path: Path) -> None:
    """Tests that the first file in the order of the documentation is named."""
    assert fault(tmp_path).problem.startswith("manifest.json is missing")


def refuse(*_: Any, **__: Any) -> Any:
    """Answer as the system does when a file may not be read."""
    raise PermissionError(13, "Permission denied")


def test_a_folder_that_may_not_be_searched_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that the system's refusal is one line."""
    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    assert str(fault(folder)) == f"{folder}: cannot be read: Permission denied"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_may_not_be_read_is_told(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the system's refusal to open each of the files."""
    open_ = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *args, **kwargs: (refuse if path.name == name else open_)(path, *args, **kwargs)
    )
    error = fault(folder)
    assert error.where == str(folder / name)
    assert "Permission denied" in error.problem


@pytest.mark.parametrize("value", [1, 3, 0, -1, "2", True, 2.0, None, [2]])
def test_another_format_is_told_before_anything_else(folder: Path, value: Any) -> None:
    """Tests that neither unknown keys nor missing files of another format come first."""
    edited(folder / "manifest.json", lambda data: data.update(format=value, checksums={}))
    (folder / "deskews.parquet").unlink()
    error = fault(folder)
    assert (error.where, error.key) == (str(folder / "manifest.json"), "format")
    assert error.line > 1
    assert error.problem == f"format {value!r}, this version reads 2; compile it again"


@pytest.mark.parametrize("name", ["manifest.json", "graph.json"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON: Expecting value"),
        ("{", "not JSON: "),
        ('{"a": 1,}', "not JSON: "),
        ("[]", "must be a mapping of keys, not list"),
        ("null", "must be a mapping of keys"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a": 1, "a": 1}', "this key stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", ""),
        ('{"a": 1}', "unknown key; known keys: "),
    ],
)
def test_a_malformed_document_is_told(folder: Path, name: str, text: str, problem: str) -> None:
    """Tests faults that both JSON files can have."""
    (folder / name).write_text(text)
    error = fault(folder)
    assert error.where == str(folder / name)
    assert problem in error.problem


@pytest.mark.parametrize("name", ["manifest.json", "graph.json"])
def test_a_document_that_is_not_utf8_is_told(folder: Path, name: str) -> None:
    """Tests bytes that are no text."""
    (folder / name).write_bytes(b'{"\xff": 1}')
    assert str(fault(folder)) == f"{folder / name}: not UTF-8 text"


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        (lambda data: data.pop("seed"), "seed", "this key is missing; add it"),
        (lambda data: data.update(sead=1), "sead", "unknown key; did you mean seed?"),
        (lambda data: data.update(seed="0"), "seed", "got '0'"),
        (lambda data: data.update(seed=1.0), "seed", "got 1.0"),
        (lambda data: data.update(seed=None), "seed", "got None"),
        (lambda data: data.update(vector_bytes=0), "vector_bytes", "greater than or equal to 1, got 0"),
        (lambda data: data.update(wire="wet"), "wire", "'pipelined' or 'busy', got 'wet'"),
        (lambda data: data.update(versions={"lpxsched": 1}), "versions.lpxsched", "got 1"),
        (lambda data: data.update(inputs={"model": "toy"}), "inputs.model", "got 'toy'"),
        (lambda data: data.update(clock=[]), "clock", "got []"),
        (lambda data: data.update(content_sha256=7), "content_sha256", "got 7"),
    ],
)
def test_a_wrong_manifest_is_told_with_its_key(
    folder: Path, change: Callable[[dict[str, Any]], Any], key: str, problem: str
) -> None:
    """Tests keys that are missing, unknown or of another type."""
    edited(folder / "manifest.json", change)
    error = fault(folder)
    assert (error.where, error.key) == (str(folder / "manifest.json"), key)
    assert problem in error.problem


@pytest.mark.parametrize("mapping", ["options", "clock", "assumptions", "results"])
@pytest.mark.parametrize("value", ["1e999", '"\\ud800"', '{"a": [-1e999]}', '{"\\udfff": 1}'])
def test_what_cannot_be_written_again_is_refused(folder: Path, mapping: str, value: str) -> None:
    """Tests numbers beyond any float and halves of characters in the mappings that hold anything."""
    edited(folder / "manifest.json", lambda data: data.update({mapping: {"key": "here"}}))
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"here"', value))
    error = fault(folder)
    assert (error.where, error.key) == (str(path), mapping)
    assert error.problem.startswith("must hold finite numbers and Unicode text")


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        (lambda data: data.pop("segments"), "segments", "this key is missing; add it"),
        (lambda data: data.update(chips=[]), "chips", "unknown key; "),
        (lambda data: data["segments"][0].update(chips=[0, 1]), "segments.0.chips", "unknown key; "),
        (lambda data: data["tensors"][1].pop("rows"), "tensors.1.rows", "this key is missing; add it"),
        (lambda data: data["tensors"][1].update(colour=1), "tensors.1.colour", "unknown key; "),
        (lambda data: data["tensors"][2].update(rows=0), "tensors.2.rows", "got 0"),
        (lambda data: data["tensors"][2].update(vectors=8.0), "tensors.2.vectors", "got 8.0"),
        (lambda data: data["tensors"][0].update(layout="split"), "tensors.0.layout", "got 'split'"),
        (
            lambda data: data["tensors"][0].update(name="\ud800"),
            "tensors.0.name",
            "must hold finite numbers and Unicode",
        ),
        (lambda data: data["operators"][0].update(place="cloud"), "operators.0.place", "got 'cloud'"),
        (lambda data: data["operators"][1].update(inputs={}), "operators.1.inputs", "got {}"),
        (lambda data: data["operators"][1]["inputs"][0].update(tensor=3), "operators.1.inputs.0.tensor", "got 3"),
        (lambda data: data["groups"][0].update(chips=[0, -1]), "groups.0.chips.1", "got -1"),
        (lambda data: data["groups"][0].update(hosts=[2, True]), "groups.0.hosts.1", "got True"),
    ],
)
def test_a_wrong_graph_is_told_with_its_key(
    folder: Path, change: Callable[[dict[str, Any]], Any], key: str, problem: str
) -> None:
    """Tests keys of the graph at every level."""
    edited(folder / "graph.json", change)
    error = fault(folder)
    assert (error.where, error.key) == (str(folder / "graph.json"), key)
    assert problem in error.problem


@pytest.mark.parametrize(
    "change", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data, lambda data: data + b" "]
)
def test_graph_json_is_hashed_as_it_stands_on_disk(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Tests that other line ends, a byte order mark and a blank are another content, though they say the same."""
    path = folder / "graph.json"
    path.write_bytes(change(path.read_bytes()))
    build = read_build(folder)
    assert build.graph == two_chip_build().graph
    assert build.content_sha256() != build.manifest.content_sha256


def spoiled(data: bytes, dice: random.Random) -> bytes:
    """Return a file cut off, with flipped bits, with other bytes, or with bytes taken out or put in."""
    place = dice.randrange(len(data))
    end = min(len(data), place + dice.randint(1, 30))
    kind = dice.randrange(5)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + dice.randbytes(end - place) + data[end:]
    if kind == 3:
        return data[:place] + data[end:]
    return data[:place] + dice.randbytes(end - place) + data[place:]


@pytest.mark.parametrize("name", FILES)
def test_no_damage_ends_as_a_traceback(folder: Path, name: str) -> None:
    """Tests 100 damaged versions of each file: each is read, or refused in one line that names it."""
    data = (folder / name).read_bytes()
    dice = random.Random(name)
    for _ in range(100):
        (folder / name).write_bytes(spoiled(data, dice))
        try:
            read_build(folder).content_sha256()
        except InputError as error:
            assert name in str(error)  # noqa: PT017
            assert len(str(error).splitlines()) == 1  # noqa: PT017

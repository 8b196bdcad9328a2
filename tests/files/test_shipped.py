"""Tests of how a name or a path becomes a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpxsched.errors import InputError
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import assumed_values
from lpxsched.files.shipped import ROOT, find_file, name_of, shipped_files


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("topology", {"lpx-rack", "tsp-node"}),
        ("clock", {"common", "none", "xo-100ppm"}),
        ("chip", {"lp30", "lp30-1465mhz", "tsp"}),
        ("model", {"gpt-oss-120b", "gpt-oss-20b"}),
    ],
)
def test_every_kind_has_its_shipped_names(kind: str, names: set[str]) -> None:
    """Tests that the promised names are there, and that each leads to its file."""
    assert names <= set(shipped_files(kind))
    for name in names:
        assert find_file(kind, name).is_file()


def test_names_are_sorted() -> None:
    """Tests that listings do not depend on the order of the disk."""
    assert list(shipped_files("clock")) == sorted(shipped_files("clock"))


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    """Tests that a user's file is found by its path."""
    path = tmp_path / "mine.yaml"
    path.write_text("kind: lpx\n")
    assert find_file("topology", str(path)) == path


def test_a_shipped_name_comes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a file that happens to be called like a shipped topology does not shadow it."""
    monkeypatch.chdir(tmp_path)
    Path("lpx-rack").write_text("")
    assert find_file("topology", "lpx-rack") == ROOT / "topologies" / "lpx-rack.yaml"


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    """Tests that a folder with a ``config.json`` stands for that file, and names the model."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert find_file("model", str(folder)) == folder / "config.json"
    assert name_of(folder / "config.json") == "toy"
    assert name_of(tmp_path / "other.yaml") == "other"


def test_a_wrong_name_tells_the_nearest() -> None:
    """Tests that a misspelt name is answered with the name that was probably meant."""
    told = r"^lpx-rak: no topology of this name and no such file; did you mean lpx-rack( or|\?$)"
    with pytest.raises(InputError, match=told):
        find_file("topology", "lpx-rak")


@pytest.mark.parametrize("name", ["", "a\0b", "no/such/file.yaml", "zwölf", "loop"])
@pytest.mark.parametrize("kind", ["topology", "clock", "chip", "model"])
def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    """Tests that empty names, loops of links and impossible names end as one error of input."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(InputError, match=f"no {kind} of this name and no such file; "):
        find_file(kind, name)


@pytest.mark.parametrize("name", ["/", ".", "folder"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("topology", "a folder where a file is wanted"),
        ("session", "a folder where a file is wanted"),
        ("model", "a folder without config.json"),
    ],
)
def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, told: str, name: str) -> None:
    """Tests that a folder is called one: a file by its name would be looked for in vain."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(InputError, match=f"no {kind} of this name and {told}; "):
        find_file(kind, name)


def test_a_name_that_the_system_refuses_says_why() -> None:
    """Tests that a name too long for the file system is an error of input."""
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        find_file("topology", "x" * 5000)


def test_a_folder_without_permission_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a file in a folder that the user may not enter is an error of input."""

    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(InputError, match=r"^secret/a\.yaml: cannot be read: Permission denied$"):
        find_file("clock", "secret/a.yaml")


@pytest.mark.parametrize("kind", ["topology", "clock", "chip"])
def test_every_assumed_value_has_a_range_and_a_reason(kind: str) -> None:
    """Tests that each shipped file says how far what it assumes may be wrong, and why the value was taken."""
    for name, path in shipped_files(kind).items():
        for key, assumed in assumed_values(read_yaml(path).data).items():
            assert assumed["range"], f"{name}: {key}"
            assert assumed["source"], f"{name}: {key}"

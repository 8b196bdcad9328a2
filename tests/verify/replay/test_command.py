"""``lpxsched replay``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lpxsched.cli.main import run
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build
from tests.verify.changes import change, without
from tests.verify.collectives import collective_build

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lpxsched.timetable.build import Build


def write(folder: Path, build: Build) -> str:
    """Write a build and return its folder."""
    write_build(folder / "build", build)
    return str(folder / "build")


def test_a_valid_build_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the text of a build that is right."""
    assert run(["replay", write(tmp_path, two_chip_build())]) == 0
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines()] == [
        ["replayed", "1", "micro-batch,", "3", "steps", "each"],
        ["compared", "144", "vectors", "with", "a", "dense", "run"],
        ["mismatches", "0"],
        ["faults", "0"],
        ["ok"],
    ]
    assert printed.err == ""


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests every key of a right build, and that the seed is taken."""
    assert run(["replay", write(tmp_path, two_chip_build()), "--seed", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "iterations": 3,
        "micro_batches": 1,
        "steps": 3,
        "compared": 144,
        "mismatches": 0,
        "first": [],
        "faults": [],
        "faults_total": 0,
    }


def test_a_difference_exits_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a gather that lacks a slot: a table on stderr says which vector is not there, and why."""
    folder = write(tmp_path, without(collective_build("gather"), "slots", 0))
    assert run(["replay", folder]) == 5
    printed = capsys.readouterr()
    assert printed.out.splitlines()[2:] == ["mismatches   1", "faults       0", "FAILED"]
    head, row = printed.err.splitlines()
    assert head.split()[:8] == ["micro-batch", "step", "tensor", "operator", "node", "vector", "expected", "found"]
    assert row.split()[:6] == ["0", "0", "data", "deliver", "2", "0"]
    assert row.endswith("tensor 0 never comes")


def test_json_tells_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the numbers of the vector that is not there; the text for people is on stderr all the same."""
    folder = write(tmp_path, without(collective_build("gather"), "slots", 0))
    assert run(["replay", folder, "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["compared"], told["mismatches"]) == (False, 3, 1)
    first = told["first"][0]
    assert len(first["expected"]) == len(first["found"]) == 2
    assert first["expected"] != first["found"]


def test_long_lists_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that 20 of 36 mismatches are told: both chips start before anything is there."""
    build = change(change(two_chip_build(), "slots", 6, read=12), "slots", 7, read=12)
    assert run(["replay", write(tmp_path, build)]) == 5
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert lines[-1].startswith("and ")
    assert lines[-1].endswith(" more mismatches")


def test_an_unsound_build_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a range beyond its tensor: nothing is replayed."""
    folder = write(tmp_path, change(collective_build("gather"), "slots", 0, vectors=2))
    assert run(["replay", folder, "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["iterations"], told["compared"]) == (False, 0, 0)
    assert "which has only 1" in told["faults"][0]


def test_a_folder_that_is_none_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one line and exit code 2."""
    assert run(["replay", str(tmp_path / "nowhere")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "no such folder" in printed.err

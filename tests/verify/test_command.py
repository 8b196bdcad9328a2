"""``lpxsched check``."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.cli.main import run
from lpxsched.timetable.columns import Slots
from lpxsched.timetable.writer import write_build
from tests.builds import signed, two_chip_build
from tests.verify.changes import changed, with_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lpxsched.timetable.build import Build


def write(folder: Path, build: Build) -> str:
    """Write a build and return its folder."""
    write_build(folder, build)
    return str(folder)


def test_a_valid_build_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the text names each rule with what was checked (two chips and a host are nodes), and ends with ok."""
    assert run(["check", write(tmp_path / "build", two_chip_build())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["content", "sha256", "of", "all", "tables", "ok"],
        ["R1", "link", "8", "slots", "ok"],
        ["R2", "causality", "8", "slots", "ok"],
        ["R3", "delivery", "24", "operands", "ok"],
        ["R4", "operators", "12", "operators", "ok"],
        ["R5", "reduction", "24", "operands", "ok"],
        ["R6", "memory", "3", "nodes", "ok"],
        ["R7", "ports", "8", "slots", "ok"],
        ["R8", "reads", "8", "slots", "ok"],
        ["R9", "deskews", "1", "deskew", "ok"],
        ["R10", "deadlines", "1", "segment", "ok"],
        ["ok"],
    ]


def test_a_broken_rule_exits_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the text tells the violation with its row, and ends with FAILED."""
    assert run(["check", write(tmp_path / "build", changed("slots", 0, read=40))]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[8].split() == ["R8", "reads", "8", "slots", "1", "violation"]
    assert lines[11].startswith("R8: a slot on link 0 (chip 0 -> chip 1) that departs at 23 is read at 40")
    assert lines[11].endswith("[timetable.parquet:0]")
    assert lines[12:] == ["FAILED"]


def test_long_lists_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that 20 violations of a rule are told and the others counted, and that JSON tells 1000."""
    # Slot after slot brings chip 1 what it has already; the last ones come too long after the only deskew (R9).
    again = [(0, 0, 2, 0, 200 + 5 * k, 240 + 5 * k) for k in range(1100)]
    build = with_rows(two_chip_build(), "slots", *again)
    order = np.lexsort((build.slots.depart, build.slots.link))
    slots = Slots(*(getattr(build.slots, field.name)[order] for field in fields(Slots)))
    folder = write(tmp_path / "build", signed(replace(build, slots=slots)))
    assert run(["check", folder]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[11 + 20] == "R3: and 1,080 more"
    assert run(["check", folder, "--json"]) == 5
    result = json.loads(capsys.readouterr().out)
    assert (len(result["violations"]), result["violations_total"]) == (1000, 1101)


def test_json_has_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that scripts find ok, content_ok, violations and checked_slots in one object."""
    assert run(["check", write(tmp_path / "build", changed("slots", 0, read=40)), "--json"]) == 5
    result = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["content_ok"], result["checked_slots"]) == (False, True, 8)
    (violation,) = result["violations"]
    assert violation["rule"] == "R8"
    assert violation["rows"] == [{"file": "timetable.parquet", "row": 0}]


def test_rules_that_could_not_be_judged_are_not_called_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the text says which rules were not checked."""
    assert run(["check", write(tmp_path / "build", changed("slots", 0, depart=-1))]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["R1", "link", "8", "slots", "not", "checked"]
    assert lines[2].split() == ["R2", "causality", "8", "slots", "1", "violation"]


def test_a_folder_that_is_no_build_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that bad input is one line on stderr and nothing on stdout."""
    assert run(["check", str(tmp_path), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1

"""Tests of ``lpxsched reschedule`` as a user runs it, on a full mesh of three chips."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.reschedule.examples import full_mesh

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "status",
    "makespan_cycles",
    "lower_bound_cycles",
    "gap",
    "content_sha256",
    "makespan_before_cycles",
    "rows_kept",
    "rows_moved",
    "rows_added",
    "rows_dropped",
    "operators_moved",
    "rows_lower_bound",
    "rows_status",
    "segments_touched",
    "spares",
    "verified",
    "seconds",
    "output",
}


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the build folder of an all-gather on three chips."""
    build = tmp_path / "build"
    assert (
        run(["collective", "all-gather", full_mesh(tmp_path, 3), "--vectors", "1", "-o", str(build)]) == ExitCode.DONE
    )
    capsys.readouterr()
    return build


def down_file(folder: Path, text: str) -> str:
    """Write what failed into a file."""
    path = folder / "down.yaml"
    path.write_text(text)
    return str(path)


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Run with --json and return the exit code and the object."""
    code = run(["reschedule", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_folder_is_written_that_other_commands_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that check and replay take the new folder, and that equal input gives equal bytes."""
    down = down_file(tmp_path, "links: [[0, 1]]\n")
    code, record = told([str(folder), "--down", down, "-o", str(tmp_path / "round")], capsys)
    assert code == ExitCode.DONE
    assert record.keys() >= KEYS
    assert (record["rows_kept"], record["rows_moved"], record["verified"]) == (5, 1, True)
    for command in ("check", "replay", "report"):
        assert run([command, str(tmp_path / "round")]) == ExitCode.DONE
    capsys.readouterr()
    assert told([str(folder), "--down", down], capsys)[1]["content_sha256"] == record["content_sha256"]


def test_without_a_folder_nothing_is_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the timetable is told alone."""
    before = sorted(tmp_path.iterdir())
    assert run(["reschedule", str(folder), "--down", down_file(tmp_path, "links: [[0, 1]]\n")]) == ExitCode.DONE
    assert "5 kept, 1 moved, 0 dropped, 0 added" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "down.yaml"])


def test_a_cut_fabric_exits_with_its_cause(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests exit 3 with one object that holds the cause, and no folder."""
    down = down_file(tmp_path, "links: [[0, 1], [2, 1]]\n")
    code, record = told([str(folder), "--down", down, "-o", str(tmp_path / "round")], capsys)
    assert (code, record["status"]) == (ExitCode.INFEASIBLE, "infeasible")
    assert "no way that is up leads from chip 0" in record["cause"]
    assert not (tmp_path / "round").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("links: [[0, 7]]\n", "down.yaml:1:9: links.0: there is no link 0 -> 7"),
        ("chips: [9]\n", "down.yaml:1:9: chips.0: there is no chip 9, only 0 to 2"),
        ("trays: [3]\n", "down.yaml:1:9: trays.0: there is no tray 3, only 0 to 0"),
        ("cables: []\n", "down.yaml:1:1: cables: unknown key"),
    ],
)
def test_what_is_not_there_is_refused_at_its_place(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    """Tests exit 2 with one line that leads to the value."""
    assert run(["reschedule", str(folder), "--down", down_file(tmp_path, text)]) == ExitCode.BAD_INPUT
    assert fault in capsys.readouterr().err


def test_every_link_of_a_class(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the worst of all single failures is told."""
    code, record = told([str(folder), "--contingency", "link"], capsys)
    assert (code, record["failures"], record["made"], record["verified"]) == (ExitCode.DONE, 6, 6, True)
    assert run(["reschedule", str(folder), "--contingency", "link"]) == ExitCode.DONE
    assert "6 of class link, 6 with a timetable" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--contingency", "link", "-o", "there"]])
def test_a_call_that_says_nothing_or_too_much_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Tests that one of --down and --contingency is asked for, and that -o goes with the first only."""
    assert run(["reschedule", str(folder), *arguments]) == ExitCode.BAD_INPUT
    assert "--contingency" in capsys.readouterr().err


@pytest.mark.parametrize("verify", ["--verify", "--no-verify"])
@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("makespan_ns", "x", "makespan_ns: input should be a valid number, got 'x'"),
        ("gap", None, "gap: input should be a valid number, got None"),
        ("not_modelled", 3, "not_modelled: input should be a valid list, got 3"),
    ],
)
def test_results_of_other_types_are_refused_at_their_key(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, value: object, fault: str, verify: str
) -> None:
    """Tests exit 2 with file, key and what is wrong, before any rule is judged."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["results"][key] = value
    path.write_text(json.dumps(manifest))
    assert run(["reschedule", str(folder), "--contingency", "link", verify]) == ExitCode.BAD_INPUT
    assert capsys.readouterr().err == f"{path}: results.{fault}; compile the build again\n"

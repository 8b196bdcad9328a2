"""Tests of ``lpxsched contend`` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.writer import write_build
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a toy model with two layers."""
    write_build(tmp_path / "build", compiled(tmp_path, num_hidden_layers=2))
    return tmp_path / "build"


def told(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    """Return the object that is printed."""
    assert run(["contend", str(folder), "--steps", "20", *options, "--json"]) == ExitCode.DONE
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_tails_parts_and_the_timetable_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that quantiles are in order, parts add up to the mean, and what lies outside is apart."""
    found = told(folder, capsys)
    quantiles = [found[name] for name in ("p50_ns", "p99_ns", "p999_ns", "largest_ns")]
    assert quantiles == sorted(quantiles)
    parts = found["parts"]
    assert isinstance(parts, dict)
    assert list(parts) == ["operators and wires", "start-up", "barrier", "queueing"]
    assert sum(parts.values()) == pytest.approx(found["mean_ns"])
    assert 0 < found["nominal_ns"] <= found["proved_worst_ns"]
    assert found["assumed_low_ns"] <= found["assumed_ns"] <= found["assumed_high_ns"]


def test_the_same_seed_gives_the_same_bytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two runs, and one with another seed."""
    first, second, other = (told(folder, capsys, *more) for more in ((), (), ("--seed", "1")))
    assert first == second
    assert first["p50_ns"] != other["p50_ns"]


def test_a_picture_is_drawn_twice_alike(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the picture is a PNG of equal bytes."""
    for name in ("a.png", "b.png"):
        told(folder, capsys, "--png", str(tmp_path / name))
    drawn = [(tmp_path / name).read_bytes() for name in ("a.png", "b.png")]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--routing", "fast"), "--routing"),
        (("--steps", "0"), "--steps"),
        (("--runtime", "nobody"), "nobody"),
        (("--tokens", "cold"), "--tokens"),
    ],
)
def test_wrong_options_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    """Tests one line that names the option, and exit code 2."""
    assert run(["contend", str(folder), *options]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_runtime_of_ones_own(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a file with a negative time: refused at its line."""
    path = tmp_path / "mine.yaml"
    lines = ["name: mine"]
    for key, value in (("start_up_ns", -1), ("start_up_p99_ratio", 1), ("packet_vectors", 1), ("header_bytes", 0)):
        lines += [f"{key}:", f"  value: {value}", "  tag: assumed", "  source: mine"]
    path.write_text("\n".join(lines) + "\n")
    assert run(["contend", str(folder), "--runtime", str(path)]) == ExitCode.BAD_INPUT
    assert "mine.yaml:3:3: start_up_ns.value" in capsys.readouterr().err

"""Tests of what `compile` refuses, and of what it leaves when interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.files.shipped import shipped_files
from tests.cli.told import compile_json
from tests.timetable.small import compiled
from tests.toy import slow_handover, toy_model

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def broken_build(folder: Path) -> Build:
    """Return the build of a toy model in which everything is read at cycle 0."""
    build = compiled(folder)
    return replace(build, slots=replace(build.slots, read=build.slots.read * 0))


def test_a_fault_of_ours_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a timetable that breaks rules: exit 5, the first violations in a line each, and no folder."""
    broken = broken_build(tmp_path)
    monkeypatch.setattr("lpxsched.pipeline.compile_timetable", lambda _, progress: broken)
    arguments = ["compile", toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out")]
    assert run(arguments) == ExitCode.VERIFICATION_FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].endswith("more violations")
    assert run([*arguments, "--json"]) == ExitCode.VERIFICATION_FAILED
    result = json.loads(capsys.readouterr().out)
    assert (result["verified"], result["output"]) == (False, None)
    assert not (tmp_path / "out").exists()


def test_the_proof_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that --no-verify writes what the checker would refuse, and says that nothing was checked."""
    broken = broken_build(tmp_path)
    monkeypatch.setattr("lpxsched.pipeline.compile_timetable", lambda _, progress: broken)
    result = compile_json([toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out"), "--no-verify"], capsys)
    assert result["verified"] is False
    assert (tmp_path / "out").exists()


def test_what_overflows_sram_in_some_cycle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a chip that lacks one byte in the cycle in which most lies there: exit 4, what lies there, no folder."""
    monkeypatch.setattr("lpxsched.program.mapping.baselines.least_bytes", lambda *_: 0)
    model, chip = toy_model(tmp_path), shipped_files("chip")["tsp"].read_text()
    # Weights, and what combine holds: 8 vectors of routing, 64 of experts, 32 of its own.
    lying = 1_233_920 + (8 + 64 + 32) * 320
    (tmp_path / "small.yaml").write_text(chip.replace("value: 230686720", f"value: {lying - 1}"))
    node = shipped_files("topology")["tsp-node"].read_text().replace("chip: tsp", f"chip: {tmp_path}/small.yaml")
    (tmp_path / "node.yaml").write_text(node)
    out = tmp_path / "out"
    arguments = ["compile", model, str(tmp_path / "node.yaml"), "-o", str(out), "--partition", "disjoint"]
    assert run(arguments) == ExitCode.NOTHING_FOUND
    message = capsys.readouterr().err
    assert f"holds {lying} bytes in cycle" in message
    assert f"its SRAM has {lying - 1}; most of it layer.0.experts.weights" in message
    assert "try a smaller --batch" in message
    assert not out.exists()


def test_a_model_that_does_not_fit_says_how_many_bytes_on_how_many_chips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests exit code 3, the JSON object with its cause, and that nothing is written."""
    out = tmp_path / "out"
    arguments = ["compile", "gpt-oss-20b", "tsp-node", "-o", str(out), "--json"]
    assert run(arguments) == ExitCode.INFEASIBLE
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["status"] == "infeasible"
    assert "8 chips" in result["cause"]
    assert "bytes" in result["cause"]
    assert not out.exists()


def test_a_foreign_folder_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a folder with anything else in it is refused before any work, and stays as it was."""
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.txt").write_text("years of work")
    assert run(["compile", toy_model(tmp_path), "tsp-node", "-o", str(precious)]) == ExitCode.BAD_INPUT
    assert "not a build folder" in capsys.readouterr().err
    assert [path.name for path in precious.iterdir()] == ["chapter.txt"]


def test_an_older_build_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that compiling into a build folder puts the new build in its place and leaves nothing beside it."""
    model, out = toy_model(tmp_path), tmp_path / "out"
    first = compile_json([model, "tsp-node", "-o", str(out)], capsys)
    second = compile_json([model, "tsp-node", "-o", str(out), "--batch", "2"], capsys)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["content_sha256"] == second["content_sha256"] != first["content_sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "toy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"model_type": "mixtral",', ["config.json:1:", "not JSON"]),
        ('{"hidden_size": 0}', ["config.json:1:2", "hidden_size", "from 1 to", "got 0"]),
        ('{"hidden_size": 8}', ["num_hidden_layers", "missing"]),
    ],
)
def test_a_wrong_model_file_is_told_with_its_place(
    text: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests file, line, key and remedy of a wrong config."""
    (tmp_path / "config.json").write_text(text)
    assert run(["compile", str(tmp_path), "tsp-node", "-o", str(tmp_path / "out")]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert all(word in printed for word in words)
    assert not (tmp_path / "out").exists()


def test_busy_wires_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a topology of the comparison model is not compiled as if its wires were pipelined."""
    node = shipped_files("topology")["tsp-node"].read_text().replace("wire: pipelined", "wire: busy")
    (tmp_path / "busy.yaml").write_text(node)
    arguments = ["compile", toy_model(tmp_path), str(tmp_path / "busy.yaml"), "-o", str(tmp_path / "out")]
    assert run(arguments) == ExitCode.BAD_INPUT
    assert "compile needs wire: pipelined" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_number_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests nan in a hand-over, told with its line and key."""
    slow = slow_handover(tmp_path, float("nan"))
    assert run(["compile", toy_model(tmp_path), "tsp-node", "--handover", slow]) == ExitCode.BAD_INPUT
    assert "slow.yaml:2:1: one_way_ns" in capsys.readouterr().err


def test_an_interrupted_search_ends_and_leaves_nothing(tmp_path: Path) -> None:
    """Tests Ctrl-C in a search that takes several seconds at least: exit code 130, one line, no folder."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()"]
    arguments = ["compile", "gpt-oss-120b", "lpx-rack", "--effort", "40", "-o", str(out)]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as search:
        try:
            search.wait(timeout=2.5)
        except subprocess.TimeoutExpired:
            search.send_signal(signal.SIGINT)
        out_text, error_text = search.communicate(timeout=60)
    # A new line may come first, which ends the line on which a terminal shows ^C.
    assert (search.returncode, out_text, error_text.lstrip()) == (ExitCode.INTERRUPTED, "", "interrupted\n")
    assert list(tmp_path.iterdir()) == []

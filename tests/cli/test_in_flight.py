"""Tests of ``lpxsched compile --in-flight`` on a model of one layer small enough for one TSP node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.toy import slow_handover, toy_model

if TYPE_CHECKING:
    from pathlib import Path


def compile_in_flight(folder: Path, capsys: pytest.CaptureFixture[str], *choices: str) -> dict[str, Any]:
    """Compile the toy model with one layer for several micro-batches and return what is told."""
    model = toy_model(folder, num_hidden_layers=1)
    arguments = [model, "tsp-node", "-o", str(folder / "out"), "--solver", "greedy", *choices]
    assert run(["compile", *arguments, "--json"]) == ExitCode.DONE
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_layer_in_flight_passes_every_other_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests check, replay, simulate, report and export; more iterations are replayed than are ever under way."""
    told, out = compile_in_flight(tmp_path, capsys, "--in-flight", "4"), str(tmp_path / "out")
    assert told["in_flight"] == 4
    assert told["lower_bound_cycles"] <= told["period_cycles"] < told["makespan_cycles"]
    assert run(["check", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert run(["replay", out, "--json"]) == ExitCode.DONE
    replayed = json.loads(capsys.readouterr().out)
    assert replayed["ok"]
    assert replayed["iterations"] > told["makespan_cycles"] // told["period_cycles"]
    assert run(["simulate", out, "--trials", "20", "--json"]) == ExitCode.DONE
    simulated = json.loads(capsys.readouterr().out)
    assert simulated["violations"] == 0
    assert simulated["observed_worst_ns"] <= simulated["bound_ns"] == told["proved_worst_ns"]
    assert run(["report", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["period_cycles"] == told["period_cycles"]
    assert run(["export", out, "--svg", str(tmp_path / "a.svg")]) == ExitCode.DONE


def test_a_step_is_its_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests four micro-batches of batch 2 on perfect clocks: N is what makespan and hand-over need, rounded up."""
    told = compile_in_flight(tmp_path, capsys, "--in-flight", "4", "--batch", "2", "--clock", "none")
    # A node runs at 900 MHz; the hand-over takes at most assumed_high_ns.
    visit = told["makespan_cycles"] + -(-told["assumed_high_ns"] * 900 // 1000)
    windows = -(-visit // told["period_cycles"])
    assert told["step_ns"] == pytest.approx(windows * told["period_cycles"] / 0.9, abs=0.001)
    assert told["step_high_ns"] == told["step_ns"]
    assert told["step_ns"] == pytest.approx(told["proved_ns"] + told["assumed_ns"] + told["waiting_ns"], abs=1e-6)
    assert told["tokens_per_s"] == pytest.approx(4 * 2 * 10**9 / told["step_ns"], abs=0.001)


def test_on_demand_nothing_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one in flight."""
    told = compile_in_flight(tmp_path, capsys)
    assert (told["in_flight"], told["period_cycles"]) == (1, 0)
    assert "waiting_ns" not in told


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two runs."""
    told = [compile_in_flight(tmp_path, capsys, "--in-flight", "3") for _ in range(2)]
    assert told[0]["content_sha256"] == told[1]["content_sha256"]


def test_the_summary_tells_period_and_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the lines that a person reads."""
    model = toy_model(tmp_path, num_hidden_layers=1)
    assert run(["compile", model, "tsp-node", "-o", str(tmp_path / "out"), "--in-flight", "4"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    for text in (
        "period        ",
        "in flight     4 of ",
        "windows a step",
        "left out for a deskew",
        "until the own window",
    ):
        assert text in printed


def test_several_layers_in_flight_are_not_there_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one line, exit 2, and nothing written."""
    out = tmp_path / "out"
    assert run(["compile", toy_model(tmp_path), "tsp-node", "-o", str(out), "--in-flight", "2"]) == ExitCode.BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "--in-flight: layers in flight together are not there yet" in line
    assert not out.exists()


def test_a_frame_beyond_the_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a hand-over of a second: more windows than a frame can name."""
    model, out = toy_model(tmp_path, num_hidden_layers=1), tmp_path / "out"
    arguments = [model, "tsp-node", "-o", str(out), "--solver", "greedy", "--in-flight", "2"]
    arguments += ["--handover", slow_handover(tmp_path, 1e9)]
    assert run(["compile", *arguments]) == ExitCode.NOTHING_FOUND
    assert "windows" in capsys.readouterr().err
    assert not out.exists()

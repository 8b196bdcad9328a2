"""Tests of ``lpxsched compile --in-flight`` on models small enough for one TSP node."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.toy import slow_handover, toy_model

MODELS = Path(__file__).parents[2] / "models"


def compile_in_flight(folder: Path, capsys: pytest.CaptureFixture[str], *choices: str) -> dict[str, Any]:
    """Compile the toy model with one layer for several micro-batches and return what is told."""
    model = toy_model(folder, num_hidden_layers=1)
    arguments = [model, "tsp-node", "-o", str(folder / "out"), "--solver", "greedy", *choices]
    assert run(["compile", *arguments, "--json"]) == ExitCode.DONE
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_layer_in_flight_passes_every_other_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests check, replay, simulate, report and export; all that are in flight are replayed."""
    told, out = compile_in_flight(tmp_path, capsys, "--in-flight", "4"), str(tmp_path / "out")
    assert told["in_flight"] == 4
    assert told["lower_bound_cycles"] <= told["period_cycles"] < told["makespan_cycles"]
    # Its bound has no stall, which lies in a gap: with that of a layer on demand the gap was 0.9975.
    assert told["problems"][0]["wires"]["gap"] >= told["wire_gap"] >= 1
    assert run(["check", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert run(["replay", out, "--json"]) == ExitCode.DONE
    replayed = json.loads(capsys.readouterr().out)
    assert replayed["ok"]
    assert (replayed["micro_batches"], replayed["steps"]) == (4, 3)
    assert run(["simulate", out, "--trials", "20", "--json"]) == ExitCode.DONE
    simulated = json.loads(capsys.readouterr().out)
    assert simulated["violations"] == 0
    assert simulated["observed_worst_ns"] <= simulated["bound_ns"] <= told["proved_worst_ns"]
    assert run(["report", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["period_cycles"] == told["period_cycles"]
    assert run(["export", out, "--svg", str(tmp_path / "a.svg")]) == ExitCode.DONE


@pytest.mark.parametrize(("clock", "slowest"), [("xo-100ppm", 0.9999), ("sris", 0.9972)])
def test_what_decided_among_intervals_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: str, slowest: float
) -> None:
    """Tests a crystal, where the least longest step is taken, and spread, where one within 2 % has a shorter mean.

    Clocks are slow by 100 ppm, or by 2,500 and 300 ppm.
    """
    apart = ("--partition", "disjoint")
    told = compile_in_flight(tmp_path, capsys, "--in-flight", "4", "--clock", clock, *apart)
    deskews = told["deskews"]
    least = min(one["worst_case_ns"] for one in deskews["tried"] if one["worst_case_ns"])
    own = told["longest_step_ns"] / slowest
    assert own <= 1.02 * least
    assert deskews["decided_by"] == ("worst case" if own <= least + 0.01 else "nominal step")
    assert deskews["decided_by"] == ("worst case" if clock == "xo-100ppm" else "nominal step")


def test_nobody_is_late_for_his_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests simulate --frames: the longest step is that of the build and is attained, in text and in JSON."""
    told, out = compile_in_flight(tmp_path, capsys, "--in-flight", "6"), str(tmp_path / "out")
    assert run(["simulate", out, "--frames", "--json"]) == ExitCode.DONE
    flown = json.loads(capsys.readouterr().out)
    assert (flown["micro_batches"], flown["windows"], flown["holds"]) == (6, told["windows"], True)
    longest = max(one["worst_step_ns"] for one in flown["runs"] if one["order"] == "reserved")
    # Picoseconds are rounded up where they are proved.
    assert longest == flown["longest_step_ns"] == pytest.approx(told["longest_step_ns"], abs=0.0011)
    assert run(["simulate", out, "--frames"]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith("ok\n")


def test_frames_of_layers_on_demand_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one micro-batch: one line and exit 2."""
    compile_in_flight(tmp_path, capsys)
    assert run(["simulate", str(tmp_path / "out"), "--frames"]) == ExitCode.BAD_INPUT
    assert "compile with --in-flight 2 or more" in capsys.readouterr().err


def test_a_step_is_its_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests four micro-batches of batch 2 on perfect clocks: N P at most, typically what is proved and assumed."""
    told = compile_in_flight(tmp_path, capsys, "--in-flight", "4", "--batch", "2", "--clock", "none")
    # A node runs at 900 MHz. Waiting is less than a period, for the one window there is.
    assert 0 <= told["waiting_ns"] < told["period_cycles"] / 0.9
    assert told["step_ns"] == pytest.approx(told["proved_ns"] + told["assumed_ns"] + told["waiting_ns"], abs=1e-6)
    assert told["longest_step_ns"] == pytest.approx(told["windows"] * told["period_cycles"] / 0.9, abs=0.001)
    assert told["step_high_ns"] == told["longest_step_ns"] > told["proved_ns"] + told["assumed_high_ns"]
    assert told["tokens_per_s"] == pytest.approx(4 * 2 * 10**9 / told["step_ns"], abs=0.001)


def test_a_period_is_near_the_load_where_steps_are_about_as_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests dispatched rows, whose shortest timetable for one micro-batch keeps 241 cycles; a link of it works for 190.

    Times chosen anew keep a tenth above that at most, and the checker accepts them.
    """
    told = compile_in_flight(tmp_path, capsys, "--in-flight", "8", "--moe", "dispatch", "--partition", "whole")
    assert told["lower_bound_cycles"] <= told["period_cycles"] <= 1.1 * 190
    assert run(["check", str(tmp_path / "out"), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.slow
def test_experts_on_one_unit_are_packed_behind_their_router(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests gpt-oss-20b, one layer on eight chips, rows dispatched: units work for 42 and 1,412 cycles, 1,454 in all.

    The shortest timetable for one micro-batch keeps 2,318 cycles, for a nominal step of 23,180.
    """
    config = json.loads((MODELS / "gpt-oss-20b" / "config.json").read_text())
    changes = {"num_hidden_layers": 1, "layer_types": config["layer_types"][:1]}
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    (tmp_path / "eight.yaml").write_text('layers:\n- chips: "0-7"\n')
    arguments = [str(tmp_path / "config.json"), "lpx-rack", "-o", str(tmp_path / "out"), "--solver", "greedy"]
    choices = ["--partition", str(tmp_path / "eight.yaml"), "--moe", "dispatch", "--in-flight", "8"]
    assert run(["compile", *arguments, *choices, "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["lower_bound_cycles"] == 1454
    assert told["period_cycles"] <= 1.1 * 1454
    assert told["step_ns"] <= 23_180


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
    """Tests the lines that a person reads: what a number of periods and each gap are of."""
    model = toy_model(tmp_path, num_hidden_layers=1)
    assert run(["compile", model, "tsp-node", "-o", str(tmp_path / "out"), "--in-flight", "4"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    for text in (
        "cycles; layer 0 takes ",
        " of the period for these groups; ",
        " of makespans with operators taking no",
        "in flight     4 of ",
        "windows a step",
        "left out for ",
        "until the own window",
    ):
        assert text in printed


def test_layers_in_flight_share_chips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two layers of which each takes all chips: one frame, and every rule holds."""
    cut = tmp_path / "cut.yaml"
    cut.write_text("layers:\n  - chips: 0-7\n  - chips: 0-7\n")
    arguments = [toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out"), "--partition", str(cut)]
    assert run(["compile", *arguments, "--in-flight", "5", "--solver", "greedy", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["verified"]
    assert len(told["residues"]) == len(set(told["residues"])) == 5
    assert max(told["residues"]) < told["windows"]
    # The least period is the sum of what both layers ask of one unit, link or port, told in whole picoseconds.
    assert (
        told["period_cycles"] >= max(load["load_ns"] for load in told["loads"] if load["kind"] != "GPUs") * 0.9 - 0.001
    )


def gpus(folder: Path, **changes: float) -> str:
    """Write 600 GPUs, each of which serves a micro-batch, and return the file."""
    told: dict[str, float | str] = {
        "name": "mine",
        "gpus": 600,
        "gpus_per_micro_batch": 1,
        "streams": 1,
        "fixed_ns": 1000,
    }
    told |= {"memory_bytes": 10**14, "memory_bytes_per_ns": 4 * 10**6, "memory_efficiency": 0.7} | changes
    (folder / "gpus.yaml").write_text("\n".join(f"{key}: {value}" for key, value in told.items()))
    return str(folder / "gpus.yaml")


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, "Ethernet port of host 8, out, 380 cycles of each window"),
        ({"gpus": 2}, "2 micro-batches at once on GPUs of mine, which a step of N P keeps busy"),
    ],
)
def test_more_in_flight_than_fit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, float], limit: str
) -> None:
    """Tests a thousand micro-batches: how many fit, N, and what limits them, in one line; nothing is written."""
    out = tmp_path / "out"
    arguments = [toy_model(tmp_path), "tsp-node", "-o", str(out), "--solver", "greedy", "--in-flight", "1000"]
    assert run(["compile", *arguments, "--gpus", gpus(tmp_path, **changes)]) == ExitCode.NOTHING_FOUND
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert "1000 micro-batches in flight, and " in line
    assert "fit: N = " in line
    assert f"the limit is {limit}" in line
    assert not out.exists()


def test_as_many_fit_as_are_said_to_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two layers on the same chips: of all windows that are tried those count that hold most micro-batches."""
    cut = tmp_path / "cut.yaml"
    cut.write_text("layers:\n  - chips: 0-7\n  - chips: 0-7\n")
    arguments = [toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out"), "--partition", str(cut)]
    arguments += ["--gpus", gpus(tmp_path), "--solver", "greedy", "--in-flight"]
    assert run(["compile", *arguments, "1000"]) == ExitCode.NOTHING_FOUND
    fit = re.search(r"1000 micro-batches in flight, and (\d+) fit: N = \d+ windows", capsys.readouterr().err)
    assert fit is not None
    assert run(["compile", *arguments, fit[1], "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["in_flight"] == int(fit[1])
    assert run(["compile", *arguments, str(int(fit[1]) + 1)]) == ExitCode.NOTHING_FOUND


def test_a_frame_beyond_the_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a hand-over of a second: more windows than a frame can name."""
    model, out = toy_model(tmp_path, num_hidden_layers=1), tmp_path / "out"
    arguments = [model, "tsp-node", "-o", str(out), "--solver", "greedy", "--in-flight", "2"]
    arguments += ["--handover", slow_handover(tmp_path, 1e9)]
    assert run(["compile", *arguments]) == ExitCode.NOTHING_FOUND
    assert "windows" in capsys.readouterr().err
    assert not out.exists()


def test_modules_that_guess_drafts_own_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one layer and two modules like it, two drafts, three micro-batches: three visits a step, all sound.

    Of a draft GPUs do the head before, the join and a mixer; the head of the last one comes at the end.
    """
    model = toy_model(
        tmp_path, num_hidden_layers=1, num_attention_heads=8, head_dim=80, vocab_size=1024, num_nextn_predict_layers=2
    )
    out = str(tmp_path / "out")
    command = ["compile", model, "tsp-node", "-o", out, "--solver", "greedy", "--partition", "disjoint", "--draft", "2"]
    assert run([*command, "--in-flight", "3", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["layers"] == 3
    assert "drafter (speculation)" not in told["not_modelled"]
    assert sum(part[0] for part in told["assumed_parts_ns"].values()) == pytest.approx(told["assumed_ns"], abs=0.01)
    assert told["assumed_parts_ns"]["drafts"][0] > 2 * told["assumed_parts_ns"]["mixers"][0]
    for command in (["check", out], ["replay", out], ["simulate", out, "--frames"]):
        assert run([*command, "--json"]) == ExitCode.DONE
        capsys.readouterr()

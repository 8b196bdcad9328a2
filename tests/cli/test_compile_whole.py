"""Tests of ``lpxsched compile --attention lpu`` as a user runs it: a whole model is one segment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.assembly.headline import HEADLINE
from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.reader import read_build
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

HEADS = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 32, "vocab_size": 512}
QUICK = ("--attention", "lpu", "--context", "64", "--batch", "2", "--effort", "1", "--json")
# Two layers between embedding and head; a border between groups that overlap, and one on the same chips.
CUT = "layers:\n- chips: 0-3\n- chips: 2-5\n- chips: 2-5\n- chips: 2-5\n"


def compiled(tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str, **changes: Any) -> dict[str, Any]:
    """Return what a compile of the toy model on a TSP node tells."""
    arguments = ["compile", toy_model(tmp_path, **(HEADS | changes)), "tsp-node", "-o", str(tmp_path / "build")]
    code = run([*arguments, *QUICK, *more])
    out = capsys.readouterr()
    assert code == ExitCode.DONE, out.err
    told: dict[str, Any] = json.loads(out.out)
    return told


@pytest.fixture
def cut(tmp_path: Path) -> str:
    """Return a partition file of four visits."""
    (tmp_path / "cut.yaml").write_text(CUT)
    return str(tmp_path / "cut.yaml")


def test_a_mixture_of_experts_is_one_segment_that_keeps_all_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    """Tests two layers of experts over a border: compile proves, check and replay agree, and nothing is assumed."""
    told = compiled(tmp_path, capsys, "--partition", cut)
    assert set(HEADLINE) <= set(told)
    assert (told["layers"], told["visits"], told["chips"], told["assumed_high_ns"], told["in_flight"]) == (
        2,
        4,
        6,
        0,
        1,
    )
    assert told["step_ns"] == told["proved_ns"]
    build = read_build(tmp_path / "build")
    assert [segment.layers for segment in build.graph.segments] == [[0, 1, 2, 3]]
    assert [group.chips for group in build.graph.groups] == [[0, 1, 2, 3], [2, 3, 4, 5], [2, 3, 4, 5]]
    assert [len(group.hosts) for group in build.graph.groups] == [4, 0, 4]
    assert not np.isin(["given", "left"], build.operators.kind).any()
    for command in ("check", "replay"):
        assert run([command, str(tmp_path / "build"), "--json"]) == ExitCode.DONE
        assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.parametrize("command", ["simulate", "bound", "report"])
def test_other_commands_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str, command: str) -> None:
    """Tests drifting clocks, after the second of two deskews as well, their bound, and the report."""
    compiled(tmp_path, capsys, "--partition", cut)
    assert run([command, str(tmp_path / "build"), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told


def test_a_longer_context_takes_longer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that keys and values are read, and take SRAM by their type."""
    short = compiled(tmp_path, capsys)
    long = compiled(tmp_path, capsys, "--context", "65536")
    assert long["makespan_cycles"] > short["makespan_cycles"]
    kept = read_build(tmp_path / "build").chips.weight_bytes.sum()
    compiled(tmp_path, capsys, "--context", "65536", "--kv", "bf16")
    # 8 heads on 8 chips (each of keys and values twice), 2 layers, 2 users: 2 x 32 columns of a byte more.
    assert read_build(tmp_path / "build").chips.weight_bytes.sum() - kept == 8 * 2 * 2 * 65536 * 2 * 32


@pytest.mark.parametrize("context", ["1", "2", "7"])
def test_the_shortest_contexts_come_out_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str, context: str
) -> None:
    """Tests scores of a chip that fill a part of a vector, and a cache that holds nothing before the first step."""
    compiled(tmp_path, capsys, "--partition", cut, "--context", context)
    assert run(["replay", str(tmp_path / "build"), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"]


def test_tokens_of_a_step_may_fill_several_vectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    """Tests 81 tokens of 4 bytes: the last lies in a second vector, which the second chip gives to its host."""
    compiled(tmp_path, capsys, "--partition", cut, "--context", "1", "--batch", "81")
    build = read_build(tmp_path / "build")
    egress = np.flatnonzero(build.operators.kind == "egress")
    read = build.operands.first_vector[np.isin(build.operands.operator, egress)]
    assert read.tolist() == [0, 1]
    assert run(["replay", str(tmp_path / "build"), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"]


def test_a_context_that_does_not_fit_is_refused_with_bytes_a_chip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests ten million rows."""
    model = toy_model(tmp_path, **HEADS)
    code = run(["compile", model, "tsp-node", "-o", str(tmp_path / "b"), *QUICK, "--context", "10000000"])
    assert code == ExitCode.INFEASIBLE
    out = capsys.readouterr()
    assert "bytes a chip on the 8 chips of tsp-node; a chip holds 230,686,720" in out.out + out.err
    assert not (tmp_path / "b").exists()


def test_weights_that_chips_cannot_multiply_are_an_assumption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    """Tests mxfp4: expanded on read, tagged as assumed, as with mixers on GPUs."""
    told = compiled(tmp_path, capsys, "--partition", cut, "--weights", "mxfp4")
    assert read_build(tmp_path / "build").manifest.assumptions["weights.mxfp4"]["value"] == "expanded on read"
    assert "--weights fp8 does" in told["fp8"]


def test_drafts_are_rows_and_their_acceptance_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two drafts of two users: six rows a step, and 2.5 tokens a user."""
    told = compiled(tmp_path, capsys, "--draft", "2", "--acceptance", "2.5")
    build = read_build(tmp_path / "build")
    assert {tensor.rows for tensor in build.graph.tensors if tensor.name == "layer.1.output"} == {6}
    assert told["acceptance_length"] == 2.5
    assert told["tokens_per_s_per_user"] == int(2.5e12 / told["step_ns"]) / 1000
    assert told["tokens_per_s_per_user_low"] == int(1e12 / told["step_high_ns"]) / 1000


def test_drafts_are_laid_where_a_model_has_a_module_that_guesses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests two drafts: three visits each follow the head, the drafter is modelled, and what a step takes grows.

    Of two layers, 4 visits; hosts take tokens of the last head alone.
    """
    without = compiled(tmp_path, capsys, "--draft", "2", "--acceptance", "1")
    assert "drafter (speculation)" in without["not_modelled"]
    told = compiled(tmp_path, capsys, "--draft", "2", "--acceptance", "1", num_nextn_predict_layers=1)
    assert (told["layers"], told["visits"], without["visits"]) == (2, 4 + 2 * 3, 4)
    assert "drafter (speculation)" not in told["not_modelled"]
    assert told["makespan_cycles"] > without["makespan_cycles"]
    build = read_build(tmp_path / "build")
    assert [one.name for one in build.graph.operators if one.ends] == ["layer.9.egress"]
    assert {tensor.rows for tensor in build.graph.tensors if tensor.name == "layer.8.output"} == {2}
    for command in ("report", "bound", "simulate"):
        assert run([command, str(tmp_path / "build"), "--json"]) == ExitCode.DONE
        capsys.readouterr()


def test_what_guesses_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a module that guesses two drafts, in the notes and in the summary."""
    model = toy_model(tmp_path, **HEADS, num_nextn_predict_layers=1)
    arguments = ["compile", model, "tsp-node", "-o", str(tmp_path / "b"), *QUICK[:-1], "--draft", "2"]
    assert run(arguments) == ExitCode.DONE
    out = capsys.readouterr()
    assert "2 drafts are guessed by one module, again and again" in out.err
    assert "2 layers and 6 MTP visits on 8 chips" in out.out


def test_an_acceptance_beyond_the_drafts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests three tokens of a step with one draft."""
    model = toy_model(tmp_path, **HEADS)
    assert run(["compile", model, "tsp-node", *QUICK, "--draft", "1", "--acceptance", "3"]) == ExitCode.BAD_INPUT
    assert "--acceptance: a step with 1 drafted token emits 2 at most, got 3" in capsys.readouterr().err


def test_the_longest_run_comes_up_to_the_worst_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    """Tests that nothing but picoseconds, rounded apart, lies between what is proved and what the adversary reaches."""
    told = compiled(tmp_path, capsys, "--partition", cut)
    assert run(["simulate", str(tmp_path / "build"), "--trials", "5", "--json"]) == ExitCode.DONE
    seen = json.loads(capsys.readouterr().out)
    assert seen["bound_ns"] == told["proved_worst_ns"]
    assert 0 <= round(1000 * (seen["bound_ns"] - seen["observed_worst_ns"])) <= 2


@pytest.mark.parametrize(
    "command",
    [("check",), ("bound",), ("simulate", "--trials", "9"), ("simulate", "--reference"), ("simulate", "--frames")],
)
def test_micro_batches_in_flight_pass_every_other_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str, command: tuple[str, ...]
) -> None:
    """Tests three at once: three times the tokens of a step that is a few deskews and waits longer."""
    told = compiled(tmp_path, capsys, "--partition", cut, "--in-flight", "3")
    assert (told["in_flight"], told["assumed_high_ns"]) == (3, 0)
    assert told["tokens_per_s"] == pytest.approx(2 * 3e9 / told["step_ns"], rel=1e-6)
    assert told["step_ns"] == pytest.approx(told["proved_ns"] + told["waiting_ns"])
    assert told["period_cycles"] * told["windows"] >= told["makespan_cycles"]
    assert {load["kind"] for load in told["loads"]} == {"link", "unit"}
    assert run([command[0], str(tmp_path / "build"), *command[1:], "--json"]) == ExitCode.DONE


def test_the_period_is_weighed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str) -> None:
    """Tests two at once: of all periods that were tried the one with the least worst case was built, and is drawn.

    A deskew lies in each period, with the guards of just the time to the next one or a little more.
    """
    told = compiled(tmp_path, capsys, "--partition", cut, "--in-flight", "2")
    deskews = told["deskews"]
    assert (deskews["count"], deskews["interval_cycles"]) == (
        told["windows"],
        told["period_cycles"] - deskews["stall_cycles"],
    )
    assert len(deskews["tried"]) > 1
    assert min(one["worst_case_ns"] for one in deskews["tried"]) == told["step_high_ns"]
    assert all(one["windows"] >= 2 for one in deskews["tried"])
    picture = tmp_path / "a.png"
    assert run(["bound", str(tmp_path / "build"), "--png", str(picture)]) == ExitCode.DONE
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_more_in_flight_than_windows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str) -> None:
    """Tests a thousand on eight chips, with how many fit and what limits them."""
    model = toy_model(tmp_path, **HEADS)
    arguments = ["compile", model, "tsp-node", "-o", str(tmp_path / "b"), *QUICK, "--partition", cut]
    assert run([*arguments, "--in-flight", "1000"]) == ExitCode.NOTHING_FOUND
    out = capsys.readouterr()
    assert "1000 micro-batches in flight, and " in out.out + out.err
    assert "windows a step; the limit is" in out.out + out.err
    assert not (tmp_path / "b").exists()

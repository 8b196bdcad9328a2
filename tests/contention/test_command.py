"""Tests of ``lpxsched contend`` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.writer import write_build
from tests.contention.test_steps import both, collective
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a toy model with two layers."""
    write_build(tmp_path / "build", compiled(tmp_path, num_hidden_layers=2))
    return tmp_path / "build"


def told(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Return the object that is printed."""
    capsys.readouterr()
    assert run(["contend", str(folder), "--steps", "20", *options, "--json"]) == ExitCode.DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_tails_and_the_timetable_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that quantiles are in order, and that what lies outside is apart."""
    found = told(folder, capsys)
    quantiles = [found[name] for name in ("p50_ns", "p99_ns", "p999_ns", "largest_ns")]
    assert quantiles == sorted(quantiles)
    # Of 20 fair coins fewer than six show heads with 2.1 %, fewer than seven with 5.8 %: ranks 6 and 15.
    low, high = found["intervals"]["p50_ns"]
    assert low < found["p50_ns"] < high
    # All of 20 lie below the 99th percentile with 82 %, fewer than 19 with 1.7 %.
    assert found["intervals"]["p999_ns"][1] is None
    assert found["p50_ns"] < found["intervals"]["p99_ns"][0] <= found["largest_ns"]
    # On demand segments follow each other at once.
    assert 0 < found["nominal_ns"] <= found["segments_worst_ns"] == found["proved_worst_ns"]
    assert found["assumed_low_ns"] <= found["assumed_ns"] <= found["assumed_high_ns"]
    assert "round" not in found
    assert run(["contend", str(folder), "--steps", "20"]) == ExitCode.DONE
    assert "with 95 % from .. to" in capsys.readouterr().out


def test_parts_of_a_queue_are_those_worked_out_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a gather of 30 on a line of three, without start-up: chip 0's vectors come to a link that is busy.

    They come from cycle 11 on, chip 1's own hold the link until 30: each waits 19 cycles, and the last one is there at
    70. What is left are 30 cycles to send, 10 on the way, 1 and 10 for the second hop.
    """
    collective(tmp_path, "gather", both((0, 1), (1, 2)), "--vectors", "30", "--root", "2")
    found = told(tmp_path / "build", capsys, "--runtime", "none")
    assert found["mean_ns"] == 70
    # One segment is the whole step: no column of its own.
    assert run(["contend", str(tmp_path / "build"), "--steps", "2"]) == ExitCode.DONE
    assert "over nominal\n" in capsys.readouterr().out
    assert found["parts"] == {"operators and wires": 51, "start-up": 0, "barrier": 0, "queueing": 19}


def test_start_ups_apart_are_barrier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests an all-gather of two chips, whose start-ups differ: the step ends a hop after the later one.

    Wires take 4 cycles, 0.2 for four headers of 16 bytes, and 10 on the way; the earlier start-up, below 1 us in most
    steps, and how much later the other one comes are the rest. Without start-up nothing is.
    """
    collective(tmp_path, "all-gather", both((0, 1)), "--vectors", "4")
    found, quiet = (told(tmp_path / "build", capsys, "--runtime", name) for name in ("device", "none"))
    parts = found["parts"]
    assert parts["operators and wires"] == pytest.approx(14.2, abs=0.01)
    assert parts["queueing"] == 0
    assert 500 < parts["start-up"] < 1000
    assert 100 < parts["barrier"] < 800
    assert quiet["parts"] == {"operators and wires": 14, "start-up": 0, "barrier": 0, "queueing": 0}


def test_micro_batches_in_flight_are_told_with_whole_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the keys of rounds, in text too, and that no step within the fabric is longer than the whole of it."""
    write_build(tmp_path / "build", compiled(tmp_path, num_hidden_layers=1, in_flight=3, clock="none"))
    found = told(tmp_path / "build", capsys)
    whole = found["round"]
    assert found["in_flight"] == 3
    assert found["intervals"] == {}
    assert found["largest_ns"] < whole["p50_ns"] <= whole["largest_ns"]
    assert found["step_ns"] <= found["longest_step_ns"]
    # Windows are waited for besides.
    assert found["segments_worst_ns"] < found["proved_worst_ns"]
    assert run(["contend", str(tmp_path / "build"), "--steps", "20"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "a whole step of one of 3 micro-batches in flight" in printed
    assert "segments worst" in printed
    assert f"included, {found['proved_worst_ns'] / 1000:,.3f} us" in printed.replace("\n", " ")
    # Steps that follow each other are not independent: no interval, and no column of nothing.
    assert "95 %" not in printed
    assert f"arbitrated, p50 {whole['p50_ns'] / 1000:,.3f} us" in printed.replace("\n", " ")


def test_a_whole_model_in_flight_has_no_servers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two micro-batches of which mixers on GPUs serve none: all of a step is within the fabric."""
    heads = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 32, "vocab_size": 512}
    where = {"attention": "lpu", "context": 64, "batch": 2, "partition": "auto", "in_flight": 2}
    write_build(tmp_path / "build", compiled(tmp_path, num_hidden_layers=1, **where, **heads))
    found = told(tmp_path / "build", capsys)
    assert found["in_flight"] == 2
    assert found["round"]["p50_ns"] > 0


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


def test_tokens_are_refused_where_they_meet_no_experts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a collective, given the default too; a build with experts takes either."""
    collective(tmp_path, "all-gather", both((0, 1)), "--vectors", "4")
    capsys.readouterr()
    assert run(["contend", str(tmp_path / "build"), "--tokens", "uniform"]) == ExitCode.BAD_INPUT
    assert capsys.readouterr().err == "--tokens: the build has no routed experts that tokens could meet; leave it out\n"

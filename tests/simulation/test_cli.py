"""Tests of ``lpxsched simulate``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.cli.simulate import usual_trials
from lpxsched.errors import ExitCode
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build

if TYPE_CHECKING:
    from pathlib import Path

WORSE = """\
name: worse
offset_ppm: 50000
residual_ns: 0
jitter_peak_to_peak_ns: 0
crossing_cycles: 0
temperature_ns: 0
hac_period_cycles: 252
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Return a build folder of the two-chip build."""
    build = two_chip_build()
    write_build(tmp_path / "build", build)
    return str(tmp_path / "build")


def test_json_is_one_object(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a build which holds gives exit code 0 and one object on stdout, nothing elsewhere."""
    assert run(["simulate", folder, "--trials", "10", "--json"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["trials"], result["violations"], result["clock"]) == (10, 0, "example")
    assert err == ""


@pytest.mark.parametrize(("vectors", "trials"), [(1, 1000), (250_000, 1000), (500_000, 500), (10**7, 100)])
def test_large_builds_run_fewer_times(vectors: int, trials: int) -> None:
    """Tests eight slots: 2e9 vectors move in all, 8 x 500,000 of them 500 times; never less than 100 runs."""
    build = two_chip_build()
    slots = replace(build.slots, vectors=np.full(len(build.slots), vectors))
    assert len(slots) == 8
    assert usual_trials(replace(build, slots=slots)) == trials


def test_text_tells_slack_and_latency(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the summary for people names what was seen and what is proven."""
    assert run(["simulate", folder, "--trials", "10"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "0.982 cycles is the proven bound of every run" in out
    assert "128.0 ns on perfect clocks" in out


def test_a_worse_clock_ends_with_exit_code_5(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that --clock takes a file, and that late vectors are a failed verification with a result."""
    clock = tmp_path / "worse.yaml"
    clock.write_text(WORSE)
    arguments = ["simulate", folder, "--clock", str(clock), "--trials", "10", "--json"]
    assert run(arguments) == ExitCode.VERIFICATION_FAILED
    result = json.loads(capsys.readouterr().out)
    assert result["clock"] == "worse"
    assert result["violations"] > 0


def test_trials_and_reference_tell_the_same(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests 1,000 ppm, of which no run shows anything: chips may disagree by 1.8 + 2e-3 x 126, the stall is 2."""
    clock = tmp_path / "stalls.yaml"
    clock.write_text(WORSE.replace("50000", "1000").replace("residual_ns: 0", "residual_ns: 0.9"))
    for choices in (["--trials", "10"], ["--reference"]):
        assert run(["simulate", folder, "--clock", str(clock), *choices]) == ExitCode.VERIFICATION_FAILED
        out = " ".join(capsys.readouterr().out.split())
        assert "FAILED" in out
        assert "no run showed it; proven: clocks may disagree by more than the stall of a deskew (chips 1 and 0" in out
        assert run(["simulate", folder, "--clock", str(clock), *choices, "--json"]) == ExitCode.VERIFICATION_FAILED
        result = json.loads(capsys.readouterr().out)
        assert (result["violations"], result["proven_spare_stall_cycles"]) == (0, -0.052)
        assert result["proven_failure"]["chips"] == [1, 0]


def test_what_failed_first_is_named_beside_what_is_proved(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests 5 %: 12.6 cycles in 126 that no stall of 2 covers, and vectors that some trial shows to be late."""
    clock = tmp_path / "worse.yaml"
    clock.write_text(WORSE)
    assert run(["simulate", folder, "--clock", str(clock), "--trials", "10"]) == ExitCode.VERIFICATION_FAILED
    _, _, verdict = " ".join(capsys.readouterr().out.split()).partition(" FAILED ")
    assert "shown: late: slot " in verdict
    assert "; proven: clocks may disagree by more than the stall" in verdict


@pytest.mark.parametrize("arguments", [["--trials", "0"], ["--seed", "-1"], ["--clock", "sundial"], ["--speed", "1"]])
def test_bad_options_are_refused(folder: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a bad option gives one line on stderr, nothing on stdout and exit code 2."""
    assert run(["simulate", folder, *arguments]) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the missing file is named."""
    assert run(["simulate", str(tmp_path)]) == ExitCode.BAD_INPUT
    assert "manifest.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize("idle", [("--clock", "none"), ("--trials", "3"), ("--reference",)])
def test_frames_refuse_what_clocks_are_run_with(
    folder: str, capsys: pytest.CaptureFixture[str], idle: tuple[str, ...]
) -> None:
    """Tests that the option is named, in one line, and nothing runs."""
    assert run(["simulate", folder, "--frames", *idle]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.err == f"lpxsched simulate: --frames runs delays, on no clock; leave out {idle[0]}\n"

"""Tests of ``lpxsched sensitivity`` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.exploring.sensitivity.certain import certain_options
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_sensitivity_tells_table_json_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the keys of a script, every assumption that has a tag, and a picture."""
    options, picture = certain_options(tmp_path, ("one_way_ns", "fixed_ns", "matrix_fixed_cycles")), tmp_path / "s.png"
    files = [f"--{kind}={getattr(options, kind)}" for kind in ("clock", "gpus", "handover")]
    command = ["sensitivity", options.model, options.topology, *files, "--partition", "whole", "--png", str(picture)]
    assert run([*command, "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"middle", "assumptions", "without_range", "seconds"}
    # On wires of 2,000 ns some cycles of a matrix unit are the least.
    names = [one["name"] for one in told["assumptions"]]
    assert names == ["handover.one_way_ns", "gpus.fixed_ns", "chip.matrix_fixed_cycles"]
    assert [len(one["ends"]) for one in told["assumptions"]] == [2, 2, 2]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_model_that_does_not_fit_is_told_as_by_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the exit code, the object and the line; no picture is written."""
    model, picture = toy_model(tmp_path, num_hidden_layers=100, intermediate_size=80_000), tmp_path / "s.png"
    command = ["sensitivity", model, "tsp-node", "--json", "--png", str(picture)]
    assert run(command) == ExitCode.INFEASIBLE
    printed = capsys.readouterr()
    assert json.loads(printed.out)["status"] == "infeasible"
    assert "infeasible: 100 layers" in printed.err
    assert not picture.exists()

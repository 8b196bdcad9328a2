"""Tests of the lists of what is shipped."""

from __future__ import annotations

import json

import pytest

from lpxsched.cli.main import run


@pytest.mark.parametrize(("command", "name"), [("topologies", "lpx-rack"), ("clocks", "xo-100ppm")])
def test_shipped_names_are_listed(command: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that names stand one a line, and as one JSON object with --json."""
    assert run([command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert name in lines
    assert run([command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {command: lines}

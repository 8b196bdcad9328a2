"""Tests that every command of the tutorial does what the tutorial says, one after the other in one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
START = "uv run lpxsched "
# What names the line of a table: all before its first figure, unless it is in another column.
NAME = re.compile(r"[A-Za-z/]+[0-9]*(?: [a-zA-Z/]+)*")


def steps(text: str) -> list[tuple[list[str], list[str]]]:
    """Return each command of a text, but for what only shows the way on, with the lines of output shown behind it."""
    found: list[tuple[list[str], list[str]]] = []
    for line in re.findall(r"^ {4}(.+)$", text[: text.index("## From here")], flags=re.MULTILINE):
        if line.startswith(START):
            found.append((shlex.split(line.removeprefix(START)), []))
        else:
            found[-1][1].append(line)
    return found


def test_the_commands_do_what_the_tutorial_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that each ends well and prints a line with the name of each line shown, and that all files are there."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    (config,) = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-model" / "config.json").write_text(config)
    commands = steps(text)
    assert [command[0] for command, _ in commands] == [
        *("model", "topology", "compile", "check", "replay", "simulate", "report", "report"),
        *("compile", "report", "report", "compile", "simulate", "export"),
    ]
    for command, shown in commands:
        assert run(command) == ExitCode.DONE, command
        printed = capsys.readouterr().out.splitlines()
        for line in shown:
            name = NAME.match(line)
            assert name, line
            assert any(told.startswith(name.group()) for told in printed), line
    written = {"page.html", "difference.html", "trace.pftrace", "wave.vcd", "slots.csv", "picture.png"}
    assert all((tmp_path / name).stat().st_size > 1000 for name in written)


def test_lines_shown_belong_to_the_command_before_them() -> None:
    """Tests the test: two commands, of which the second has two lines, and what comes later is not run."""
    text = f"    {START}a b\n\nSaid.\n\n    {START}c 'd e'\n\n    one  1\n    two  2\n\n## From here\n\n    {START}f\n"
    assert steps(text) == [(["a", "b"], []), (["c", "d e"], ["one  1", "two  2"])]

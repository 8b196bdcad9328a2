"""Tests of the files that commands write beside a build: how names must end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from lpxsched.cli.files import ENDINGS, output_targets
from lpxsched.cli.main import COMMANDS, app, run
from lpxsched.errors import ExitCode, InputError
from lpxsched.timetable.writer import write_build
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from pathlib import Path

# What comes before the options; no folder need be there, since names are read first.
BEFORE = {
    "topology": ["ring-8"],
    "compile": ["gpt-oss-20b", "lpx-rack"],
    "sweep": ["gpt-oss-20b", "lpx-rack"],
    "sensitivity": ["gpt-oss-20b", "lpx-rack"],
    "session": ["coding", "nowhere"],
}
# Of these -o is a folder.
FOLDERS = {"compile", "collective", "reschedule"}


def files_written() -> list[tuple[str, str]]:
    """Return command and option of every file that a command writes."""
    context, found = click.Context(app), []
    for name in COMMANDS:
        for option in getattr(app.get_command(context, name), "params", ()):
            if option.name in ENDINGS or (option.name == "output" and name not in FOLDERS):
                found.append((name, option.opts[-1]))
    return found


@pytest.mark.parametrize(("command", "option"), files_written())
@pytest.mark.parametrize("name", ["a.txt", "a", "png", "a.png.gz"])
def test_no_command_writes_a_format_under_a_wrong_name(
    command: str, option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests each file of each command: one line with file and option, exit code 2, nothing written."""
    assert run([command, *BEFORE.get(command, ["nowhere"]), option, str(tmp_path / name)]) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{name}: {option}: must end in ." in err
    assert list(tmp_path.iterdir()) == []


def test_all_files_of_the_program_are_tried() -> None:
    """Tests that pictures of seven commands are among them, the other exports, a page, a table and a mapping."""
    found = files_written()
    assert {name for name, option in found if option == "--png"} == {
        "topology",
        "bound",
        "export",
        "sweep",
        "sensitivity",
        "contend",
        "session",
    }
    assert {option for _, option in found} == {
        "--png",
        "--svg",
        "--csv",
        "--vcd",
        "--perfetto",
        "--output",
        "--write-partition",
    }


@pytest.mark.parametrize(("name", "ending"), [(name, ending) for name, all_of in ENDINGS.items() for ending in all_of])
def test_every_ending_that_is_told_is_taken(name: str, ending: str, tmp_path: Path) -> None:
    """Tests each, in capitals too."""
    for path in (tmp_path / f"a{ending}", tmp_path / f"a{ending.upper()}"):
        assert output_targets({"png": None, name: path}) == {name: path}


def test_a_file_inside_a_build_is_refused(tmp_path: Path) -> None:
    """Tests a picture inside the folder that it is of."""
    with pytest.raises(InputError, match="lies inside the build folder"):
        output_targets({"png": tmp_path / "a.png"}, [tmp_path])


def test_nothing_is_written_into_any_build(tmp_path: Path) -> None:
    """Tests a build that the command does not read."""
    write_build(tmp_path / "build", build_of(LAID["gather"]))
    with pytest.raises(InputError, match="lies inside the build folder"):
        output_targets({"table": tmp_path / "build" / "a.csv"})

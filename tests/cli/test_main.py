"""Tests of the program: commands, exit codes, one line for every fault."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lpxsched.cli import main
from lpxsched.cli.main import COMMANDS, run
from lpxsched.errors import ExitCode, InfeasibleError, InputError, NothingFoundError


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_there_for_the_program_and_each_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that help is printed on stdout; click calls a program without a command bad usage."""
    code = run(arguments)
    printed = capsys.readouterr()
    assert code == (ExitCode.DONE if arguments else ExitCode.BAD_INPUT)
    # Help keeps its lines on either stream.
    text = printed.out if arguments else printed.err
    assert text.startswith("Usage: lpxsched")
    assert text.count("\n") > 5


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that each command stands in the overview with its line."""
    run(["--help"])
    overview = capsys.readouterr().out
    assert all(name in overview for name in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    """Tests that the overview needs none of the packages that take long to import."""
    heavy = ["ortools", "numba", "matplotlib", "pyarrow", "networkx", "numpy", "pydantic"]
    code = f"""
import sys
from lpxsched.cli.main import run
run(["--help"])
print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compil"], ["No such command 'compil'; did you mean compile?"]),
        (["compile"], ["Missing argument", "MODEL"]),
        (["compile", "gpt-oss-120b"], ["Missing argument", "TOPOLOGY"]),
        (
            ["compile", "gpt-oss-120b", "lpx-rack", "--batch", "0"],
            ["--batch", "'0' is no whole number from 1 to 1,000,000"],
        ),
        (
            ["compile", "gpt-oss-120b", "lpx-rack", "--batch", "x"],
            ["--batch", "'x' is no whole number from 1 to 1,000,000"],
        ),
        (["compile", "gpt-oss-120b", "lpx-rack", "--effort", "0"], ["--effort", "from 1 to 40"]),
        (
            ["compile", "gpt-oss-120b", "lpx-rack", "--context", "-1"],
            ["--context", "'-1' is no whole number from 1 to"],
        ),
        (["simulate", "out", "--trials", "many"], ["--trials", "'many' is no whole number from 1 to 1,000,000"]),
        (["compile", "gpt-oss-120b", "lpx-rack", "--weights", "fp7"], ["--weights", "'fp7'", "mxfp4"]),
        (["compile", "gpt-oss-120b", "lpx-rack", "--attention", "tpu"], ["--attention", "'gpu', 'lpu'"]),
        (["compile", "gpt-oss-120b", "lpx-rack", "--bacth", "8"], ["No such option", "--batch"]),
        (["compile", "gpt-oss-12b", "lpx-rack"], ["gpt-oss-12b", "no model", "gpt-oss-120b"]),
        (["compile", "gpt-oss-120b", "lpx-rakc"], ["lpx-rakc", "no topology", "lpx-rack"]),
        (["compile", "gpt-oss-120b", "lpx-rack", "--clock", "xo"], ["xo", "no clock"]),
        (["check", "nowhere"], ["nowhere", "no such folder"]),
        (["simulate", "nowhere"], ["nowhere", "no such folder"]),
        (["check", __file__], ["test_main.py", "is a file, name the folder of a build"]),
        (["report", "nowhere"], ["nowhere", "no such folder"]),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that a wrong command, option, name or folder is told in one line that says what would be right."""
    assert run(arguments) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert all(word in printed.err for word in words)


def caused_by(cause: BaseException, fault: BaseException) -> BaseException:
    """Return a fault with its cause."""
    fault.__cause__ = cause
    return fault


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (InputError("a.yaml", "is wrong\nin two lines", key="x", line=3, column=4), ExitCode.BAD_INPUT),
        (InfeasibleError("too large"), ExitCode.INFEASIBLE),
        (NothingFoundError("effort 1"), ExitCode.NOTHING_FOUND),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        # What a compiled module says that was interrupted while it was loaded.
        (caused_by(KeyboardInterrupt(), ImportError("initialization failed")), ExitCode.INTERRUPTED),
        (caused_by(OSError(), ImportError("no such file")), ExitCode.BUG),
        (ZeroDivisionError("ours"), ExitCode.BUG),
    ],
)
def test_each_fault_has_its_exit_code_and_one_line(
    fault: BaseException, code: ExitCode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that no fault, not even our own, reaches a user as a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(main.app, "main", fail)
    monkeypatch.delenv("LPXSCHED_DEBUG", raising=False)
    assert run(["topologies"]) == code
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err


def test_our_own_faults_are_shown_whole_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that LPXSCHED_DEBUG lets an internal error through."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main.app, "main", fail)
    monkeypatch.setenv("LPXSCHED_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["topologies"])

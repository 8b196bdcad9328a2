"""Tests of ``export --programs``, ``replay --programs`` and ``disassemble`` as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.writer import write_build
from tests.builds import signed
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an all-reduce."""
    write_build(tmp_path / "build", build_of(LAID["all-reduce"]))
    return tmp_path / "build"


def exported(folder: Path) -> Path:
    """Return the folder of its programs."""
    out = folder.parent / "programs"
    assert run(["export", str(folder), "--programs", str(out)]) == ExitCode.DONE
    return out


def test_programs_are_written_run_and_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the text beside is what the disassembler prints, that numbers come out, and that bytes are equal."""
    out = exported(folder)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert sorted(first) == sorted(f"node-000{node}.{kind}" for node in range(3) for kind in ("lpx", "txt"))
    capsys.readouterr()
    assert run(["disassemble", str(out / "node-0001.lpx")]) == ExitCode.DONE
    assert capsys.readouterr().out.encode() == first["node-0001.txt"]
    assert run(["replay", str(folder), "--programs", str(out), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert told["compared"] > told["mismatches"] == 0
    exported(folder)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_the_reference_runs_programs_as_it_runs_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that what clocks show of programs is what they show of the timetable, with numbers besides."""
    out = exported(folder)
    capsys.readouterr()
    arguments = ["simulate", str(folder), "--reference", "--trials", "2", "--json"]
    assert run(arguments) == ExitCode.DONE
    rows = json.loads(capsys.readouterr().out)
    assert run([*arguments, "--programs", str(out)]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in rows} == rows
    # Two runs, in each of which three chips read three vectors.
    assert (told["compared"], told["mismatches"], told["differences"]) == (2 * 3 * 3, 0, 0)


def test_a_replay_of_programs_is_one_run_of_the_reference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that both commands tell the same: all instructions, among them two sends from each chip to each other."""
    out = str(exported(folder))
    commands = ["replay", str(folder)], ["simulate", str(folder), "--reference"]
    for more in ([], ["--json"]):
        capsys.readouterr()
        told = []
        for command in commands:
            assert run([*command, "--programs", out, *more]) == ExitCode.DONE
            told.append(capsys.readouterr().out)
        assert told[0] == told[1]
        assert ("0 instructions and rows differ" in told[0]) == (not more)
    # A share is a vector: it goes to who adds it, and its sum comes back.
    assert json.loads(told[0])["instructions"]["SEND"] == 2 * 3 * 2


def test_programs_of_another_build_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a build whose last delivery starts 3 cycles earlier: its programs are sound, but not those of this one."""
    out, build = exported(folder), build_of(LAID["all-reduce"])
    build.operators.start[5] += 3
    write_build(folder.parent / "later", signed(build))
    capsys.readouterr()
    arguments = ["simulate", str(folder.parent / "later"), "--reference", "--programs", str(out), "--json"]
    assert run(arguments) == ExitCode.VERIFICATION_FAILED
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["failures"], told["mismatches"], told["differences"]) == (False, [], 0, 2)


def test_programs_that_do_not_run_are_told_in_few_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests programs of an all-reduce on an all-gather of four chips: each of them reads what no shard sees there."""
    out, other = exported(folder), str(folder.parent / "other")
    write_build(folder.parent / "other", build_of(LAID["all-gather"]))
    capsys.readouterr()
    assert run(["replay", other, "--programs", str(out)]) == ExitCode.VERIFICATION_FAILED
    told = capsys.readouterr().out
    assert "not run; lpxsched export --programs writes those of this build" in told
    assert told.count("COMPUTE in cycle") <= 2
    assert "more fault" in told


def test_programs_need_the_reference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests one line that says which flag is missing, or too many."""
    out = str(exported(folder))
    for more in ([], ["--reference", "--frames"]):
        assert run(["simulate", str(folder), "--programs", out, *more]) == ExitCode.BAD_INPUT
        assert "add --reference, without --frames" in capsys.readouterr().err


def test_the_text_names_units_cycles_and_addresses(folder: Path) -> None:
    """Tests the first lines of a chip that sends two vectors of its own."""
    lines = (exported(folder) / "node-0000.txt").read_text().splitlines()
    assert lines[0] == "node 0 at 0.0, vectors of 320 bytes"
    assert "segment 0, on demand, unit control" in lines
    assert any("SEND [" in line and "@0x" in line for line in lines)


def test_nothing_else_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a folder of somebody's, a build, and a place inside one."""
    mine = folder.parent / "mine"
    mine.mkdir()
    (mine / "notes").write_text("mine")
    for target, said in ((mine, "is not a folder of programs"), (folder, "lies inside"), (folder / "p", "lies inside")):
        assert run(["export", str(folder), "--programs", str(target)]) == ExitCode.BAD_INPUT
        assert said in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == ["notes"]


def test_what_is_no_program_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a file that is cut, a text, a missing file, a folder without programs and one that is not there."""
    out = exported(folder)
    capsys.readouterr()
    whole = (out / "node-0000.lpx").read_bytes()
    (out / "node-0000.lpx").write_bytes(whole[: len(whole) // 2])
    wrong = (out / "node-0000.lpx", out / "node-0000.txt", out / "none.lpx", out)
    for path in wrong:
        assert run(["disassemble", str(path)]) == ExitCode.BAD_INPUT
        assert path.name in capsys.readouterr().err
    assert run(["replay", str(folder), "--programs", str(out)]) == ExitCode.BAD_INPUT
    assert run(["replay", str(folder), "--programs", str(folder)]) == ExitCode.BAD_INPUT
    assert "holds no .lpx files" in capsys.readouterr().err
    assert run(["replay", str(folder), "--programs", str(out / "none")]) == ExitCode.BAD_INPUT
    assert f"{out / 'none'}: no such folder" in capsys.readouterr().err


def test_a_build_that_breaks_a_rule_has_no_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests an all-reduce whose first vector is read before it can be there."""
    build = build_of(LAID["all-reduce"])
    build.slots.read[0] = 0
    write_build(tmp_path / "build", signed(build))
    assert run(["export", str(tmp_path / "build"), "--programs", str(tmp_path / "out")]) == ExitCode.VERIFICATION_FAILED
    assert "R8" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_programs_alone_refuse_a_selection(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that --layers and --cycles, which nothing would use, are named, and nothing is written."""
    out = folder.parent / "programs"
    arguments = ["export", str(folder), "--programs", str(out), "--layers", "0:1", "--cycles", "0:9"]
    assert run(arguments) == ExitCode.BAD_INPUT
    told = "lpxsched export: --programs writes whole programs of all chips; leave out --layers and --cycles\n"
    assert capsys.readouterr().err == told
    assert not out.exists()

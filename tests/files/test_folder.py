"""Tests of writing a build folder: in one step, never over anything else, and nothing is left behind."""

from __future__ import annotations

import errno
import fcntl
import filecmp
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.files import folder
from lpxsched.timetable.reader import FILES, read_build
from lpxsched.timetable.writer import refuse_foreign_folder, write_build
from tests.builds import two_chip_build
from tests.files.folders import names, other_build
from tests.timetable.tables import same_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def refused(target: Path) -> str:
    """Return why a target is refused, by the question alone and by the writer, both in one line."""
    with pytest.raises(InputError) as asked:
        refuse_foreign_folder(target)
    with pytest.raises(InputError) as written:
        write_build(target, two_chip_build())
    assert str(asked.value) == str(written.value)
    assert len(str(written.value).splitlines()) == 1
    assert written.value.where == str(target)
    return written.value.problem


# What is refused.


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    """Tests that it stays as it was, and that nothing appears beside it."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    assert refused(tmp_path / "thesis") == "exists and is not a build folder; name another or remove it"
    assert names(tmp_path) == ["thesis"]
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", FILES)
def test_a_folder_that_lacks_one_file_is_no_build(tmp_path: Path, name: str) -> None:
    """Tests that nine of the ten files do not make a build."""
    write_build(tmp_path / "out", two_chip_build())
    (tmp_path / "out" / name).unlink()
    assert refused(tmp_path / "out") == "exists and is not a build folder; name another or remove it"
    assert names(tmp_path / "out") == sorted(set(FILES) - {name})


@pytest.mark.parametrize("name", ["report.html", ".git", "zzz"])
def test_a_build_folder_with_something_of_the_users_in_it_is_refused(tmp_path: Path, name: str) -> None:
    """Tests that a file that somebody put into a build is not thrown away with the build."""
    write_build(tmp_path / "out", two_chip_build())
    (tmp_path / "out" / name).write_text("mine")
    problem = f"holds {name}, which is no part of a build folder; move that away or name another folder"
    assert refused(tmp_path / "out") == problem
    assert (tmp_path / "out" / name).read_text() == "mine"


def test_a_file_is_refused(tmp_path: Path) -> None:
    """Tests a file, and a folder below a file; both before anything is computed or made."""
    (tmp_path / "out").write_text("mine")
    assert refused(tmp_path / "out") == "is a file; name a folder"
    assert refused(tmp_path / "out" / "a" / "b") == f"{tmp_path / 'out'} is a file; name another folder"
    assert (tmp_path / "out").read_text() == "mine"
    assert names(tmp_path) == ["out"]


def test_a_broken_link_is_refused(tmp_path: Path) -> None:
    """Tests that what a link would have pointed at is not made."""
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    assert refused(tmp_path / "out") == "is a broken link; name another folder"
    assert names(tmp_path) == ["out"]


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    """Tests a link to itself, as target and above it."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for target in (tmp_path / "loop", tmp_path / "loop" / "out"):
        assert "link" in refused(target)
    assert names(tmp_path) == ["loop"]


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_the_disk_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    """Tests a name that is too long, and one that no file can have."""
    assert refused(tmp_path / name).startswith("cannot be read: ")
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a folder whose names are hidden counts as foreign."""

    def refuse(_: Path) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert refused(tmp_path / "out") == "cannot be read: Permission denied"


# What is taken.


def test_a_new_folder_is_written_with_all_above_it(tmp_path: Path) -> None:
    """Tests that parents are made, and that the ten files are all there is."""
    write_build(tmp_path / "a" / "b" / "out", two_chip_build())
    assert names(tmp_path / "a" / "b") == ["out"]
    assert names(tmp_path / "a" / "b" / "out") == sorted(FILES)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """Tests that a folder somebody made for the build is used."""
    (tmp_path / "out").mkdir()
    write_build(tmp_path / "out", two_chip_build())
    assert same_build(read_build(tmp_path / "out"), two_chip_build())
    assert names(tmp_path) == ["out"]


def test_an_older_build_is_replaced(tmp_path: Path) -> None:
    """Tests that the new build is wholly there and the old one gone."""
    write_build(tmp_path / "out", two_chip_build())
    write_build(tmp_path / "out", other_build())
    assert same_build(read_build(tmp_path / "out"), other_build())
    assert names(tmp_path) == ["out"]


def test_a_damaged_build_is_replaced(tmp_path: Path) -> None:
    """Tests that a build whose files cannot be read any more is still a build."""
    write_build(tmp_path / "out", two_chip_build())
    (tmp_path / "out" / "manifest.json").write_text("")
    write_build(tmp_path / "out", two_chip_build())
    assert same_build(read_build(tmp_path / "out"), two_chip_build())


@pytest.mark.parametrize("target", ["out", "./out", "out/", "x/../out", "below/../out", "out/."])
def test_a_relative_target_is_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """Tests relative names, with a slash at the end and through folders that are there or not."""
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    for build in (two_chip_build(), other_build()):
        write_build(Path(target), build)
        assert same_build(read_build(tmp_path / "out"), build)
    assert names(tmp_path) == ["out", "x"]


def test_the_folder_where_the_user_stands_can_be_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the target ``.``, empty at first and a build then."""
    (tmp_path / "here").mkdir()
    for build in (two_chip_build(), other_build()):
        monkeypatch.chdir(tmp_path / "here")
        write_build(Path(), build)
        assert same_build(read_build(tmp_path / "here"), build)
        assert names(tmp_path) == ["here"]


def test_a_link_to_a_build_stays_a_link(tmp_path: Path) -> None:
    """Tests that the folder behind the link is exchanged, beside which the new one was written."""
    write_build(tmp_path / "far" / "real", two_chip_build())
    (tmp_path / "out").symlink_to(tmp_path / "far" / "real")
    write_build(tmp_path / "out", other_build())
    assert (tmp_path / "out").is_symlink()
    assert same_build(read_build(tmp_path / "far" / "real"), other_build())
    assert (names(tmp_path), names(tmp_path / "far")) == (["far", "out"], ["real"])


@pytest.mark.parametrize("name", ["out[1]", "*", "a b", "naïve", "\udcff", "-o", ".hidden"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    """Tests names with a meaning to a shell, an option or an encoding, and that their leftovers are found."""
    (tmp_path / f".{name}.1.lpxsched").mkdir()
    for build in (two_chip_build(), other_build()):
        write_build(tmp_path / name, build)
        assert same_build(read_build(tmp_path / name), build)
    assert names(tmp_path) == [name]


def test_equal_builds_are_equal_bytes(tmp_path: Path, small_build: Build) -> None:
    """Tests two writes of one build, a new one and one over another."""
    write_build(tmp_path / "one", small_build)
    write_build(tmp_path / "two", two_chip_build())
    write_build(tmp_path / "two", small_build)
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "two", FILES, shallow=False) == (list(FILES), [], [])


# What killed runs left.


def test_leftovers_of_killed_runs_are_removed(tmp_path: Path) -> None:
    """Tests that a hidden folder that nobody locks goes with the next write, and with all that is in it."""
    leftover = tmp_path / ".out.123.lpxsched"
    leftover.mkdir()
    (leftover / "timetable.parquet").write_text("half")
    own = tmp_path / f".out.{os.getpid()}.lpxsched"
    own.mkdir()
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == ["out"]


def test_the_folder_of_a_live_run_stays(tmp_path: Path) -> None:
    """Tests that a hidden folder that is locked is left alone."""
    live = tmp_path / ".out.123.lpxsched"
    live.mkdir()
    (live / "timetable.parquet").write_text("half")
    descriptor = os.open(live, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == [".out.123.lpxsched", "out"]
    assert (live / "timetable.parquet").read_text() == "half"
    os.close(descriptor)
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == ["out"]


def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    """Tests other targets' folders, names without a process number, a file, and a link to somebody's folder."""
    (tmp_path / "precious").mkdir()
    for name in (
        ".out2.1.lpxsched",
        ".out.final.lpxsched",
        ".out.a.1.lpxsched",
        ".out.1.lpxsched.old",
        "out.1.lpxsched",
    ):
        (tmp_path / name).mkdir()
    (tmp_path / ".out.7.lpxsched").write_text("a file")
    (tmp_path / ".out.8.lpxsched").symlink_to(tmp_path / "precious")
    before = names(tmp_path)
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == sorted([*before, "out"])


def test_a_leftover_that_cannot_be_removed_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that somebody else's leftover does not keep this build from being written."""

    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    (tmp_path / ".out.1.lpxsched").mkdir()
    monkeypatch.setattr(folder, "_remove_unlocked", refuse)
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == [".out.1.lpxsched", "out"]


@pytest.mark.parametrize("moment", ["before the lock", "before it is opened"])
def test_a_folder_that_another_run_took_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Tests the moment between making the hidden folder and locking it."""
    own = tmp_path / f".out.{os.getpid()}.lpxsched"
    module, name = (fcntl, "flock") if moment == "before the lock" else (os, "open")
    call, removed = getattr(module, name), []

    def remove_first(*arguments: Any) -> Any:
        if own.exists() and not removed:
            own.rmdir()
            removed.append(own)
        return call(*arguments)

    monkeypatch.setattr(module, name, remove_first)
    write_build(tmp_path / "out", two_chip_build())
    assert removed == [own]
    assert same_build(read_build(tmp_path / "out"), two_chip_build())
    assert names(tmp_path) == ["out"]


def test_a_name_that_a_live_run_has_taken_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a leftover that goes between being opened and being locked, its name used anew."""
    leftover, call = tmp_path / ".out.123.lpxsched", fcntl.flock
    leftover.mkdir()
    used = []

    def use_first(*arguments: Any) -> Any:
        if not used:
            leftover.rename(tmp_path / "gone")
            leftover.mkdir()
            used.append(leftover)
        return call(*arguments)

    monkeypatch.setattr(fcntl, "flock", use_first)
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == [".out.123.lpxsched", "gone", "out"]


# What goes wrong.


# What is killed.

"""Tests of folders of builds where a step of writing them fails or is killed."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import random
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.files import folder
from lpxsched.timetable import writer
from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from tests.builds import signed, two_chip_build
from tests.files.folders import failed, names
from tests.timetable.tables import same_build

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.build import Build


def fails_at(number: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails, as on a full disk, when it is called for the n-th time (from 1)."""
    calls = 0

    def failing(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return call(*arguments, **options)

    return failing


@pytest.mark.parametrize("number", range(1, 9))
def test_a_table_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Tests a disk that is full at each of the eight tables: no folder, no parent, no hidden one."""
    monkeypatch.setattr(writer, "write_table", fails_at(number, writer.write_table))
    assert failed(tmp_path / "a" / "b" / "out") == "cannot be written: No space left on device"
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("where", "name"),
    [(Path, "write_bytes"), (os, "fsync"), (Path, "rename"), (folder, "_put_in_place"), (fcntl, "flock")],
    ids=["documents", "flush", "rename", "place", "lock"],
)
def test_any_other_step_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    """Tests every step after the tables, and the lock before them."""
    monkeypatch.setattr(where, name, fails_at(1, getattr(where, name)))
    problem = failed(tmp_path / "a" / "out")
    monkeypatch.undo()
    assert problem == "cannot be written: No space left on device"
    assert names(tmp_path) == []


@pytest.mark.parametrize(("where", "step"), [(writer, "write_table"), (folder, "_flush"), (folder, "_exchange")])
def test_the_old_build_outlives_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, step: str
) -> None:
    """Tests that the old build is whole when the new one cannot be written or put in place."""
    write_build(tmp_path / "out", two_chip_build())
    monkeypatch.setattr(where, step, fails_at(1, getattr(where, step)))
    failed(tmp_path / "out")
    assert same_build(read_build(tmp_path / "out"), two_chip_build())
    assert names(tmp_path) == ["out"]


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests Ctrl-C in the middle: it goes on as such."""

    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "_flush", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_build(tmp_path / "a" / "out", two_chip_build())
    assert names(tmp_path) == []


def test_a_parent_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a read-only disk is one line."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert failed(tmp_path / "a" / "out") == "cannot be written: Read-only file system"
    assert failed(tmp_path / "out") == "cannot be written: Read-only file system"


def test_a_failure_without_words_of_the_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests an error of pyarrow, which has text but no number."""

    def fail(*_: Any) -> None:
        raise OSError("short write")

    monkeypatch.setattr(writer, "write_table", fail)
    assert failed(tmp_path / "out") == "cannot be written: short write"


def test_what_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a folder that somebody fills while the build is written."""

    def meanwhile(_: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "chapter.txt").write_text("years of work")

    monkeypatch.setattr(folder, "_flush", meanwhile)
    assert failed(tmp_path / "out") == "exists and is not a build folder; name another or remove it"
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["chapter.txt"]


class NoExchange:
    """A C library without renameat2, or one that refuses it."""

    def __init__(self, code: int) -> None:
        if code != errno.ENOSYS:
            self.renameat2 = lambda *_: -1


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (errno.ENOSYS, "this system cannot exchange folders atomically; remove the old folder"),
        (errno.EINVAL, "this system cannot exchange folders atomically; remove the old folder"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_system_that_cannot_exchange_folders_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, problem: str
) -> None:
    """Tests an old C library, a file system without the exchange, and any other refusal."""
    write_build(tmp_path / "out", two_chip_build())
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: NoExchange(code))
    monkeypatch.setattr(ctypes, "get_errno", lambda: code)
    assert failed(tmp_path / "out") == f"cannot be written: {problem}"
    assert same_build(read_build(tmp_path / "out"), two_chip_build())
    assert names(tmp_path) == ["out"]


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from lpxsched.timetable.writer import write_build
from tests.files.test_folder_failures import large_build
builds = [large_build(stall) for stall in (2, 3)]
print("ready", flush=True)
while True:
    for build in builds:
        write_build(Path(sys.argv[1]), build)
"""


def large_build(stall: int) -> Build:
    """Return the two-chip build with each slot 20,000 times, and a given stall."""
    build = two_chip_build()
    slots = {field.name: np.repeat(getattr(build.slots, field.name), 20_000) for field in fields(build.slots)}
    deskews = replace(build.deskews, stall=np.full(1, stall))
    return signed(replace(build, slots=type(build.slots)(**slots), deskews=deskews))


def test_a_killed_run_leaves_no_half_build(tmp_path: Path) -> None:
    """Tests four processes that write one build after the other, killed at random moments.

    The target is not there, or is one of the two builds, whole; the next write removes what is left beside it.
    """
    hashes = {large_build(stall).manifest.content_sha256 for stall in (2, 3)}
    dice = random.Random(0)
    for _ in range(4):
        command = [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "out")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            time.sleep(dice.uniform(0, 0.3))
            process.kill()
        if (tmp_path / "out").exists():
            build = read_build(tmp_path / "out")
            assert build.content_sha256() == build.manifest.content_sha256
            assert build.manifest.content_sha256 in hashes
    write_build(tmp_path / "out", two_chip_build())
    assert names(tmp_path) == ["out"]

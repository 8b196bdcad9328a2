"""Commands that are killed, interrupted, or refused by the disk: an old build or a new one is left, whole."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import ExitCode
from lpxsched.timetable.reader import read_sound_build
from tests.attack.preloaded import run_quietly
from tests.toy import toy_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

PROGRAM = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()"]
CHOICES = ("--solver", "greedy", "--effort", "1", "--partition", "disjoint")


def compile_command(folder: Path, *choices: str) -> list[str]:
    """Return the command that compiles the toy model into ``out`` of a folder."""
    return [*PROGRAM, "compile", toy_model(folder), "tsp-node", "-o", str(folder / "out"), *CHOICES, *choices]


def start(folder: Path, *choices: str) -> BaseProcess:
    """Start a compile in a process that has imported everything, so that many can be stopped."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.attack.preloaded"])
    process = context.Process(target=run_quietly, args=(compile_command(folder, *choices)[len(PROGRAM) :],))
    process.start()
    return process


def compiled(folder: Path, *choices: str) -> tuple[str, float]:
    """Compile, and return the content hash and how many seconds it took."""
    for _ in range(2):
        started = time.monotonic()
        process = start(folder, *choices)
        process.join()
        seconds = time.monotonic() - started
        assert process.exitcode == ExitCode.DONE
    return read_sound_build(folder / "out").manifest.content_sha256, seconds


def stopped(folder: Path, seconds: float, *choices: str) -> int | None:
    """Kill a compile after some seconds, and return its exit code."""
    process = start(folder, *choices)
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def kill_compiles(folder: Path, kills: int) -> None:
    """Kill compiles at random moments, with and without a build already there, and look at what is left."""
    old, _ = compiled(folder, "--batch", "4")
    shutil.copytree(folder / "out", folder / "old")
    new, seconds = compiled(folder)
    dice, kill = random.Random(0), 0
    while kill < kills:
        shutil.rmtree(folder / "out", ignore_errors=True)
        if kill % 2:
            shutil.copytree(folder / "old", folder / "out")
        # Half of them near the end, where the folder is written.
        code = stopped(folder, seconds * dice.uniform((0, 0.7)[kill // 2 % 2], 1))
        if (folder / "out").exists() or kill % 2:
            assert read_sound_build(folder / "out").manifest.content_sha256 in {old, new}
        if code == -signal.SIGKILL:
            kill += 1
        else:
            # It was over before: this one is no kill, and the next comes sooner.
            assert code == ExitCode.DONE
            seconds *= 0.8
    compiled(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["old", "out", "toy"]


def test_a_killed_compile_leaves_a_whole_build(tmp_path: Path) -> None:
    """Tests two kills."""
    kill_compiles(tmp_path, 2)


@pytest.mark.slow
def test_fifty_killed_compiles_leave_whole_builds(tmp_path: Path) -> None:
    """Tests 50 kills; the next compile takes away what they left beside the folder."""
    kill_compiles(tmp_path, 50)


@pytest.mark.slow
@pytest.mark.parametrize("choices", [("--solver", "cpsat", "--effort", "8"), ("--solver", "greedy")])
def test_ctrl_c_at_any_moment_is_one_line(tmp_path: Path, choices: tuple[str, ...]) -> None:
    """Tests imports, searches of CP-SAT, compiled kernels and writes that are interrupted: 130 or done, no litter."""
    command, dice = compile_command(tmp_path, *choices), random.Random(1)
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.monotonic() - started
    for _ in range(5):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            # The interpreter itself takes some hundredths of a second to start.
            time.sleep(dice.uniform(0.2, 1) * seconds)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        if process.returncode != ExitCode.DONE:
            lines = [line for line in told.splitlines() if line and not line.startswith("note: ")]
            assert (process.returncode, lines) == (ExitCode.INTERRUPTED, ["interrupted"])
            assert sorted(path.name for path in tmp_path.iterdir()) in (["toy"], ["out", "toy"])


def _short_files() -> None:
    # A write beyond it is refused, as on a full disk, where the signal is not heeded.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def _no_limit() -> None:
    pass


@pytest.mark.parametrize(
    ("folder", "before"), [("out", _short_files), ("/proc/out", _no_limit), ("/dev/null/out", _no_limit)]
)
def test_a_disk_that_refuses_is_told(tmp_path: Path, folder: str, before: Callable[[], None]) -> None:
    """Tests files that cannot grow, a folder that takes none, and a file in place of a folder."""
    target = tmp_path / folder
    command = [*PROGRAM, "compile", toy_model(tmp_path), "tsp-node", "-o", str(target), *CHOICES]
    environment = os.environ | {"XDG_CACHE_HOME": "/dev/null"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=before)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.returncode, len(lines)) == (ExitCode.BAD_INPUT, 1), done.stderr
    assert lines[0].startswith(f"{target}: ")
    assert not target.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy"]


# A file system of its own, in a name space that needs no rights, filled by nothing else; told is what is left there.
SMALL_DISK = 'mount -t tmpfs -o size=16k none "$0" && { "$@"; code=$?; ls -A "$0"; exit $code; }'


def on_a_small_disk(disk: Path, command: list[str]) -> list[str]:
    """Return a command that runs while a folder is a disk of 16 KiB."""
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, str(disk), *command]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """Tests a real disk that is full before the build is written: one line, exit code 2, nothing left on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        shutil.which("unshare") is None
        or subprocess.run(on_a_small_disk(disk, ["true"]), capture_output=True).returncode
    ):
        pytest.skip("nobody without rights may mount a disk of his own here")
    command = [*PROGRAM, "compile", toy_model(tmp_path), "tsp-node", "-o", str(disk / "out"), *CHOICES]
    done = subprocess.run(on_a_small_disk(disk, command), capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.returncode, len(lines)) == (ExitCode.BAD_INPUT, 1), done.stderr
    assert lines[0].startswith(f"{disk / 'out'}: ")
    assert "No space left on device" in lines[0]
    # What `ls` found.
    assert done.stdout == ""

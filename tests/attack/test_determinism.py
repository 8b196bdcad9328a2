"""Equal input gives equal bytes, whatever else differs, and however many write at once."""

from __future__ import annotations

import filecmp
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lpxsched.timetable.reader import FILES, read_sound_build
from tests.attack.test_interrupts import PROGRAM
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")


def start(model: str, folder: Path, solver: str, number: int, cache: Path) -> subprocess.Popen[bytes]:
    """Start a compile with a hash seed and with numbers of threads of its own."""
    environment = os.environ | dict.fromkeys(THREADS, str(1 + number % 3))
    environment |= {"PYTHONHASHSEED": str(number), "XDG_CACHE_HOME": str(cache)}
    # Greedy looks once.
    effort = [] if solver == "greedy" else ["--effort", "2"]
    command = [*PROGRAM, "compile", model, "tsp-node", "-o", str(folder), "--solver", solver, *effort]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["greedy", "cpsat", "auto"])
def test_processes_at_once_write_equal_bytes(tmp_path: Path, solver: str) -> None:
    """Tests two processes on one folder and one on another, with other hash seeds, threads, and one cache of two."""
    model, folders = toy_model(tmp_path), [tmp_path / "one", tmp_path / "one", tmp_path / "two"]
    caches = [tmp_path / "cache", tmp_path / "cache", tmp_path / "other"]
    running = [start(model, folder, solver, at, caches[at]) for at, folder in enumerate(folders)]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    read_sound_build(folders[0])
    assert filecmp.cmpfiles(folders[0], folders[2], FILES, shallow=False) == (list(FILES), [], [])
    assert not list(tmp_path.glob(".*"))

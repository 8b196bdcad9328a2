"""One command run in this process, within its limits, and what it may not do whatever it reads."""

from __future__ import annotations

import io
import resource
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 2 * 2**30
MOST_SECONDS = 30.0
TOLD = (ExitCode.DONE, ExitCode.BAD_INPUT, ExitCode.INFEASIBLE, ExitCode.NOTHING_FOUND, ExitCode.VERIFICATION_FAILED)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said."""

    code: int
    out: str
    err: str


def attacked(arguments: list[str], *, outside: Path, output: Path | None = None) -> Told:
    """Run a command on hostile input; an internal fault is raised as it is, with its traceback.

    Parameters
    ----------
    arguments : list of str
    outside : Path
        A folder in which nothing may be written.
    output : Path, optional
        What the command may write all the same.
    """
    before = _files(outside, output)
    out, err, started = io.StringIO(), io.StringIO(), time.process_time()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err), _little_memory():
        patch.setenv("LPXSCHED_DEBUG", "1")
        code = run(arguments)
    seconds = time.process_time() - started
    told = Told(code, out.getvalue(), err.getvalue())
    assert seconds <= MOST_SECONDS, f"{seconds:.1f} s: {arguments}"
    assert code in TOLD, f"{told}"
    assert code != ExitCode.BAD_INPUT or (told.err.count("\n") == 1 and not told.out), f"{told}"
    assert "Traceback" not in told.err
    assert _files(outside, output) == before
    return told


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process ask for no more than the limit beyond what it has; then Python raises a `MemoryError`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _files(folder: Path, output: Path | None) -> dict[str, tuple[int, int]]:
    found = (path for path in sorted(folder.rglob("*")) if output is None or not path.is_relative_to(output))
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in found if not path.is_dir()}

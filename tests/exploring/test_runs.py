"""Tests of many calls side by side."""

from __future__ import annotations

import os
import signal
import sys
from subprocess import PIPE, Popen

import pytest

from lpxsched.errors import InputError, NothingFoundError
from lpxsched.exploring import runs
from lpxsched.exploring.runs import Workers, as_found, refuse_missing_cluster


def square(number: int) -> int:
    """Return a square."""
    return number * number


def die(_: int) -> int:
    """End the process as the kernel does when there is no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_call_comes_once_with_its_number(jobs: int) -> None:
    """Tests one process and two."""
    assert sorted(as_found(square, [3, 1, 2], Workers(jobs))) == [(0, 9), (1, 1), (2, 4)]


def test_a_killed_worker_is_told() -> None:
    """Tests that no traceback and no silence follows."""
    with pytest.raises(NothingFoundError, match=r"a worker was killed.*fewer --jobs"):
        list(as_found(die, [1, 2], Workers(2)))


def test_a_cluster_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the line that says which extra to install."""
    monkeypatch.setattr(runs, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"lpxsched sweep: --cluster: .*lpxsched\[cluster\]"):
        refuse_missing_cluster("sweep")


SLEEPERS = """
import time
from lpxsched.exploring.runs import Workers, as_found
try:
    for _ in as_found(time.sleep, [0, 600, 600], Workers(2)):
        print("one", flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_takes_workers_along(number: signal.Signals) -> None:
    """Tests two workers that have ten minutes to go: they are gone at once, and nobody complains."""
    with Popen([sys.executable, "-c", SLEEPERS], stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        process.send_signal(number)
        # Pipes stay open as long as any worker lives.
        assert process.communicate(timeout=60) == ("interrupted\n", "")

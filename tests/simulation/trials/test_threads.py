"""Tests of runs on several threads."""

from __future__ import annotations

import time
from functools import partial

import pytest

from lpxsched.simulation.trials import threads
from lpxsched.simulation.trials.threads import side_by_side


def slept(number: int) -> int:
    """Sleep the longer, the earlier a run was begun."""
    time.sleep(0.01 * (3 - number % 3))
    return number


def test_runs_are_told_in_their_order() -> None:
    """Tests runs of which later ones end first."""
    assert list(side_by_side(partial(slept, number) for number in range(12))) == list(range(12))


def test_few_runs_are_begun_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a million runs on two processors, of which one is asked for: no more than two others have been drawn."""
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1})
    drawn: list[int] = []
    runs = side_by_side(partial(int, drawn.append(number) or number) for number in range(10**6))
    assert next(runs) == 0
    assert drawn == [0, 1, 2]
    runs.close()


def test_what_a_run_raises_is_raised() -> None:
    """Tests a run that fails between two that do not."""
    runs = side_by_side([partial(int, "1"), partial(int, "x"), partial(int, "3")])
    assert next(runs) == 1
    with pytest.raises(ValueError, match="x"):
        next(runs)

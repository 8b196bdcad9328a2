"""Tests of new times by CP-SAT on given ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from lpxsched.schedule.cpsat import times
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.cpsat.times import solved_times
from lpxsched.schedule.times.placement import depth, placed
from tests.schedule.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    from lpxsched.schedule.times.placement import Tasks

ENOUGH = Effort(seconds=0.1, seed=0, enough_cycles=0)
SEVERAL = Effort(seconds=5, seed=0, enough_cycles=10)


def by_depth(tasks: Tasks) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the tasks in an order that the first placement keeps."""
    return np.argsort(depth(tasks), kind="stable").astype(np.int64)


@pytest.mark.parametrize("most_free", [400, 2])
def test_the_long_result_goes_first(monkeypatch: pytest.MonkeyPatch, most_free: int) -> None:
    """Tests two tasks on one lane and one on another, all at once and neighbourhood after neighbourhood.

    In the order given the first holds the lane for 5 cycles, and the result of the second comes 10 cycles after its
    start: 15. The other way round the second is there at 10, the first at 1 + 5 = 6.
    """
    monkeypatch.setattr(times, "MOST_FREE", most_free)
    tasks = tasks_of([Task(5), Task(1, longer=9), Task(1, resource=1)], lanes=(1, 1))
    first = placed(tasks, np.arange(3, dtype=np.int64))
    assert first.makespan_cycles == 15
    best = solved_times(tasks, first, SEVERAL)
    assert (best.makespan_cycles, list(conflicts(tasks, best))) == (10, [])


def test_what_cannot_be_better_stays_as_it_is() -> None:
    """Tests two tasks of 3 cycles on one lane: 6 in any order, so the placement itself comes back."""
    tasks = tasks_of([Task(3), Task(3)])
    first = placed(tasks, np.arange(2, dtype=np.int64))
    assert solved_times(tasks, first, ENOUGH) is first


@settings(max_examples=25, deadline=None)
@given(some_tasks())
def test_new_times_keep_all_rules_and_are_never_longer(tasks: Tasks) -> None:
    """Tests random tasks with lanes, precedences and ports."""
    first = placed(tasks, by_depth(tasks))
    best = solved_times(tasks, first, ENOUGH)
    assert list(conflicts(tasks, best)) == []
    assert best.makespan_cycles <= first.makespan_cycles

"""Timetables that repeat: the shortest period of a plan, and starts that keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.transfers import cyclic
from lpxsched.schedule.transfers.cyclic import repeating, shortest_period
from lpxsched.schedule.transfers.placing import placed
from tests.schedule.transfers.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    from lpxsched.schedule.transfers.placing import Placement, Tasks

FAR = 1 << 40


def in_order(tasks: Tasks, *, enough: int = 1, below: int = FAR) -> Placement | None:
    """Return starts of tasks that are placed in the order of their numbers."""
    return repeating(tasks, np.arange(len(tasks), dtype=np.int64), enough=enough, below=below)


@pytest.mark.parametrize(
    ("tasks", "period"),
    [
        (tasks_of([]), 1),
        # One lane: 2 + 3 cycles; two lanes: 5 / 2 rounded up, yet no less than the longest task.
        (tasks_of([Task(2), Task(3)]), 5),
        (tasks_of([Task(2), Task(3)], lanes=[2]), 3),
        (tasks_of([Task(1), Task(4)], lanes=[2]), 4),
        # Three tasks of 2 cycles on two lanes: one lane has two of them, so 4 cycles, not 3.
        (tasks_of([Task(2)] * 3, lanes=[2]), 4),
        # The busiest of two lanes.
        (tasks_of([Task(2), Task(3, resource=1)], lanes=[1, 1]), 3),
        # Precedences do not count: repetitions overlap.
        (tasks_of([Task(1), Task(1, resource=1)], [(0, 1, 50)], lanes=[1, 1]), 1),
        # Five vectors through a port that takes two a cycle.
        (tasks_of([Task(1, ports=((0, 0),))] * 5, lanes=[5], port_lanes=[2]), 3),
    ],
)
def test_the_shortest_period_follows_from_loads(tasks: Tasks, period: int) -> None:
    """Tests loads of lanes and ports by hand; each of these periods can be kept."""
    assert shortest_period(tasks) == period
    found = in_order(tasks)
    assert found is not None
    assert found.period_cycles == period
    assert list(conflicts(tasks, found)) == []


@settings(max_examples=200)
@given(some_tasks(), st.integers(1, 20))
def test_what_repeats_is_valid_with_all_its_repetitions(tasks: Tasks, enough: int) -> None:
    """Tests that starts keep precedences and, modulo the period, lanes and ports; no period is below its bounds."""
    found = in_order(tasks, enough=enough)
    if found is not None:
        assert list(conflicts(tasks, found)) == []
        assert found.period_cycles >= max(enough, shortest_period(tasks))


@settings(max_examples=100)
@given(some_tasks())
def test_single_cycles_always_fit_the_shortest_period(tasks: Tasks) -> None:
    """Tests that tasks of one cycle without ports leave no room unused."""
    ones = tasks_of([Task(1, int(resource)) for resource in tasks.resource], lanes=tasks.lanes.tolist())
    found = in_order(ones)
    assert found is not None
    assert found.period_cycles == shortest_period(ones)


def test_the_next_turn_is_taken_where_this_one_is_full() -> None:
    """Tests that of two tasks of 1 cycle, the second of which is ready 2 later, both start at even and odd cycles."""
    # Period 2: the first holds cycle 0 of every turn. The second, ready at 2, finds that taken and starts at 3.
    tasks = tasks_of([Task(1), Task(1)], [(0, 1, 2)])
    found = in_order(tasks)
    assert found is not None
    assert (found.period_cycles, found.start.tolist(), found.makespan_cycles) == (2, [0, 3], 4)


def test_tasks_of_one_length_stand_on_a_grid() -> None:
    """Tests that a task ready at 1 starts at 2: at 1 it would leave two gaps of one cycle that fit no other."""
    tasks = tasks_of([Task(2, release=1), Task(2)])
    found = in_order(tasks)
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (4, [2, 0])


def test_the_grid_begins_anew_with_every_turn() -> None:
    """Tests three tasks of 3 cycles in turns of 10: one ready at 8 waits for 10, or not all would fit."""
    found = in_order(tasks_of([Task(3, release=8), Task(3), Task(3)]), enough=10)
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (10, [10, 3, 6])


def test_a_period_that_is_no_better_is_not_looked_for() -> None:
    """Tests a plan whose shortest period of 5 cycles is already known."""
    tasks = tasks_of([Task(2), Task(3)])
    assert in_order(tasks, below=5) is None
    assert in_order(tasks, below=6) is not None


def test_tables_that_grow_too_large_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a period of 5 cycles on two lanes where tables may have 9 cells."""
    tasks = tasks_of([Task(5), Task(5)], lanes=[2])
    monkeypatch.setattr(cyclic, "MOST_CELLS", 9)
    assert in_order(tasks) is None
    monkeypatch.setattr(cyclic, "MOST_CELLS", 10)
    assert in_order(tasks) is not None


@settings(max_examples=60)
@given(some_tasks())
def test_a_period_as_long_as_everything_is_always_found(tasks: Tasks) -> None:
    """Tests that with all tasks in one turn, one after the other, nothing can fail."""
    once = placed(tasks, np.arange(len(tasks), dtype=np.int64))
    whole = once.makespan_cycles + int(tasks.length.sum()) + 1
    found = in_order(tasks, enough=whole)
    assert found is not None

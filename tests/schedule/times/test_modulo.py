"""Timetables that repeat: the shortest period of a plan, and starts that keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.times import modulo
from lpxsched.schedule.times.modulo import repeating, shortest_period
from lpxsched.schedule.times.placement import placed
from tests.schedule.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    from lpxsched.schedule.times.placement import Placement, Tasks

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
        # Four lanes with one port, each busy all the time: they begin one after the other.
        (tasks_of([Task(4, lane, ports=((0, 0),)) for lane in range(4)], lanes=[1] * 4, port_lanes=[1]), 4),
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


@pytest.fixture
def first_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out turns that are packed."""
    monkeypatch.setattr(modulo, "packed", lambda *_: None)


@pytest.mark.usefixtures("first_fit")
def test_between_periods_that_fail_and_that_give_room_for_a_task_is_halved() -> None:
    """Tests tasks of 1, 1 and 10 cycles, the second of which is ready at 6, on one lane in turns of 12 at least.

    The second leaves [1, 6) and, in turns of p cycles, [7, p): 10 cycles fit for p = 17. Of 12, 13, 14 and 12 + 10
    the last is kept, then 18, not 16, then 17.
    """
    found = in_order(tasks_of([Task(1), Task(1, release=6), Task(10)]))
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (17, [0, 6, 7])


@pytest.mark.usefixtures("first_fit")
def test_periods_that_hardly_differ_are_not_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the same tasks where a seventh of a period does not matter: of 14 and 22 cycles, 18 is halfway, then 16."""
    monkeypatch.setattr(modulo, "FINE_PERIOD", 7)
    found = in_order(tasks_of([Task(1), Task(1, release=6), Task(10)]))
    assert found is not None
    # 18 - 16 is no more than 16 // 7 = 2.
    assert found.period_cycles == 18


def test_where_first_fit_fails_turns_are_packed() -> None:
    """Tests the same tasks: 1, 1 and 10 cycles fit turns of 12, with the second at 11."""
    found = in_order(tasks_of([Task(1), Task(1, release=6), Task(10)]))
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (12, [0, 11, 1])


@pytest.mark.usefixtures("first_fit")
def test_a_period_just_below_one_that_is_known_is_tried() -> None:
    """Tests the same tasks below 19 cycles: 12, 13 and 14 fail, 22 and more are of no use, 18 is kept, then 17."""
    found = in_order(tasks_of([Task(1), Task(1, release=6), Task(10)]), below=19)
    assert found is not None
    assert found.period_cycles == 17


def test_a_period_that_is_no_better_is_not_looked_for() -> None:
    """Tests a plan whose shortest period of 5 cycles is already known."""
    tasks = tasks_of([Task(2), Task(3)])
    assert in_order(tasks, below=5) is None
    assert in_order(tasks, below=6) is not None


def test_tables_that_grow_too_large_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a period of 5 cycles on two lanes where tables may have 9 cells."""
    tasks = tasks_of([Task(5), Task(5)], lanes=[2])
    monkeypatch.setattr(modulo, "MOST_CELLS", 9)
    assert in_order(tasks) is None
    monkeypatch.setattr(modulo, "MOST_CELLS", 10)
    assert in_order(tasks) is not None


@settings(max_examples=60)
@given(some_tasks())
def test_a_period_as_long_as_everything_is_always_found(tasks: Tasks) -> None:
    """Tests that with all tasks in one turn, one after the other, nothing can fail."""
    once = placed(tasks, np.arange(len(tasks), dtype=np.int64))
    whole = once.makespan_cycles + int(tasks.length.sum()) + 1
    found = in_order(tasks, enough=whole)
    assert found is not None


def test_the_first_room_is_taken_wherever_it_is() -> None:
    """Tests tasks of one cycle and of two on one lane in turns of six, placed in the order of their numbers."""
    tasks = tasks_of([Task(2), Task(1, release=3), Task(2, release=1), Task(1, release=2)])
    found = in_order(tasks)
    # Cycles 0 and 1; 3; 2 is too short for two, so 4 and 5; then 2.
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (6, [0, 3, 4, 2])


def test_a_task_may_reach_into_the_next_turn() -> None:
    """Tests tasks of one and two cycles in turns of four: one of two that is ready at 3 holds cycles 3 and 0."""
    found = in_order(tasks_of([Task(2, release=3), Task(1), Task(1)]))
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (4, [3, 1, 2])


def test_the_lowest_free_lane_is_taken() -> None:
    """Tests four tasks of one cycle on two lanes: two in each cycle of a turn of two."""
    found = in_order(tasks_of([Task(1)] * 4, lanes=[2]))
    assert found is not None
    assert (found.start.tolist(), found.lane.tolist()) == ([0, 0, 1, 1], [0, 1, 0, 1])


def test_a_full_port_is_waited_for() -> None:
    """Tests three lanes that share a port of one task a cycle, 2 cycles after a start."""
    tasks = tasks_of([Task(1, resource, ports=((0, 2),)) for resource in range(3)], lanes=[1, 1, 1], port_lanes=[1])
    found = in_order(tasks)
    assert found is not None
    assert (found.period_cycles, found.start.tolist()) == (3, [0, 1, 2])


def test_many_tasks_on_one_lane_are_placed_one_behind_the_other() -> None:
    """Tests so many tasks that to look at each cycle of a turn for each would take hours."""
    many = 200_000
    tasks = tasks_of([Task(1)] * many)
    found = in_order(tasks)
    assert found is not None
    assert found.start.tolist() == list(range(many))

"""Turns that are packed: tasks that find no room take that of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.times import evictions
from lpxsched.schedule.times.calendars import Closed
from lpxsched.schedule.times.evictions import packed
from lpxsched.schedule.times.modulo import empty_turn, place_in_turns, shortest_period
from lpxsched.schedule.times.placement import placement_columns
from tests.schedule.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.times.placement import Placement, Tasks


def in_order(tasks: Tasks, period: int) -> Placement | None:
    """Return starts of tasks that come in the order of their numbers."""
    return packed(tasks, placement_columns(tasks), np.arange(len(tasks), dtype=np.int64), period)


def fits_first(tasks: Tasks, period: int) -> bool:
    """Return whether first fit finds room for all in the order of their numbers."""
    start, lane = np.zeros((2, len(tasks)), dtype=np.int64)
    order = np.arange(len(tasks), dtype=np.int64)
    return bool(place_in_turns(placement_columns(tasks), empty_turn(tasks, period), order, start, lane))


def test_a_long_task_takes_the_room_of_a_short_one() -> None:
    """Tests tasks of 1, 1 and 10 cycles, the second of which is ready at 6, on one lane in turns of 12.

    The second starts at 6, and neither [1, 6) nor [7, 12) holds 10 cycles: the second leaves, and finds cycle 11.
    """
    tasks = tasks_of([Task(1), Task(1, release=6), Task(10)])
    assert not fits_first(tasks, 12)
    found = in_order(tasks, 12)
    assert found is not None
    assert (found.start.tolist(), found.makespan_cycles, found.period_cycles) == ([0, 11, 1], 12, 12)


def test_lanes_that_share_a_port_have_grids_of_their_own() -> None:
    """Tests two lanes of two tasks of 2 cycles each, one start a cycle, in turns of 4: cycles 0 and 2, 1 and 3.

    The second task of the first lane, ready at 3, waits until 6 on its grid: at 3 or 5 it would leave holes of a cycle.
    """
    port = ((0, 0),)
    rows = [Task(2, ports=port), Task(2, release=3, ports=port), Task(2, 1, release=1, ports=port)]
    tasks = tasks_of([*rows, Task(2, 1, ports=port)], lanes=[1, 1], port_lanes=[1])
    found = in_order(tasks, 4)
    assert found is not None
    assert found.start.tolist() == [0, 6, 1, 3]
    assert list(conflicts(tasks, found)) == []


def test_a_task_leaves_a_port_as_well() -> None:
    """Tests a port of one start a cycle in turns of 3: the first two lanes take cycles 0 and 1, the last is full but 0.

    Its task of 2 cycles fits beside that of 1 cycle, which holds cycle 2, at 0 only: one of the others must leave.
    """
    port = ((0, 0),)
    rows = [Task(1, ports=port), Task(1, 1, ports=port), Task(1, 2, release=2), Task(2, 2, ports=port)]
    tasks = tasks_of(rows, lanes=[1, 1, 1], port_lanes=[1])
    assert not fits_first(tasks, 3)
    found = in_order(tasks, 3)
    assert found is not None
    assert list(conflicts(tasks, found)) == []


def test_precedences_hold_beside_a_full_lane() -> None:
    """Tests three tasks in a row on one lane in turns of 7: each is ready 2 or 0 cycles after the one before ends."""
    tasks = tasks_of([Task(2), Task(3), Task(2)], [(0, 1, 4), (1, 2, 3)])
    found = in_order(tasks, 7)
    assert found is not None
    assert list(conflicts(tasks, found)) == []


def test_closed_cycles_are_nobodys() -> None:
    """Tests tasks of 1, 1 and 9 cycles, the second ready at 5, in turns of 12 of which cycle 11 is closed."""
    tasks = replace(
        tasks_of([Task(1), Task(1, release=5), Task(9)]), closed=Closed(*(np.array([n]) for n in (0, 11, 1)))
    )
    found = in_order(tasks, 12)
    assert found is not None
    # The long task takes 1 to 9, then cycle 10 is left.
    assert found.start.tolist() == [0, 10, 1]


def test_looks_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that without any a turn is filled in order, task 1 in the turn after it is ready; in no table too large."""
    tasks = tasks_of([Task(1), Task(1, release=6), Task(10)])
    with monkeypatch.context() as patch:
        patch.setattr(evictions, "PACKING_LOOKS", 0)
        patch.setattr(evictions, "LOOKS_PER_TASK", 0)
        found = in_order(tasks, 12)
        assert found is not None
        assert found.start.tolist() == [0, 13, 2]
    monkeypatch.setattr(evictions, "MOST_PACKED_CELLS", 11)
    assert in_order(tasks, 12) is None


def test_too_short_a_period_is_not_kept() -> None:
    """Tests 12 cycles of work in turns of 11."""
    assert in_order(tasks_of([Task(1), Task(1), Task(10)]), 11) is None


@settings(max_examples=200)
@given(some_tasks(), st.integers(0, 3))
def test_what_is_packed_is_valid_with_all_its_repetitions(tasks: Tasks, slack: int) -> None:
    """Tests that starts keep precedences and, modulo the period, lanes and ports."""
    found = in_order(tasks, shortest_period(tasks) + slack)
    assert found is None or list(conflicts(tasks, found)) == []


@settings(max_examples=100)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.data())
def test_one_lane_is_packed_without_holes(lengths: list[int], data: st.DataObject) -> None:
    """Tests tasks of any lengths, ready at any time, in turns as long as all of them together."""
    rows = [Task(length, release=data.draw(st.integers(0, 30))) for length in lengths]
    tasks = tasks_of(rows)
    found = in_order(tasks, sum(lengths))
    assert found is not None
    assert list(conflicts(tasks, found)) == []

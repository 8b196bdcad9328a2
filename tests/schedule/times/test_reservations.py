"""Justification of timetables that repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.times import reservations as module
from lpxsched.schedule.times.modulo import repeating
from lpxsched.schedule.times.reservations import justified_in_turns
from tests.schedule.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.times.placement import Placement, Tasks


def found_with(tasks: Tasks, period: int) -> Placement:
    """Return starts with at least a period, in the order of numbers."""
    found = repeating(tasks, np.arange(len(tasks), dtype=np.int64), enough=period, below=1 << 40)
    assert found is not None
    return found


def test_a_turn_with_cycles_to_spare_needs_no_grid() -> None:
    """Tests two tasks of 2 cycles in turns of 6, the second ready 3 after the first: on a grid at 4, now at 3."""
    tasks = tasks_of([Task(2), Task(2)], [(0, 1, 3)])
    first = found_with(tasks, 6)
    assert first.start.tolist() == [0, 4]
    better = justified_in_turns(tasks, first, enough=0)
    assert (better.start.tolist(), better.makespan_cycles, better.period_cycles) == ([0, 3], 5, 6)


def test_each_round_gains_what_a_turn_has_to_spare() -> None:
    """Tests two tasks of 3 cycles in turns of 7, the second ready 4 after the first: on a grid a turn later, at 10.

    The second is late at 10, the first at 6 = 10 - 4; then the first starts at 0 again and the second at 4.
    """
    tasks = tasks_of([Task(3), Task(3)], [(0, 1, 4)])
    first = found_with(tasks, 7)
    assert first.start.tolist() == [0, 10]
    assert justified_in_turns(tasks, first, enough=0).start.tolist() == [0, 4]


def test_it_ends_where_enough_is_reached_or_tables_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that the placement stays the same object where nothing is asked for, or nothing may be tried."""
    tasks = tasks_of([Task(2), Task(2)], [(0, 1, 3)])
    first = found_with(tasks, 6)
    assert justified_in_turns(tasks, first, enough=6) is first
    with monkeypatch.context() as patch:
        patch.setattr(module, "MOST_PACKED_CELLS", 5)
        assert justified_in_turns(tasks, first, enough=0) is first
    monkeypatch.setattr(module, "MOST_JUSTIFIED", 0)
    assert justified_in_turns(tasks, first, enough=0) is first


@settings(max_examples=200)
@given(some_tasks(), st.integers(1, 20))
def test_it_is_valid_and_no_longer(tasks: Tasks, period: int) -> None:
    """Tests random tasks, ports and precedences: period and rules are kept, modulo the period too."""
    first = repeating(tasks, np.arange(len(tasks), dtype=np.int64), enough=period, below=1 << 40)
    if first is None:
        return
    better = justified_in_turns(tasks, first, enough=0)
    assert better.makespan_cycles <= first.makespan_cycles
    assert better.period_cycles == first.period_cycles
    assert list(conflicts(tasks, better)) == []

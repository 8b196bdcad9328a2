"""Given deskews: what they close, and that nothing departs, is read or runs in one, whoever places it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.pipeline import compile_timetable
from lpxsched.schedule import layers
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.cpsat.times import solved_times
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.solve_layer import first_solved, solve
from lpxsched.schedule.symmetry.padding import unpadded
from lpxsched.schedule.times.calendars import Closed, closed_by
from lpxsched.schedule.times.modulo import repeating, shortest_period
from lpxsched.schedule.times.placement import doubly_justified, placed
from lpxsched.units import NEVER
from lpxsched.verify.check import check
from tests.schedule.circulants import circulant_layers
from tests.schedule.instances import path_of_three
from tests.schedule.rules import violations
from tests.schedule.tasks import Task, some_tasks, tasks_of
from tests.strategies import instances
from tests.timetable.small import small_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.times.placement import Placement, Tasks

DESKEWS = st.lists(st.tuples(st.integers(5, 60), st.integers(1, 30)), min_size=1, max_size=2)


def apart(drawn: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return deskews one behind the other, each so long after the end of the one before."""
    found, end = [], 0
    for wait, stall in drawn:
        found.append((end + wait, stall))
        end += wait + stall
    return tuple(found)


def rows_of(closed: Closed) -> list[tuple[int, ...]]:
    """Return resource, begin and length of each row."""
    return list(zip(*(column.tolist() for column in closed), strict=True))


def test_a_link_drains_before_a_deskew_and_a_unit_does_not() -> None:
    """Tests hops of 18: a deskew of 5 at 100 closes two links from 82 on, a unit behind them from 100, both to 105.

    What left from 82 on would be read from 100 on. Of two deskews whose closures touch, links know one.
    """
    wires = unpadded(path_of_three()).wires
    assert rows_of(closed_by([(100, 5)], wires, 1)) == [(0, 82, 23), (1, 82, 23), (2, 100, 5)]
    both = [(100, 20), (130, 10)]
    assert rows_of(closed_by(both, wires, 1)) == [(0, 82, 58), (1, 82, 58), (2, 100, 20), (2, 130, 10)]


def test_a_copy_waits_for_the_end_of_a_deskew() -> None:
    """Tests two hops of 18 with a turnaround of 3 between: read at 18, sent on at 21, read at 39.

    A deskew of 10 at 35 would lie between departure and read: sent on at 45, it is read at 63. One at 20 closes the
    first link from 2 to 30, and a slot takes three cycles of it: it leaves at 30, is read at 48, then at 69.
    """
    ends = [
        solve(replace(path_of_three(), deskews=(deskew,)), SolveOptions()).makespan_cycles
        for deskew in ((35, 10), (20, 10), (100, 10))
    ]
    assert ends == [63, 69, 39]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(layer=st.one_of(instances(), circulant_layers()), drawn=DESKEWS)
def test_solvers_keep_given_deskews(layer: Instance, drawn: list[tuple[int, int]]) -> None:
    """Tests greedy plans as they are and doubly_justified, and what all solvers together find."""
    held = replace(layer, deskews=apart(drawn))
    assert violations(held, first_solved(held, SolveOptions()).result.schedule) == []
    result = solve(held, SolveOptions())
    assert violations(held, result.schedule) == []
    assert result.bound.cycles <= result.makespan_cycles


@settings(max_examples=60, deadline=None)
@given(tasks=some_tasks(), drawn=DESKEWS)
def test_tasks_keep_out_of_what_is_closed(tasks: Tasks, drawn: list[tuple[int, int]]) -> None:
    """Tests all resources closed, for tasks in order, doubly_justified, by CP-SAT."""
    resources = np.arange(len(tasks.lanes), dtype=np.int64)
    rows = np.array([(r, *row) for r in resources.tolist() for row in apart(drawn)], dtype=np.int64)
    closed = replace(tasks, closed=Closed(*rows.T.copy()))
    first = placed(closed, np.arange(len(tasks)))
    better = doubly_justified(closed, first)
    for found in (first, better, solved_times(closed, better, Effort(0.1, 0, 0))):
        assert not within(closed, found)


def within(tasks: Tasks, found: Placement, period: int = 0) -> list[tuple[int, int]]:
    """Return tasks and cycles at which they hold what is closed."""
    shut = {
        (resource, cycle % period if period else cycle)
        for resource, begin, length in rows_of(tasks.closed)
        for cycle in range(begin, begin + length)
    }
    return [
        (task, cycle)
        for task, (start, length, resource) in enumerate(
            zip(found.start.tolist(), tasks.length.tolist(), tasks.resource.tolist(), strict=True)
        )
        for cycle in range(start, start + length)
        if (resource, cycle % period if period else cycle) in shut
    ]


def test_a_deskew_in_every_turn() -> None:
    """Tests two tasks of 4 and one of 3 cycles on a lane that is closed for 2: a period of 13, nothing at 5 and 6."""
    tasks = replace(tasks_of([Task(4), Task(4), Task(3)]), closed=Closed(*(np.array([n]) for n in (0, 5, 2))))
    assert shortest_period(tasks) == 13
    found = repeating(tasks, np.arange(3), enough=1, below=NEVER)
    assert found is not None
    assert not within(tasks, found, found.period_cycles)


@pytest.mark.parametrize("effort", [1, 2])
def test_the_checker_accepts_a_deskew_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: int
) -> None:
    """Tests 400 cycles in the middle of a layer: nothing lasts into them, and without them it would be shorter."""

    def with_deskew(problems: Sequence[LayerProblem], *rest: object, **more: object) -> tuple[ScheduledLayer, ...]:
        held = [replace(p, instance=replace(p.instance, deskews=((900, 400),))) for p in problems]
        return layers.solve_layers(held, *rest, **more)  # type: ignore[arg-type]

    options = small_options(tmp_path, num_hidden_layers=1, solver="auto", effort=effort)
    plain = compile_timetable(options)
    monkeypatch.setattr("lpxsched.pipeline.solve_layers", with_deskew)
    build = compile_timetable(options)
    assert check(build).violations == ()
    assert build.deskews.cycle.tolist() == [0, 900]
    ends = [int(one.operators.start.max()) for one in (plain, build)]
    assert ends[0] > 900
    assert ends[1] > ends[0]

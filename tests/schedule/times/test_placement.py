"""Placement of tasks, and justification of what has been placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.times import placement
from lpxsched.schedule.times.placement import (
    Placement,
    backwards,
    doubly_justified,
    improved,
    placed,
    precedence_order,
)
from tests.schedule.plain_transfers import plain_place
from tests.schedule.tasks import Task, conflicts, some_tasks, tasks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.schedule.times.placement import Tasks


def order_of(tasks: Sequence[int]) -> NDArray[np.int64]:
    """Return an order."""
    return np.array(tasks, dtype=np.int64)


@st.composite
def ordered_tasks(draw: st.DrawFn) -> tuple[Tasks, NDArray[np.int64]]:
    """Draw tasks and any order of them."""
    tasks = draw(some_tasks())
    return tasks, order_of(draw(st.permutations(range(len(tasks)))))


@settings(max_examples=200)
@given(ordered_tasks())
def test_a_placement_agrees_with_its_plain_twin(case: tuple[Tasks, NDArray[np.int64]]) -> None:
    """Tests that compiled and plain code give every task the same start and lane."""
    tasks, order = case
    order = precedence_order(tasks, order)
    found = placed(tasks, order)
    start, lane = found.start, found.lane
    plain_start, plain_lane = plain_place(tasks, order.tolist())
    assert dict(enumerate(start.tolist())) == plain_start
    assert dict(enumerate(lane.tolist())) == plain_lane


@settings(max_examples=100)
@given(ordered_tasks())
def test_predecessors_come_first(case: tuple[Tasks, NDArray[np.int64]]) -> None:
    """Tests that an order is mended where it must be, and left alone where it need not be."""
    tasks, order = case
    mended = precedence_order(tasks, order)
    rank = {task: place for place, task in enumerate(mended.tolist())}
    assert sorted(mended.tolist()) == list(range(len(tasks)))
    ends = list(zip(tasks.before.tolist(), tasks.after.tolist(), strict=True))
    assert all(rank[before] < rank[after] for before, after in ends)
    assert precedence_order(tasks, mended).tolist() == mended.tolist()


@settings(max_examples=150)
@given(ordered_tasks(), st.integers(0, 40))
def test_an_improved_placement_is_valid_and_never_worse(case: tuple[Tasks, NDArray[np.int64]], enough: int) -> None:
    """Tests placements at first, justified once, and improved: precedences, lanes, ports, makespan."""
    tasks, order = case
    first = placed(tasks, order)
    better = improved(tasks, order, enough=enough)
    assert list(conflicts(tasks, first)) == []
    assert list(conflicts(tasks, doubly_justified(tasks, first))) == []
    assert list(conflicts(tasks, better)) == []
    assert better.makespan_cycles <= first.makespan_cycles
    if first.makespan_cycles <= enough:
        assert better.start.tolist() == first.start.tolist()


@settings(max_examples=150)
@given(ordered_tasks())
def test_what_is_valid_backwards_is_valid_forwards(case: tuple[Tasks, NDArray[np.int64]]) -> None:
    """Tests that a placement with time running back, turned round, keeps precedences, lanes, ports and the makespan."""
    tasks, order = case
    mirrored = backwards(tasks, 0)
    late = placed(mirrored, order)
    start, lane = late.start, late.lane
    # Releases are not looked at backwards: far enough from time 0 they are all kept.
    horizon = int((start + tasks.length).max(initial=0)) + int(tasks.release.max(initial=0))
    turned = horizon - start - tasks.length
    placement = Placement(turned, lane, int((turned + tasks.duration).max(initial=0)))
    assert list(conflicts(tasks, placement)) == []
    # No result is later than time 0 backwards.
    assert placement.makespan_cycles <= horizon


def test_a_task_takes_the_first_gap_that_is_long_enough() -> None:
    """Tests lanes held in [0, 2) and, from a release at 4 on, [4, 7): 3 cycles fit behind, 2 cycles between."""
    tasks = tasks_of([Task(2), Task(3, release=4), Task(3), Task(2)])
    start = placed(tasks, order_of([0, 1, 2, 3])).start
    assert start.tolist() == [0, 4, 7, 2]


def test_the_lowest_of_free_lanes_is_taken() -> None:
    """Tests two lanes: the third task waits for whichever is free first."""
    tasks = tasks_of([Task(3), Task(2), Task(1)], lanes=[2])
    found = placed(tasks, order_of([0, 1, 2]))
    start, lane = found.start, found.lane
    assert start.tolist() == [0, 0, 2]
    assert lane.tolist() == [0, 1, 1]


def test_a_task_waits_for_the_result_of_another() -> None:
    """Tests a delay of 5 cycles from start to start, longer than the task holds its lane."""
    tasks = tasks_of([Task(1), Task(1, resource=1, longer=3)], [(0, 1, 5)], lanes=[1, 1])
    assert placed(tasks, order_of([0, 1])).start.tolist() == [0, 5]
    assert placed(tasks, order_of([1, 0])).makespan_cycles == 5 + 1 + 3


def test_two_ports_must_have_room_in_their_own_cycles() -> None:
    """Tests tasks on lanes of their own that share an entrance at once and an exit 2 cycles later."""
    # The first takes the entrance at 0; the second the entrance at 1 and the exit at 3; the third finds the entrance
    # taken at 0 and 1, and, if it started at 2, the exit at 3.
    rows = [
        Task(1, 0, ports=((0, 0),)),
        Task(1, 1, ports=((0, 0), (1, 2))),
        Task(1, 2, ports=((0, 0), (1, 1))),
    ]
    tasks = tasks_of(rows, lanes=[1, 1, 1], port_lanes=[1, 1])
    start = placed(tasks, order_of([0, 1, 2])).start
    assert start.tolist() == [0, 1, 3]


@pytest.mark.parametrize(("order", "makespan"), [([0, 1, 2], 9), ([1, 0, 2], 7)])
def test_justification_finds_the_better_order(order: list[int], makespan: int) -> None:
    """Tests one lane with tasks of 2 and 3 cycles, the second of which is followed by 4 cycles elsewhere.

    In the first order the chain ends at 2 + 3 + 4 = 9, in the other at 3 + 4 = 7, which is the chain alone.
    """
    tasks = tasks_of([Task(2), Task(3), Task(4, resource=1)], [(1, 2, 3)], lanes=[1, 1])
    assert placed(tasks, order_of(order)).makespan_cycles == makespan
    assert improved(tasks, order_of(order), enough=0).makespan_cycles == 7


def test_the_best_of_all_passes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests passes that end at 8, 5, 6 and again 6 cycles after a first placement of 7."""
    tasks = tasks_of([Task(1)])
    first, *later = (Placement(order_of([end]), order_of([0]), end) for end in (7, 8, 5, 6, 6))
    following = iter(later)
    monkeypatch.setattr(placement, "placed", lambda *_: first)
    monkeypatch.setattr(placement, "doubly_justified", lambda *_: next(following))
    assert improved(tasks, order_of([0]), enough=0).makespan_cycles == 5


def test_tasks_that_wait_for_each_other_in_a_circle_are_a_fault() -> None:
    """Tests two tasks of which each comes after the other, behind a third: nobody can be first."""
    tasks = tasks_of([Task(1)] * 3, after=[(2, 0, 1), (0, 1, 1), (1, 0, 1)])
    with pytest.raises(ValueError, match="wait for each other in a circle"):
        precedence_order(tasks, order_of([0, 1, 2]))


def test_nothing_to_place_takes_no_time() -> None:
    """Tests no task at all."""
    assert improved(tasks_of([]), order_of([]), enough=0).makespan_cycles == 0

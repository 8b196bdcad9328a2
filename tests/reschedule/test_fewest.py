"""Tests of what moves, placed with CP-SAT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lpxsched.reschedule.fewest import fewest_moved
from lpxsched.schedule.times.placement import Tasks
from lpxsched.units import NONE


def tasks_of(resource: list[int], length: list[int], release: list[int]) -> Tasks:
    """Return tasks that wait for nothing, on two links."""
    columns = [np.array(column, dtype=np.int64) for column in (resource, length, release)]
    nothing, nowhere = np.zeros(0, dtype=np.int64), np.full((len(release), 2), NONE, dtype=np.int64)
    return Tasks(
        columns[0],
        columns[1],
        columns[1],
        columns[2],
        *(nothing, nothing, nothing),
        port=nowhere,
        port_offset=np.zeros_like(nowhere),
        lanes=np.ones(2, dtype=np.int64),
        port_lanes=nothing,
    )


def test_one_row_moves_where_one_is_enough() -> None:
    """Tests rows released at 4 and 5 on a link that a new row holds during [0, 6), 4 cycles long each.

    As placed they start at 6 and 10: both moved. With the new row at the end, from 12 on, the first keeps 4; the second
    meets it at 5 and moves to 8.
    """
    tasks = tasks_of([0, 0, 0], [4, 4, 6], [4, 5, 0])
    found = fewest_moved(tasks, np.array([6, 10, 0]), np.array([False, False, True]))
    assert found.tolist() in ([4, 8, 12], [9, 5, 13])


def test_of_as_many_rows_the_shortest_are_taken() -> None:
    """Tests rows of 2 and 6 cycles released at 0 on a link that a third holds during [0, 1): both move by all means.

    The last start is least when the short one goes first: 1 and 3, in the place of 1 and 7.
    """
    tasks = tasks_of([0, 0, 0], [2, 6, 1], [0, 0, 0])
    found = fewest_moved(tasks, np.array([7, 1, 0]), np.zeros(3, dtype=np.bool_))
    assert found.tolist() == [1, 3, 0]


def test_what_waits_is_waited_for() -> None:
    """Tests that a row on another link which waits for the long one, 6 cycles, cannot start before it is through."""
    tasks = tasks_of([0, 0, 0, 1], [2, 6, 1, 1], [0, 0, 0, 0])
    tasks = replace(tasks, before=np.array([1]), after=np.array([3]), delay=np.array([6]))
    found = fewest_moved(tasks, np.array([7, 1, 0, 7]), np.zeros(4, dtype=np.bool_))
    assert found[3] >= found[1] + 6

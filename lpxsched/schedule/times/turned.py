"""Justification of timetables that repeat: the period stays, and one iteration takes less time.

Double justification as `times.placement` has it, but a task moves in a table in which all others keep their room, so
that none is ever without: as late as room is, the last first, then as early as it is, the first first. Where a turn has
cycles to spare each round moves tasks by about as many, past others that begin a turn earlier or later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import MOST_JUSTIFIED, MOST_PACKED_CELLS, TURNED_PASSES
from lpxsched.schedule.times.placement import Placement, backwards, placement_columns, precedence_order
from lpxsched.schedule.times.reservations import empty_table, hold_all, placement_of, settle

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.times.placement import Tasks


def turned(tasks: Tasks, placement: Placement, *, enough: int) -> Placement:
    """Return the best of a placement that repeats and of its justifications, with the same period.

    They stop where one wins nothing, or `enough` cycles are reached; of many tasks there are fewer.
    """
    cells = placement.period_cycles * int(tasks.lanes.sum() + tasks.port_lanes.sum())
    passes = min(TURNED_PASSES, MOST_JUSTIFIED * TURNED_PASSES // max(1, len(tasks)))
    for _ in range(passes if cells <= MOST_PACKED_CELLS else 0):
        if placement.makespan_cycles <= enough:
            break
        following = _turned_once(tasks, placement)
        if following.makespan_cycles >= placement.makespan_cycles:
            break
        placement = following
    return placement


def _turned_once(tasks: Tasks, placement: Placement) -> Placement:
    """Return a placement after one pass backwards and one forwards in time."""
    mirrored = backwards(tasks, placement.makespan_cycles)
    horizon = placement.makespan_cycles + int((mirrored.release - tasks.duration + tasks.length).max(initial=0))
    last_first = np.lexsort((-placement.start, -(placement.start + tasks.duration)))
    late = _settled(mirrored, replace(placement, start=horizon - placement.start - tasks.length), last_first)
    last = horizon - late.start - tasks.length
    return _settled(tasks, replace(late, start=last), np.lexsort((placement.start, last + tasks.length)))


def _settled(tasks: Tasks, placement: Placement, order: Integers) -> Placement:
    """Return each task of a placement, in an order, as early as the room that others leave then."""
    columns, start = placement_columns(tasks), np.zeros(len(tasks), dtype=np.int64)
    table = empty_table(tasks, placement.period_cycles, np.ones_like(tasks.lanes))
    hold_all(columns, table, placement.start, placement.lane)
    settle(columns, table, precedence_order(tasks, order.astype(np.int64)), start)
    return placement_of(tasks, columns, table, start)

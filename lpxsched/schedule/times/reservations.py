"""Modulo reservation tables: which task holds each cycle of a turn, on lanes and in ports (Rau, MICRO 27, 1994).

Unlike a turn of cells (`times.modulo`) a table lets tasks leave again, so that others take their place.

**Justification.** The period stays, and one iteration takes less time: double justification as `times.placement` has
it, but a task moves in a table in which all others keep their room, so that none is ever without. Where a turn has
cycles to spare each round moves tasks by about as many, past others that begin a turn earlier or later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import MOST_JUSTIFIED, MOST_PACKED_CELLS, TURN_PASSES
from lpxsched.schedule.times.placement import (
    Placement,
    TaskColumns,
    Tasks,
    backwards,
    placement_columns,
    precedence_order,
    ready_cycle,
)
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Whose a cycle is that nobody may have.
CLOSED = -2


class Reservations(NamedTuple):
    """A modulo reservation table.

    `lanes`, shape (lanes, period), and `ports` hold the task that has each cycle, `NONE` or `CLOSED`; ports have one
    cycle where no task has any. Of each task `begin` and `lane` are the cycle of the turn at which it begins, and its
    lane, `NONE` for one that holds nothing; `evicted` is how often it has had to leave. Tasks of a lane begin multiples
    of its `grid` apart, within a turn that begins with its `phase`, the cycle at which the first of them began, `NONE`
    before. `looks`, of one element, is how many more looks at cycles are worth it, see `times.evictions`.
    """

    lanes: NDArray[np.int32]
    ports: NDArray[np.int32]
    begin: Integers
    lane: Integers
    grid: Integers
    phase: Integers
    evicted: Integers
    looks: Integers


def empty_table(tasks: Tasks, period: int, grid: Integers, *, looks: int = NEVER) -> Reservations:
    """Return a table in which everything is free but for what is closed, given the grid of each resource.

    No task is longer than the period.
    """
    lanes = np.full((int(tasks.lanes.sum()), period), NONE, dtype=np.int32)
    first = np.cumsum(tasks.lanes) - tasks.lanes
    for resource, begin, length in zip(*(column.tolist() for column in tasks.closed), strict=True):
        cycles = np.arange(begin, begin + length) % period
        lanes[first[resource] : first[resource] + tasks.lanes[resource], cycles] = CLOSED
    ports = np.full((int(tasks.port_lanes.sum()), period if (tasks.port >= 0).any() else 1), NONE, dtype=np.int32)
    begin, lane = np.full((2, len(tasks)), NONE, dtype=np.int64)
    phase, evicted = np.full(len(lanes), NONE, dtype=np.int64), np.zeros(len(tasks), dtype=np.int64)
    return Reservations(lanes, ports, begin, lane, np.repeat(grid, tasks.lanes), phase, evicted, np.array([looks]))


@kernel
def left_of(tasks: TaskColumns, table: Reservations, owner: int, cycle: int) -> int:
    """Return for how many more cycles, this one included, the owner of a cycle holds its lane."""
    if owner < 0:
        return 1
    return int(tasks.length[owner] - (cycle - table.begin[owner]) % table.lanes.shape[1])


@kernel
def _port_row(tasks: TaskColumns, table: Reservations, port: int, cycle: int, task: int) -> int:
    """Return the row of a port in which a task, or nobody (`NONE`), has a cycle, `NONE` where there is none."""
    first = tasks.first_port[port] - tasks.first_port[0]
    for row in range(first, first + tasks.port_lanes[port]):
        if table.ports[row, cycle] == task:
            return int(row)
    return NONE


@kernel
def _has_ports(tasks: TaskColumns, table: Reservations, task: int, cycle: int) -> bool:
    """Return whether the ports of a task have room for it when it starts at a cycle."""
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % table.lanes.shape[1]
            if _port_row(tasks, table, port, at, NONE) < 0:
                return False
    return True


@kernel
def on_grid(table: Reservations, lane: int, cycle: int) -> int:
    """Return the first cycle from a given one on that is on the grid of a lane."""
    grid, period = table.grid[lane], table.lanes.shape[1]
    if grid == 1 or table.phase[lane] < 0:
        return cycle
    past = (cycle - table.phase[lane]) % period
    ahead = -past % grid
    return int(cycle + (ahead if past + ahead < period // grid * grid else period - past))


@kernel
def _first_on(tasks: TaskColumns, table: Reservations, task: int, lane: int, ready: int, before: int) -> int:
    """Return the first cycle from a given one on at which a task has room on a lane, `NEVER` if not before another."""
    period, length, cycle = table.lanes.shape[1], tasks.length[task], on_grid(table, lane, ready)
    while cycle < before:
        free, at = 0, 0
        while at < length:
            owner = table.lanes[lane, (cycle + at) % period]
            if owner == NONE:
                at += 1
            else:
                at += left_of(tasks, table, owner, (cycle + at) % period)
                free = at
        table.looks[0] -= 1
        if free == 0 and _has_ports(tasks, table, task, cycle):
            return cycle
        cycle = on_grid(table, lane, cycle + max(free, 1))
    return NEVER


@kernel
def first_free(tasks: TaskColumns, table: Reservations, task: int, ready: int) -> tuple[int, int]:
    """Return the first cycle within a turn at which a task has room, and the lane; `NEVER` where there is none."""
    resource, earliest, chosen = tasks.resource[task], ready + table.lanes.shape[1], NONE
    for lane in range(tasks.first_lane[resource], tasks.first_lane[resource] + tasks.lanes[resource]):
        cycle = _first_on(tasks, table, task, lane, ready, earliest)
        if cycle < earliest:
            earliest, chosen = cycle, lane
    return (earliest, chosen) if chosen >= 0 else (NEVER, chosen)


@kernel
def _hand_over(
    tasks: TaskColumns, table: Reservations, task: int, lane: int, cycle: int, owner: int, heir: int
) -> None:
    """Give the cycles of a task, which begins at one, on a lane and in its ports from their owner to an heir."""
    period = table.lanes.shape[1]
    for at in range(cycle, cycle + tasks.length[task]):
        table.lanes[lane, at % period] = heir
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % period
            table.ports[_port_row(tasks, table, port, at, owner), at] = heir


@kernel
def hold(tasks: TaskColumns, table: Reservations, task: int, lane: int, cycle: int) -> None:
    """Give a task its cycles of a lane and of its ports, which are free."""
    begin = cycle % table.lanes.shape[1]
    _hand_over(tasks, table, task, lane, cycle, NONE, task)
    table.begin[task], table.lane[task] = begin, lane
    if table.phase[lane] < 0:
        table.phase[lane] = begin


@kernel
def leave(tasks: TaskColumns, table: Reservations, task: int) -> None:
    """Free all that a task holds."""
    _hand_over(tasks, table, task, table.lane[task], table.begin[task], task, NONE)
    table.begin[task], table.lane[task] = NONE, NONE


@kernel
def settle(tasks: TaskColumns, table: Reservations, order: Integers, start: Integers) -> None:
    """Let each task, predecessors first, start as early as room for it is free, its own included."""
    for task in order:
        leave(tasks, table, task)
        cycle, lane = first_free(tasks, table, task, ready_cycle(tasks, start, task))
        hold(tasks, table, task, lane, cycle)
        start[task] = cycle


@kernel
def hold_all(tasks: TaskColumns, table: Reservations, start: Integers, lane: Integers) -> None:
    """Give all tasks what a placement that repeats gives them; its lanes count from the first of each resource."""
    for task in range(len(start)):
        hold(tasks, table, task, tasks.first_lane[tasks.resource[task]] + lane[task], start[task])


def placement_of(tasks: Tasks, columns: TaskColumns, table: Reservations, start: Integers) -> Placement:
    """Return the placement of tasks that a table holds, given their starts; its period is that of the table."""
    makespan_cycles = int((start + tasks.duration).max(initial=0))
    return Placement(start, table.lane - columns.first_lane[tasks.resource], makespan_cycles, table.lanes.shape[1])


def justified_in_turns(tasks: Tasks, placement: Placement, *, enough: int) -> Placement:
    """Return the best of a placement that repeats and of its justifications, with the same period.

    They stop where one wins nothing, or `enough` cycles are reached; of many tasks there are fewer.
    """
    cells = placement.period_cycles * int(tasks.lanes.sum() + tasks.port_lanes.sum())
    passes = min(TURN_PASSES, MOST_JUSTIFIED * TURN_PASSES // max(1, len(tasks)))
    for _ in range(passes if cells <= MOST_PACKED_CELLS else 0):
        if placement.makespan_cycles <= enough:
            break
        following = _justified_once(tasks, placement)
        if following.makespan_cycles >= placement.makespan_cycles:
            break
        placement = following
    return placement


def _justified_once(tasks: Tasks, placement: Placement) -> Placement:
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

"""Packing a turn: tasks that find no room take that of others, which look anew (iterative modulo scheduling).

First fit leaves holes that nobody can use, and then finds no room in a turn that is nearly full. Here a task that finds
none takes the room of those whose leaving costs least (Rau, MICRO 27, 1994). Since iterations do not wait for each
other that is a matter of cycles modulo the period alone: no precedence is in the way. Starts follow in the order of
precedences, each the next at which its room comes round.
"""

from __future__ import annotations

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import LOOKS_PER_TASK, MOST_PACKED_CELLS, PACKING_LOOKS
from lpxsched.schedule.times.placement import Placement, TaskColumns, Tasks, common_lengths, ready_cycle
from lpxsched.schedule.times.reservations import (
    CLOSED,
    Reservations,
    empty_table,
    first_free,
    hold,
    leave,
    left_of,
    on_grid,
    placement_of,
    settle,
)
from lpxsched.units import NEVER, NONE


@kernel
def _cheapest_row(tasks: TaskColumns, table: Reservations, port: int, cycle: int) -> int:
    """Return the row of a port that is free in a cycle, else that of the task that has had to leave least often."""
    first = tasks.first_port[port] - tasks.first_port[0]
    best, price = NONE, NEVER
    for row in range(first, first + tasks.port_lanes[port]):
        owner = table.ports[row, cycle]
        cost = 0 if owner == NONE else 1 + table.evicted[owner]
        if cost < price:
            best, price = row, cost
    return int(best)


@kernel
def _price(tasks: TaskColumns, table: Reservations, task: int, lane: int, cycle: int) -> int:
    """Return what it costs to start a task at a cycle: of all that must leave, 1 and how often they have had to."""
    period, at, price = table.lanes.shape[1], 0, 0
    while at < tasks.length[task]:
        owner = table.lanes[lane, (cycle + at) % period]
        if owner == CLOSED:
            return NEVER
        if owner == NONE:
            at += 1
        else:
            price += 1 + table.evicted[owner]
            at += left_of(tasks, table, owner, (cycle + at) % period)
        table.looks[0] -= 1
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % period
            owner = table.ports[_cheapest_row(tasks, table, port, at), at]
            price += 0 if owner == NONE else 1 + table.evicted[owner]
    return int(price)


@kernel
def _cheapest(tasks: TaskColumns, table: Reservations, task: int, ready: int) -> tuple[int, int]:
    """Return the cycle within a turn at which it costs least to start a task, the first of several, and the lane.

    Without ports only cycles count at which it begins where another ends, or ends where another begins.
    """
    period, length, resource = table.lanes.shape[1], tasks.length[task], tasks.resource[task]
    has_ports = tasks.port[task, 0] >= 0 or tasks.port[task, 1] >= 0
    best, earliest, chosen = NEVER, NEVER, NONE
    for lane in range(tasks.first_lane[resource], tasks.first_lane[resource] + tasks.lanes[resource]):
        row = table.lanes[lane]
        table.looks[0] -= period
        for cycle in range(ready, ready + period):
            first, last = cycle % period, (cycle + length - 1) % period
            if on_grid(table, lane, cycle) > cycle:
                continue
            if has_ports or row[first - 1] != row[first] or row[last] != row[(last + 1) % period]:
                price = _price(tasks, table, task, lane, cycle)
                if price < best or (price == best and cycle < earliest):
                    best, earliest, chosen = price, cycle, lane
    return earliest, chosen


@kernel
def _evict(tasks: TaskColumns, table: Reservations, owner: int, waiting: Integers, last: int) -> int:
    """Let a task leave and wait behind all others, and return who waits last then; nobody need not leave."""
    if owner < 0:
        return last
    leave(tasks, table, owner)
    table.evicted[owner] += 1
    waiting[last % len(waiting)] = owner
    return last + 1


@kernel
def _make_room(
    tasks: TaskColumns, table: Reservations, task: int, lane: int, cycle: int, waiting: Integers, last: int
) -> int:
    """Let all leave that are in the way of a task, and return who waits last then."""
    period = table.lanes.shape[1]
    for at in range(cycle, cycle + tasks.length[task]):
        last = _evict(tasks, table, table.lanes[lane, at % period], waiting, last)
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % period
            last = _evict(tasks, table, table.ports[_cheapest_row(tasks, table, port, at), at], waiting, last)
    return last


@kernel
def _pack(tasks: TaskColumns, table: Reservations, waiting: Integers, start: Integers, evicts: bool) -> bool:
    """Give each task cycles of the turn, those that wait one after the other; return whether all have any.

    `waiting` holds all tasks, predecessors first. Starts are a first guess: who had to leave starts anew. Unless it
    `evicts` others, each takes the first cycles that are free, ready or not: on a single lane that leaves no hole.
    """
    first, last = 0, len(waiting)
    while first < last:
        if evicts and table.looks[0] < 0:
            return False
        task = waiting[first % len(waiting)]
        first += 1
        ready = ready_cycle(tasks, start, task) if evicts else 0
        cycle, lane = first_free(tasks, table, task, ready)
        if lane < 0:
            if evicts:
                cycle, lane = _cheapest(tasks, table, task, ready)
            if lane < 0:
                return False
            last = _make_room(tasks, table, task, lane, cycle, waiting, last)
        hold(tasks, table, task, lane, cycle)
        start[task] = cycle
    return True


def _full_grid(tasks: Tasks, period: int) -> Integers:
    """Return the length of the tasks of each resource where they leave no room for one more in a turn, else 1."""
    resources = len(tasks.lanes)
    count = np.bincount(tasks.resource, minlength=resources)
    length = common_lengths(tasks)
    closed = np.bincount(tasks.closed.resource, minlength=resources) > 0
    return np.where((count == period // length * tasks.lanes) & ~closed, length, 1).astype(np.int64)


def packed(tasks: Tasks, columns: TaskColumns, order: Integers, period: int) -> Placement | None:
    """Return starts that repeat with a period; None where no room for all was found with as many looks as it is worth.

    No task is longer than the period. In the order predecessors come first; who comes first is early.
    """
    if period * int(tasks.lanes.sum() + tasks.port_lanes.sum()) > MOST_PACKED_CELLS:
        return None
    grid = _full_grid(tasks, period)
    # On grids all of them may ask for a port at once, off them lanes end up with holes.
    free = np.ones_like(grid)
    ways = [(grid, True), (free, True)] if (grid > 1).any() else [(free, True)]
    for tried, evicts in [*ways, (free, False)]:
        table = empty_table(tasks, period, tried, looks=PACKING_LOOKS + LOOKS_PER_TASK * len(tasks))
        start = np.zeros(len(tasks), dtype=np.int64)
        if _pack(columns, table, order.copy(), start, evicts):
            for _ in range(2):
                settle(columns, table, order, start)
            return placement_of(tasks, columns, table, start)
    return None

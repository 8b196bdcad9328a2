"""Timetables that repeat: the shortest period of a plan, and starts that keep it (modulo scheduling).

Iterations do not wait for each other and data may wait in SRAM for as long as it must, so the period of a plan is that
of its busiest resource: a task that finds no room in this turn of a lane takes the next. Tasks of one length stand on a
grid of that length, so that no room is lost between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from lpxsched.schedule.transfers.placing import Placement, placement_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.kernels import Flags, Integers
    from lpxsched.schedule.transfers.placing import Columns, Tasks

# Periods that are tried one cycle after the other before room is given for a whole task.
TIGHT_TRIES = 3
# Cells of the tables of lanes and cycles: beyond it a plan is not tried.
MOST_CELLS = 400_000_000


class Turn(NamedTuple):
    """One turn: which cycles of each lane and each port are taken, and the grid of each resource (1 for none)."""

    period: int
    lanes: Flags
    ports: Integers
    grid: Integers


def shortest_period(tasks: Tasks) -> int:
    """Return the least period that the loads of a plan allow."""
    resources = len(tasks.lanes)
    load = np.bincount(tasks.resource, weights=tasks.length, minlength=resources).astype(np.int64)
    count = np.bincount(tasks.resource, minlength=resources)
    grid = _grid(tasks)
    lanes = tasks.lanes
    periods = np.where(grid > 1, -(-count // lanes) * grid, -(-load // lanes))
    ports = np.bincount(tasks.port[tasks.port >= 0], minlength=len(tasks.port_lanes))
    return int(
        max(1, periods.max(initial=0), tasks.length.max(initial=0), (-(-ports // tasks.port_lanes)).max(initial=0))
    )


def _grid(tasks: Tasks) -> NDArray[np.int64]:
    """Return the length of the tasks of each resource where all are equally long, else 1."""
    longest, shortest = np.zeros(len(tasks.lanes), dtype=np.int64), np.full(len(tasks.lanes), 1 << 60)
    np.maximum.at(longest, tasks.resource, tasks.length)
    np.minimum.at(shortest, tasks.resource, tasks.length)
    return np.where(longest == shortest, np.maximum(longest, 1), 1).astype(np.int64)


def repeating(tasks: Tasks, order: NDArray[np.int64], *, enough: int, below: int) -> Placement | None:
    """Return starts with the shortest period that the loads and the order allow; None where it is not short enough.

    Parameters
    ----------
    tasks : Tasks
    order : ndarray of int64, shape (tasks,)
        In which tasks are placed, predecessors first.
    enough : int
        A lower bound of the period.
    below : int
        Periods from here on are of no use.
    """
    least = max(enough, shortest_period(tasks))
    longest = int(tasks.length.max(initial=1))
    for period in (*range(least, least + TIGHT_TRIES), least + longest, least + 2 * longest):
        if period >= below or period * int(tasks.lanes.sum()) > MOST_CELLS:
            return None
        turn = Turn(
            period,
            np.zeros((int(tasks.lanes.sum()), period), dtype=np.bool_),
            np.zeros((len(tasks.port_lanes), period if (tasks.port >= 0).any() else 1), dtype=np.int64),
            _grid(tasks),
        )
        start, lane, fits = _place_in_turns(placement_columns(tasks), turn, order)
        if fits:
            return Placement(start, lane, int((start + tasks.duration).max(initial=0)), period)
    return None


@njit(cache=True)
def _free_lane(turn: Turn, first: int, count: int, cycle: int, length: int) -> int:
    """Return a lane that is free for a task, -1 if none is."""
    for lane in range(first, first + count):
        free = True
        for step in range(length):
            if turn.lanes[lane, (cycle + step) % turn.period]:
                free = False
                break
        if free:
            return lane
    return -1


@njit(cache=True)
def _ports_free(tasks: Columns, turn: Turn, task: int, cycle: int) -> bool:
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % turn.period
            if turn.ports[port, at] >= tasks.port_lanes[port]:
                return False
    return True


@njit(cache=True)
def _on_grid(turn: Turn, grid: int, cycle: int) -> int:
    """Return the first cycle from a given one on that is on the grid of its turn."""
    whole = turn.period // grid * grid
    offset = cycle % turn.period
    beginning = cycle - offset
    on_grid = -(-offset // grid) * grid
    return beginning + (on_grid if on_grid < whole else turn.period)


@njit(cache=True)
def _place_in_turns(tasks: Columns, turn: Turn, order: Integers) -> tuple[Integers, Integers, bool]:
    start = np.zeros(len(order), dtype=np.int64)
    lane = np.zeros(len(order), dtype=np.int64)
    for task in order:
        ready = tasks.release[task]
        for index in range(tasks.offsets[task], tasks.offsets[task + 1]):
            ready = max(ready, start[tasks.before[index]] + tasks.delay[index])
        resource, length = tasks.resource[task], tasks.length[task]
        grid = turn.grid[resource]
        cycle = _on_grid(turn, grid, ready)
        chosen = -1
        while cycle < ready + 2 * turn.period:
            if _ports_free(tasks, turn, task, cycle):
                chosen = _free_lane(turn, tasks.first_lane[resource], tasks.lanes[resource], cycle, length)
                if chosen >= 0:
                    break
            cycle = _on_grid(turn, grid, cycle + 1)
        if chosen < 0:
            return start, lane, False
        for step in range(length):
            turn.lanes[chosen, (cycle + step) % turn.period] = True
        for side in range(2):
            port = tasks.port[task, side]
            if port >= 0:
                turn.ports[port, (cycle + tasks.port_offset[task, side]) % turn.period] += 1
        start[task], lane[task] = cycle, chosen - tasks.first_lane[resource]
    return start, lane, True

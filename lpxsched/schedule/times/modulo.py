"""Timetables that repeat: the shortest period of a plan, and starts that keep it (modulo scheduling).

Iterations do not wait for each other and data may wait in SRAM for as long as it must, so the period of a plan is that
of its busiest resource: a task that finds no room in this turn of a lane takes the next. Tasks of one length stand on a
grid of that length, so that no room is lost between them. Where ports are limited there is no grid: lanes on one would
all ask for a port in the same cycles. Where first fit finds no room, turns are packed (`times.evictions`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import FINE_PERIOD, MOST_CELLS, TIGHT_TRIES
from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.times.evictions import packed
from lpxsched.schedule.times.placement import (
    Placement,
    TaskColumns,
    Tasks,
    common_lengths,
    improved,
    placed,
    placement_columns,
    precedence_order,
    ready_cycle,
)
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turn(NamedTuple):
    """One turn of all lanes and ports, cut into cells.

    Cells of a lane of resource i are `grid[i]` cycles long (1 where there is no grid), and those of a port are one
    cycle long. Each lane has a row of cells in `following`, from `first_cell` on, each port one in `port_following`:
    `NONE` if that is free, or a later cell to look at instead; one cell more ends the row. `used` counts by port and
    cycle.
    """

    period: int
    grid: Integers
    first_cell: Integers
    following: NDArray[np.int32]
    port_following: NDArray[np.int32]
    used: Integers


def shortest_period(tasks: Tasks) -> int:
    """Return the least period that the loads of a plan allow."""
    resources = len(tasks.lanes)
    load = np.bincount(tasks.resource, weights=tasks.length, minlength=resources).astype(np.int64)
    count = np.bincount(tasks.resource, minlength=resources)
    length, lanes = common_lengths(tasks), tasks.lanes
    closed = np.bincount(tasks.closed.resource, weights=tasks.closed.length, minlength=resources).astype(np.int64)
    periods = np.where(length > 1, -(-count // lanes) * length, -(-load // lanes)) + closed * (count > 0)
    ports = np.bincount(tasks.port[tasks.port >= 0], minlength=len(tasks.port_lanes))
    return int(
        max(1, periods.max(initial=0), tasks.length.max(initial=0), (-(-ports // tasks.port_lanes)).max(initial=0))
    )


def settled(tasks: Tasks, order: Integers, *, enough: int, cyclic: bool, below: int = NEVER) -> Placement | None:
    """Return times of tasks, justified; of what repeats (`cyclic`) with a period, None where that is not `below` one.

    `enough` is a lower bound of the makespan, or of the period.
    """
    if not cyclic:
        return improved(tasks, order, enough=enough)
    return in_turns(tasks, placed(tasks, order), enough=enough, below=below)


def in_turns(tasks: Tasks, placement: Placement, *, enough: int = 1, below: int = NEVER) -> Placement | None:
    """Return tasks that repeat as often as possible in the order of a placement, at worst one round after the other.

    None where that is not short enough; `enough` and `below` as `repeating` has them.
    """
    ends = placement.start + np.maximum(tasks.length, tasks.duration)
    whole = replace(placement, period_cycles=max(1, int(ends.max(initial=0))))
    in_time = np.argsort(placement.start, kind="stable").astype(np.int64)
    shorter = min(below, max(whole.period_cycles, enough + 1))
    again = repeating(tasks, precedence_order(tasks, in_time), enough=enough, below=shorter) or whole
    return again if again.period_cycles < below else None


def repeating(tasks: Tasks, order: Integers, *, enough: int, below: int) -> Placement | None:
    """Return starts with the shortest period that the loads and the order allow; None where it is not short enough.

    Predecessors come first in the order. `enough` is a lower bound of the period, `below` where periods are of no use.
    """
    least = max(enough, shortest_period(tasks))
    columns, failed = placement_columns(tasks), least - 1
    for period in _periods(least, int(tasks.length.max(initial=1)), below):
        if period * int(tasks.lanes.sum()) > MOST_CELLS:
            return None
        found = _with_period(tasks, columns, order, period, packs=period == least)
        if found is not None:
            return _bisected(tasks, columns, order, failed, found)
        failed = period
    return None


def _periods(least: int, longest: int, below: int) -> Iterator[int]:
    """Yield periods to try, each below a limit: tight ones, then with room for ever more of the longest tasks."""
    yield from range(least, min(least + TIGHT_TRIES, below))
    period = least + max(TIGHT_TRIES, longest)
    while period < below:
        yield period
        period += period - least
    if least + TIGHT_TRIES < below < NEVER:
        yield below - 1


def _bisected(tasks: Tasks, columns: TaskColumns, order: Integers, failed: int, found: Placement) -> Placement:
    """Return starts with a shorter period, between one that was not kept and one that was, as far as that is worth it.

    A period may be kept although a longer one is not, so it need not be the shortest that the order allows.
    """
    while found.period_cycles - failed > max(1, failed // FINE_PERIOD):
        period = (failed + found.period_cycles) // 2
        shorter = _with_period(tasks, columns, order, period, packs=True)
        if shorter is None:
            failed = period
        else:
            found = shorter
    return found


def _with_period(tasks: Tasks, columns: TaskColumns, order: Integers, period: int, *, packs: bool) -> Placement | None:
    """Return starts with a period by first fit or, where that fails and packing is worth it, of a packed turn."""
    start, lane = np.zeros((2, len(tasks)), dtype=np.int64)
    if not place_in_turns(columns, empty_turn(tasks, period), order, start, lane):
        return packed(tasks, columns, order, period) if packs else None
    return Placement(start, lane, int((start + tasks.duration).max(initial=0)), period)


def empty_turn(tasks: Tasks, period: int, *, in_cycles: bool = False) -> Turn:
    """Return a turn in which everything is free but for what is closed; its cells are as coarse as tasks allow.

    They are single cycles (`in_cycles`) where what is closed may lie anywhere.
    """
    in_cycles = in_cycles or bool((tasks.port >= 0).any())
    grid = np.ones_like(tasks.lanes) if in_cycles else common_lengths(tasks)
    row = np.repeat(period // grid + 1, tasks.lanes)
    port_cycles = period if (tasks.port >= 0).any() else 0
    first_cell, following = np.cumsum(row) - row, np.full(int(row.sum()), NONE, dtype=np.int32)
    first_lane = np.cumsum(tasks.lanes) - tasks.lanes
    resource, begin, length = tasks.closed
    row, apart = row_and_place(length)
    of_cycle = resource[row]
    cells = (begin[row] + apart) % period // grid[of_cycle]
    taken, lane = row_and_place(np.where(cells < period // grid[of_cycle], tasks.lanes[of_cycle], 0))
    following[first_cell[first_lane[of_cycle[taken]] + lane] + cells[taken]] = cells[taken] + 1
    return Turn(
        period,
        grid,
        first_cell,
        following,
        np.full(len(tasks.port_lanes) * (port_cycles + 1), NONE, dtype=np.int32),
        np.zeros((len(tasks.port_lanes), max(1, port_cycles)), dtype=np.int64),
    )


@kernel
def _next_free(following: NDArray[np.int32], first: int, cell: int) -> int:
    """Return the first free cell of a row from a given one on.

    Sets of taken cells are joined as those of Gabow and Tarjan (Journal of Computer and System Sciences 30, 1985).
    """
    free = cell
    while following[first + free] >= 0:
        free = following[first + free]
    while cell != free:
        further = following[first + cell]
        following[first + cell] = free
        cell = further
    return free


@kernel
def _next_turning(following: NDArray[np.int32], first: int, cells: int, cell: int) -> int:
    """Return the first free cell from a given one on, counted on into the next turn; `NEVER` where none is."""
    free = _next_free(following, first, cell)
    if free < cells:
        return free
    free = _next_free(following, first, 0)
    return free + cells if free < cells else NEVER


@kernel
def _next_run(following: NDArray[np.int32], first: int, cells: int, cell: int, length: int) -> int:
    """Return the first of so many free cells in a row from a given cell on, counted on into next turns, or `NEVER`."""
    begin, last = cell, cell + 2 * cells
    while length > 0:
        free = _next_turning(following, first, cells, begin % cells)
        begin += free - begin % cells
        if free >= NEVER or begin >= last:
            return NEVER
        step = 1
        while step < length and following[first + (begin + step) % cells] < 0:
            step += 1
        if step == length:
            break
        begin += step
    return begin


@kernel
def _earliest(tasks: TaskColumns, turn: Turn, resource: int, ready: int, length: int) -> tuple[int, int]:
    """Return the first cycle from a given one on at which a lane of a resource is free, and the lane."""
    grid, chosen, earliest = turn.grid[resource], NONE, NEVER
    cells, begin = turn.period // grid, ready // turn.period * turn.period
    # What is left of the turn may be less than a cell, then it is the next turn's first.
    cell = -(-(ready - begin) // grid)
    if cell >= cells:
        cell, begin = 0, begin + turn.period
    for lane in range(tasks.first_lane[resource], tasks.first_lane[resource] + tasks.lanes[resource]):
        found = _next_run(turn.following, turn.first_cell[lane], cells, cell, length // grid)
        if found < NEVER:
            cycle = begin + found // cells * turn.period + found % cells * grid
            if cycle < earliest:
                chosen, earliest = lane, cycle
    return earliest, chosen


@kernel
def _ports_free(tasks: TaskColumns, turn: Turn, task: int, cycle: int) -> int:
    """Return the cycle, or where a port of a task is full then, the next at which that has room; `NEVER` if none."""
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % turn.period
            free = _next_turning(turn.port_following, port * (turn.period + 1), turn.period, at)
            if free >= NEVER:
                return NEVER
            if free > at:
                return int(cycle + free - at)
    return cycle


@kernel
def _take(tasks: TaskColumns, turn: Turn, task: int, lane: int, cycle: int) -> None:
    """Take the cells of a task, and its room in ports."""
    grid = turn.grid[tasks.resource[task]]
    cells, cell = turn.period // grid, cycle % turn.period // grid
    for step in range(tasks.length[task] // grid):
        taken = (cell + step) % cells
        turn.following[turn.first_cell[lane] + taken] = taken + 1
    for side in range(2):
        port = tasks.port[task, side]
        if port >= 0:
            at = (cycle + tasks.port_offset[task, side]) % turn.period
            turn.used[port, at] += 1
            if turn.used[port, at] >= tasks.port_lanes[port]:
                turn.port_following[port * (turn.period + 1) + at] = at + 1


@kernel
def place_in_turns(tasks: TaskColumns, turn: Turn, order: Integers, start: Integers, lane: Integers) -> bool:
    """Give each task the first start and lane that are free; return whether all have any within two turns."""
    for task in order:
        ready = ready_cycle(tasks, start, task)
        resource, cycle, chosen = tasks.resource[task], ready, NONE
        while chosen < 0:
            cycle, found = _earliest(tasks, turn, resource, cycle, tasks.length[task])
            if cycle >= ready + 2 * turn.period:
                return False
            free = _ports_free(tasks, turn, task, cycle)
            if free == cycle:
                chosen = found
            cycle = free
        _take(tasks, turn, task, chosen, cycle)
        start[task], lane[task] = cycle, chosen - tasks.first_lane[resource]
    return True

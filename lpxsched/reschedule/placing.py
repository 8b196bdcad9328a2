"""Some tasks placed anew beside all others, which keep their cycles; once, or in turns of a period."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.calendars import Closed, calendars_of, united
from lpxsched.schedule.times.modulo import empty_turn, place_in_turns
from lpxsched.schedule.times.placement import Tasks, place_tasks, placement_columns

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers


def placed_again(tasks: Tasks, free: Flags, order: Integers, period_cycles: int) -> Integers | None:
    """Return the starts of all tasks: of free ones anew, each as early as what it waits for and the others allow.

    None where the period has no room.

    Parameters
    ----------
    tasks : Tasks
        Released at the starts of before. Slots hold ports for one cycle: where those are limited they are of a vector.
    free : ndarray of bool, shape (tasks,)
    order : ndarray of int64, shape (tasks,)
        In which free tasks are placed, predecessors first.
    period_cycles : int
        0 on demand.
    """
    start = tasks.release.copy()
    if not free.any():
        return start
    # Links and units that no free task needs are left out.
    needed, resource = np.unique(tasks.resource[free], return_inverse=True)
    place = np.full(len(tasks.lanes), -1, dtype=np.int64)
    place[needed] = np.arange(len(needed))
    stays = np.flatnonzero(~free & (tasks.length > 0) & (place[tasks.resource] >= 0))
    rows = np.flatnonzero(place[tasks.closed.resource] >= 0)
    parts = [
        Closed(*(column[rows] for column in tasks.closed)),
        Closed(tasks.resource[stays], start[stays], tasks.length[stays]),
    ]
    busy = united([part._replace(resource=place[part.resource]) for part in parts])
    of_free = np.zeros_like(tasks.resource)
    of_free[free] = resource.reshape(-1)
    left = replace(tasks, resource=of_free, lanes=np.ones(len(needed), dtype=np.int64), closed=busy)
    if not period_cycles:
        _place_once(left, free, order, start)
    elif not _place_in_turns(left, free, order, start, period_cycles):
        return None
    return start


def tightest(tasks: Tasks, period_cycles: int) -> tuple[int, int, int]:
    """Return the resource with the least time to spare: what tasks hold of it, and what others leave of the period."""
    held = np.bincount(tasks.resource, weights=tasks.length, minlength=len(tasks.lanes)).astype(np.int64)
    closed, needed = np.zeros(len(tasks.lanes), dtype=np.int64), np.flatnonzero(held)
    rows = np.flatnonzero(held[tasks.closed.resource] > 0)
    columns = (tasks.closed.resource[rows], tasks.closed.begin[rows], tasks.closed.length[rows])
    cycles: defaultdict[int, set[int]] = defaultdict(set)
    for resource, begin, length in zip(*(column.tolist() for column in columns), strict=True):
        # Iterations that follow each other close the same cycles of the period.
        cycles[resource].update((begin + cycle) % period_cycles for cycle in range(min(length, period_cycles)))
    for resource, taken in cycles.items():
        closed[resource] = len(taken)
    most = int(needed[np.argmax((held + closed)[needed])])
    return most, int(held[most]), period_cycles - int(closed[most])


def _place_once(tasks: Tasks, free: Flags, order: Integers, start: Integers) -> None:
    columns, lane = placement_columns(tasks), np.zeros_like(start)
    port, cycle = _port_cycles(tasks, free)
    # What stays at one port in one cycle takes lanes of it one after the other.
    _, first, run = np.unique(np.stack([port, cycle]), axis=1, return_index=True, return_inverse=True)
    taken = np.minimum(np.arange(len(port)) - first[run.reshape(-1)], tasks.port_lanes[port] - 1)
    at_ports = Closed(columns.first_port[port] + taken, cycle, np.ones_like(cycle))
    busy, lanes = united([tasks.closed, at_ports]), len(tasks.lanes) + int(tasks.port_lanes.sum())
    calendars = calendars_of(busy, np.ones(lanes, dtype=np.int64), room=3 * len(start))
    place_tasks(columns, calendars, order[free[order]], start, lane)


def _place_in_turns(tasks: Tasks, free: Flags, order: Integers, start: Integers, period: int) -> bool:
    turn = empty_turn(tasks, period, in_cycles=True)
    port, cycle = _port_cycles(tasks, free)
    np.add.at(turn.used, (port, cycle % period), 1)
    full = np.nonzero(turn.used >= tasks.port_lanes[:, None]) if len(tasks.port_lanes) else (port, cycle)
    turn.port_following[full[0] * (period + 1) + full[1]] = full[1] + 1
    return bool(place_in_turns(placement_columns(tasks), turn, order[free[order]], start, np.zeros_like(start)))


def _port_cycles(tasks: Tasks, free: Flags) -> tuple[Integers, Integers]:
    """Return the ports that tasks which stay hold, and the cycles, sorted by both."""
    row, side = np.nonzero((tasks.port >= 0) & ~free[:, None])
    port, cycle = tasks.port[row, side], tasks.release[row] + tasks.port_offset[row, side]
    order = np.lexsort((cycle, port))
    return port[order], cycle[order]

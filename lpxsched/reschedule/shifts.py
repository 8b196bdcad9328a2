"""Later times for rows that cannot keep theirs: no more of them than have to wait.

All rows keep their cycles but those that wait for something which now comes later. These are placed again, in the
order of their old times, where links and units are free beside the rest; what waits for them joins them, until
nothing waits in vain. In the worst case all of the segment is placed anew, so that this always ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.free_time import joined
from lpxsched.reschedule.tasks import precedences
from lpxsched.schedule.times.calendars import Closed, close, empty_calendars
from lpxsched.schedule.times.placement import Tasks, place_tasks, placement_columns, precedence_order
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import Wires


def shifted(moves: Moves, work: Work, wires: Wires, closed: Closed) -> Integers:
    """Return when slots, then operators start, none earlier than now.

    Parameters
    ----------
    moves : Moves
    work : Work
    wires : Wires
    closed : Closed
        When deskews close links and units (numbered behind the links, two a node) for what moves.
    """
    old = np.concatenate([moves.depart, work.start])
    tasks = _tasks(moves, work, wires, old, closed)
    order, free = precedence_order(tasks, np.argsort(old, kind="stable")), np.zeros(len(old), dtype=np.bool_)
    while True:
        start = _placed(tasks, free, order)
        waiting = (start[tasks.after] < start[tasks.before] + tasks.delay) & ~free[tasks.after]
        if not waiting.any():
            return start
        free[tasks.after[waiting]] = True


def _placed(tasks: Tasks, free: Flags, order: Integers) -> Integers:
    """Return the starts of all tasks: of free ones anew, each as early as what it waits for and the others allow."""
    start = tasks.release.copy()
    if not free.any():
        return start
    stays = np.flatnonzero(~free & (tasks.length > 0))
    busy = joined([tasks.closed, Closed(tasks.resource[stays], start[stays], tasks.length[stays])])
    resources = np.arange(len(tasks.lanes), dtype=np.int64)
    calendars = empty_calendars(np.ones_like(resources), len(busy.begin) + len(free))
    close(calendars, busy, resources, tasks.lanes)
    lane = np.zeros_like(start)
    place_tasks(placement_columns(tasks), calendars, order[free[order]], start, lane)
    return start


def _tasks(moves: Moves, work: Work, wires: Wires, old: Integers, closed: Closed) -> Tasks:
    links, units = len(wires.hop), 2 * len(wires.turnaround)
    waits = precedences(moves, work, wires)
    busy = np.where(work.unit == NONE, 0, work.cycles)
    length = np.concatenate([wires.hold_cycles(moves.link, moves.vectors), busy])
    nowhere = np.full((len(old), 2), NONE, dtype=np.int64)
    return Tasks(
        resource=np.concatenate([moves.link, links + np.maximum(work.unit, 0)]),
        length=length,
        duration=length,
        release=old,
        before=waits.before,
        after=waits.after,
        delay=waits.delay,
        port=nowhere,
        port_offset=np.zeros_like(nowhere),
        lanes=np.ones(links + units, dtype=np.int64),
        port_lanes=np.zeros(0, dtype=np.int64),
        closed=closed,
    )

"""When links are free beside rows that stay, over all turns of a timetable that repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.calendars import Calendars, Closed, united
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.reschedule.tasks import Moves
    from lpxsched.reschedule.wires import WireTimes


def busy(moves: Moves, wires: WireTimes, shifts: Sequence[int]) -> Closed:
    """Return when slots hold links, once for each shift in cycles."""
    hold, shift = wires.hold_cycles(moves.link, moves.vectors), np.array(shifts, dtype=np.int64)
    begin = (moves.depart[:, None] + shift).reshape(-1)
    return Closed(np.repeat(moves.link, len(shift)), begin, np.repeat(hold, len(shift)))


def deskewing(deskews: Sequence[tuple[int, int]], wires: WireTimes) -> Closed:
    """Return when deskews (cycle, stall) close links and units: no slot departs before one and is read after it.

    That is stricter than R9, which lets a slot fly across with the residuals of two deskews in its guard.
    """
    links = np.arange(len(wires.hop), dtype=np.int64)
    units = len(links) + np.arange(2 * len(wires.host), dtype=np.int64)
    parts = []
    for cycle, stall in deskews:
        if stall:
            parts.append(Closed(links, cycle - wires.hop, wires.hop + stall))
            parts.append(Closed(units, np.full_like(units, cycle), np.full_like(units, stall)))
    return united(parts)


def turns(period_cycles: int, lasting_cycles: int) -> list[int]:
    """Return the shifts of the iterations that meet one of so many cycles; on demand (period 0) there is one."""
    if not period_cycles:
        return [0]
    most = ceil_div(lasting_cycles, period_cycles) + 1
    return [turn * period_cycles for turn in range(-most, most + 1)]


def with_room(calendars: Calendars, intervals: int) -> Calendars:
    """Return a copy with room for so many intervals more."""
    size = int(calendars.used[0])
    more = np.zeros(intervals, dtype=np.int64)
    rows = {name: np.concatenate([getattr(calendars, name)[:size], more]) for name in ("before", "start", "end")}
    return Calendars(calendars.shortest, calendars.latest.copy(), **rows, used=calendars.used.copy())

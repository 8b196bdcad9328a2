"""Later times for rows that cannot keep theirs: no more of them than have to wait.

All rows keep their cycles but those that wait for something which now comes later. These are placed again, in the
order of their old times, where links and units are free beside the rest; what waits for them joins them, until
nothing waits in vain. In the worst case all of the segment is placed anew, so that this always ends. In a frame that
repeats links and units are free where no iteration holds them, modulo the period. Where few move, `fewest` looks for
fewer, and for shorter ways to place them.

Where vectors that begin or end at a node in a cycle are limited (R7), what moves keeps to that by its first vectors,
and new rows are placed with what moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.reschedule.deskews import around_deskews
from lpxsched.reschedule.needs import users_of
from lpxsched.reschedule.placing import placed_again, tightest
from lpxsched.reschedule.tasks import precedences
from lpxsched.schedule.times.placement import Precedences, Tasks, precedence_order
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.reschedule.deskews import Stalls
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes
    from lpxsched.schedule.times.calendars import Closed

REMEDY = "compile on the fabric that is left"


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What rows of a segment are placed beside.

    Attributes
    ----------
    closed : Closed
        When links and units (numbered behind the links, two a node) are closed whatever the segment does.
    period_cycles : int
        0 on demand.
    stalls : Stalls
        Deskews that may come later.
    inject, eject : int
        Most vectors that may begin, and end, at a node in a cycle; `NONE` without a limit.
    """

    closed: Closed
    period_cycles: int
    stalls: Stalls
    inject: int
    eject: int

    @property
    def limits_ports(self) -> bool:
        """Whether vectors that begin or end at a node in a cycle are limited."""
        return self.inject != NONE or self.eject != NONE


class Rows(NamedTuple):
    """Slots of a segment, shape (slots,), on ways that stand.

    `was` is when they departed before, or those in whose place they are; `is_new` those that were not there before;
    `gives_way` those that are placed anew whatever happens.
    """

    moves: Moves
    was: Integers
    is_new: Flags
    gives_way: Flags


def shifted(rows: Rows, work: Work, wires: WireTimes, beside: Beside) -> Integers:
    """Return when slots, then operators, then deskews start, none earlier than now but for new ones.

    Parameters
    ----------
    rows : Rows
    work : Work
    wires : WireTimes
    beside : Beside

    Raises
    ------
    NothingFoundError
        When the period has no room for what moves.
    """
    slots = len(rows.was)
    old = np.concatenate([rows.moves.depart, work.start, beside.stalls.cycle])
    tasks = _tasks(rows, work, wires, old, beside)
    order = precedence_order(tasks, np.argsort(old, kind="stable"))
    waits = rows.gives_way | (rows.is_new & (_colliding(tasks, slots, beside.period_cycles) | beside.limits_ports))
    free = np.append(waits, np.zeros(len(old) - slots, dtype=np.bool_))
    while True:
        start = placed_again(tasks, free, order, beside.period_cycles)
        if start is None:
            if free.all():
                raise NothingFoundError(_no_room(tasks, wires, beside.period_cycles), remedy=REMEDY)
            # What stays cuts a full period into holes.
            free[:] = True
            continue
        waiting = (start[tasks.after] < start[tasks.before] + tasks.delay) & ~free[tasks.after]
        if not waiting.any():
            break
        free[tasks.after[waiting]] = True
    if beside.period_cycles or beside.limits_ports or not (start > old).any():
        return start
    from lpxsched.reschedule.fewest import fewest_moved

    return fewest_moved(tasks, start, rows.is_new)


def _no_room(tasks: Tasks, wires: WireTimes, period_cycles: int) -> str:
    """Return why nothing was found in a period: the link or the unit with the least time to spare."""
    resource, held, left = tightest(tasks, period_cycles)
    links = len(wires.hop)
    where = (
        f"link {resource} ({wires.source[resource]} -> {wires.destination[resource]})"
        if resource < links
        else f"a unit of node {(resource - links) // 2}"
    )
    why = f"{where} would be held for {held} cycles, others leave {left} of them"
    return f"a period of {period_cycles} cycles has no room for rows that would have to move: {why}"


def _colliding(tasks: Tasks, slots: int, period: int) -> Flags:
    """Return slots that meet another on their link: what is left of one that was cut departs in a whole cycle."""
    link, length = tasks.resource[:slots], tasks.length[:slots]
    begin = tasks.release[:slots] % period if period else tasks.release[:slots]
    order = np.lexsort((begin, link))
    meets = (link[order][1:] == link[order][:-1]) & (begin[order][1:] < (begin + length)[order][:-1])
    colliding = np.zeros(slots, dtype=np.bool_)
    colliding[order[1:][meets]] = colliding[order[:-1][meets]] = True
    return colliding


def _tasks(rows: Rows, work: Work, wires: WireTimes, old: Integers, beside: Beside) -> Tasks:
    moves, links, nodes = rows.moves, len(wires.hop), len(wires.turnaround)
    waits = precedences(moves, work, wires)
    deskewing = around_deskews(moves, work, wires, rows.was, beside.stalls, waits)
    waits = Precedences(*(np.concatenate(pair) for pair in zip(waits, deskewing, strict=True)))
    busy = np.where(work.unit == NONE, 0, work.cycles)
    # A deskew holds nothing: all wait for it.
    nothing = np.zeros_like(beside.stalls.cycle)
    length = np.concatenate([wires.hold_cycles(moves.link, moves.vectors), busy, nothing])
    port = np.full((len(old), 2), NONE, dtype=np.int64)
    offset = np.zeros_like(port)
    slots = np.arange(len(moves.tensor))
    if beside.inject != NONE:
        port[slots, 0] = np.where(work.made_at[moves.tensor] == moves.source, moves.source, NONE)
    if beside.eject != NONE:
        users = users_of(moves, work)
        port[slots, 1] = np.where(np.isin(slots, users.slot[users.by < 0]), nodes + moves.destination, NONE)
        offset[slots, 1] = moves.hop
    limits = np.repeat([max(1, beside.inject), max(1, beside.eject)], nodes * beside.limits_ports)
    return Tasks(
        resource=np.concatenate([moves.link, links + np.maximum(work.unit, 0), nothing]),
        length=length,
        duration=length,
        release=old,
        before=waits.before,
        after=waits.after,
        delay=waits.delay,
        port=port,
        port_offset=offset,
        lanes=np.ones(links + 2 * nodes, dtype=np.int64),
        port_lanes=limits.astype(np.int64),
        closed=beside.closed,
    )

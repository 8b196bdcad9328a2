"""Calendars of links and units: linked lists of busy intervals, latest first, and the gaps between them.

**Deskews.** Within [c, c + s) nothing departs, is read or runs (R9), and nothing flies across it: a vector that is
read after another alignment than it left by would need the guard of both. A slot that holds its link during [a, b) is
read during [a + hop, b + hop) at most, so a link is closed for [c - hop, c + s), a unit for [c, c + s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.schedule.problem.wires import Wires


class Calendars(NamedTuple):
    """Busy intervals of lanes and units: newest of each calendar, the one before each, its start and end.

    `shortest` is the least length that anything on a calendar has: shorter holes stay empty for ever.
    """

    shortest: Integers
    latest: Integers
    before: Integers
    start: Integers
    end: Integers
    used: Integers


class Closed(NamedTuple):
    """When nothing may be on resources, a row each: disjoint intervals of each resource, which close all its lanes."""

    resource: Integers
    begin: Integers
    length: Integers


def closed_by(deskews: Sequence[tuple[int, int]], wires: Wires, units: int) -> Closed:
    """Return what deskews, by cycle and stall, close of the resources of wires, and of units numbered behind these."""
    hop = np.zeros(len(wires.lanes) + units, dtype=np.int64)
    hop[wires.resource] = wires.hop
    every = np.arange(len(hop), dtype=np.int64)
    return united([Closed(every, cycle - hop, hop + stall) for cycle, stall in deskews])


def united(parts: Sequence[Closed]) -> Closed:
    """Return the union of intervals, what touches as one, sorted by resource and begin."""
    nothing = [Closed(*(np.zeros(0, dtype=np.int64) for _ in Closed._fields))]
    whole = Closed(*(np.concatenate(column) for column in zip(*nothing, *parts, strict=True)))
    order = np.lexsort((whole.begin, whole.resource))
    resource, begin, length = (column[order] for column in whole)
    # Resources lie apart on one axis, so that the latest end before an interval is of its own resource.
    span = int((begin + length).max(initial=0) - begin.min(initial=0)) + 1
    reached = np.maximum.accumulate(begin + length + resource * span)
    opens = np.append(True, (begin + resource * span)[1:] > reached[:-1])[: len(begin)]
    first = np.flatnonzero(opens)
    ends = reached[np.append(first[1:], len(begin))[: len(first)] - 1] - resource[first] * span
    return Closed(resource[first], begin[first], ends - begin[first])


def empty_calendars(shortest: Integers, intervals: int) -> Calendars:
    """Return calendars with room for so many intervals on all of them; `shortest` as `Calendars` has it."""
    return Calendars(
        shortest=shortest,
        latest=np.full(len(shortest), NONE, dtype=np.int64),
        before=np.empty(intervals, dtype=np.int64),
        start=np.empty(intervals, dtype=np.int64),
        end=np.empty(intervals, dtype=np.int64),
        used=np.zeros(1, dtype=np.int64),
    )


@kernel
def earliest_gap(calendars: Calendars, calendar: int, ready: int, length: int) -> int:
    """Return the first cycle from `ready` on at which a calendar is free for `length` cycles; none needs no room."""
    if length == 0:
        return ready
    best = NEVER
    ceiling = NEVER
    interval = calendars.latest[calendar]
    while interval >= 0 and calendars.end[interval] > ready:
        if calendars.end[interval] + length <= ceiling:
            best = calendars.end[interval]
        ceiling = calendars.start[interval]
        interval = calendars.before[interval]
    return ready if ready + length <= ceiling else best


@kernel
def insert(calendars: Calendars, calendar: int, begin: int, end: int, earlier: int, later: int) -> None:
    """Put a new interval between two that neighbour it; `NONE` where there is none."""
    used = calendars.used[0]
    calendars.start[used], calendars.end[used] = begin, end
    calendars.before[used] = earlier
    if later < 0:
        calendars.latest[calendar] = used
    else:
        calendars.before[later] = used
    calendars.used[0] = used + 1


@kernel
def reserve(calendars: Calendars, calendar: int, begin: int, length: int) -> None:
    """Enter an interval into a calendar, keeping it sorted; intervals with no usable hole between them become one."""
    if length == 0:
        return
    end = begin + length
    later = NONE
    earlier = calendars.latest[calendar]
    while earlier >= 0 and calendars.start[earlier] > begin:
        later = earlier
        earlier = calendars.before[earlier]
    shortest = calendars.shortest[calendar]
    touches_earlier = earlier >= 0 and begin - calendars.end[earlier] < shortest
    touches_later = later >= 0 and calendars.start[later] - end < shortest
    if touches_earlier and touches_later:
        calendars.start[later] = calendars.start[earlier]
        calendars.before[later] = calendars.before[earlier]
    elif touches_earlier:
        calendars.end[earlier] = end
    elif touches_later:
        calendars.start[later] = begin
    else:
        insert(calendars, calendar, begin, end, earlier, later)


@kernel
def close(calendars: Calendars, closed: Closed, first: Integers, lanes: Integers) -> None:
    """Close all lanes of resources, of which each has so many from its first on."""
    for row in range(len(closed.resource)):
        resource = closed.resource[row]
        for lane in range(first[resource], first[resource] + lanes[resource]):
            reserve(calendars, lane, closed.begin[row], closed.length[row])


def calendars_of(closed: Closed, shortest: Integers, *, room: int = 0) -> Calendars:
    """Return calendars, each its own resource, that are busy in disjoint intervals, with room for so many more."""
    calendars, each = empty_calendars(shortest, len(closed.begin) + room), np.arange(len(shortest), dtype=np.int64)
    close(calendars, closed, each, np.ones_like(each))
    return calendars


@kernel
def earliest_of(calendars: Calendars, first: int, count: int, ready: int, length: int) -> tuple[int, int]:
    """Return the calendar of several that is free first, and that cycle."""
    best, cycle = first, NEVER
    for calendar in range(first, first + count):
        found = earliest_gap(calendars, calendar, ready, length)
        if found < cycle:
            best, cycle = calendar, found
            if cycle == ready:
                break
    return best, cycle

"""What happens next: a heap of events, those of one time in the order in which they were noted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel

SIZE, NOTED = 0, 1


class Events(NamedTuple):
    """Times in ps, numbers and what happens, as a binary heap; `counters` are how many wait, and were ever noted."""

    time: Integers
    number: Integers
    what: Integers
    counters: Integers


def no_events(most: int) -> Events:
    """Return room for so many events at once."""
    time, number, what = (np.empty(most, dtype=np.int64) for _ in range(3))
    return Events(time, number, what, np.zeros(2, dtype=np.int64))


@kernel
def note(events: Events, time: int, what: int) -> None:
    """Note what happens at a time."""
    number, place = events.counters[NOTED], events.counters[SIZE]
    events.counters[NOTED] = number + 1
    events.counters[SIZE] = place + 1
    while place > 0:
        above = (place - 1) >> 1
        # What is noted now comes after all of its time.
        if events.time[above] <= time:
            break
        events.time[place], events.number[place] = events.time[above], events.number[above]
        events.what[place] = events.what[above]
        place = above
    events.time[place], events.number[place], events.what[place] = time, number, what


@kernel
def take_first(events: Events) -> tuple[int, int]:
    """Take what happens next: its time, and what it is."""
    first, what = events.time[0], events.what[0]
    size = events.counters[SIZE] - 1
    events.counters[SIZE] = size
    time, number, last = events.time[size], events.number[size], events.what[size]
    place = 0
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and _is_before(events, below + 1, below):
            below += 1
        if events.time[below] > time or (events.time[below] == time and events.number[below] > number):
            break
        events.time[place], events.number[place] = events.time[below], events.number[below]
        events.what[place] = events.what[below]
        place = below
    events.time[place], events.number[place], events.what[place] = time, number, last
    return first, what


@kernel
def _is_before(events: Events, one: int, other: int) -> bool:
    if events.time[one] != events.time[other]:
        return bool(events.time[one] < events.time[other])
    return bool(events.number[one] < events.number[other])

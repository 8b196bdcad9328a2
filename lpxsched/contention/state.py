"""A run under way: what the machine that decides at run time remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.tables import RunTables

# A bucket of events is 2^11 ps long, and there are 2^14 of them: 34 us.
BUCKET_BITS, BUCKETS = 11, 1 << 14
# Events in the heap, in buckets, ever noted; the bucket that is open, counted from time 0; the first free place.
IN_HEAP, IN_BUCKETS, NOTED, OPEN, FREE, COUNTERS = range(6)
# What happens, beside the number of the task, call, copy or lane to which it does.
DONE, LEAVES, ENTERS, ARRIVES, RELAYS, FREED = range(6)
KIND = 8
# Of a record.
RECORD = 5
START_UP, BARRIER, QUEUE, ENTRY, SINCE = range(RECORD)
# How packets find their lanes, and what a free lane serves.
MINIMAL, HASH, ADAPTIVE = range(3)
FIFO, RANDOM = range(2)


class State(NamedTuple):
    """A run under way.

    Attributes
    ----------
    heap : ndarray of int64, shape (events, 3)
        Events of the bucket that is open: time, number and what happens.
    place : ndarray of int64, shape (events, 4)
        The same of other buckets, and the next place of the same bucket, or the next that is free.
    bucket : ndarray of int64, shape (buckets,)
        The first place of each.
    counters : ndarray of int64, shape (5,)
    task : ndarray of int64, shape (tasks, 5)
        Record of each task.
    call : ndarray of int64, shape (calls, 5)
    ended : ndarray of int64, shape (tasks,)
        When each task was done; -1 before.
    entered : ndarray of int64, shape (calls,)
        `NEVER` before.
    waited : ndarray of int64, shape (copies,)
        For how long the packet of each copy waited for lanes since it was sent, beyond what it waits for those before
        it of the same send.
    follows : ndarray of int64, shape (copies,)
        The next copy that waits for the same lane.
    free : ndarray of int64, shape (lanes,)
        When each lane is free.
    waiting : ndarray of int64, shape (lanes, 2)
        The last copy that waits for it, and how many wait.
    carried : ndarray of int64, shape (lanes,)
        Vectors that it carried.
    turn : ndarray of int64, shape (bundles,)
    unit : ndarray of int64, shape (units,)
        When each unit is free.
    """

    heap: Integers
    place: Integers
    bucket: Integers
    counters: Integers
    task: Integers
    call: Integers
    ended: Integers
    entered: Integers
    waited: Integers
    follows: Integers
    free: Integers
    waiting: Integers
    carried: Integers
    turn: Integers
    unit: Integers


def fresh_state(program: RunTables) -> State:
    """Return the state before a run."""
    tasks, calls, copies = len(program.group_of), len(program.call_sends_at) - 1, len(program.hop_of)
    lanes, units = len(program.lane_vector), int(program.group_unit.max(initial=NONE)) + 1
    # Of each of these one event may lie ahead.
    events = tasks + calls + copies + lanes
    place = np.empty((events, 4), dtype=np.int64)
    place[:, 3] = np.arange(1, events + 1)

    def zeros(*shape: int) -> Integers:
        return np.zeros(shape, dtype=np.int64)

    return State(
        zeros(events, 3),
        place,
        np.full(BUCKETS, NONE, dtype=np.int64),
        zeros(COUNTERS),
        zeros(tasks, RECORD),
        zeros(calls, RECORD),
        np.full(tasks, NONE, dtype=np.int64),
        np.full(calls, NEVER, dtype=np.int64),
        zeros(copies),
        zeros(copies),
        zeros(lanes),
        zeros(lanes, 2),
        zeros(lanes),
        zeros(len(program.bundle_first)),
        zeros(units),
    )

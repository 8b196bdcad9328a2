"""What changes while a segment runs, before its time zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.heap import Events, no_events
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.tables import Program

# Kinds of events, and their number in what is noted.
DONE, LEAVES, ENTERS, ARRIVES, RELAYS, FREED = range(6)
KIND = 8
RECORD = 5
START_UP, BARRIER, QUEUE, ENTRY, SINCE = range(RECORD)
MINIMAL, HASH, ADAPTIVE = range(3)
FIFO, RANDOM = range(2)


class State(NamedTuple):
    """A run under way.

    Attributes
    ----------
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

    events: Events
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


def fresh_state(program: Program) -> State:
    """Return the state before a run."""
    tasks, calls, copies = len(program.groups.group_of), len(program.calls.sends.at) - 1, len(program.hops.hop_of)
    lanes, units = len(program.wires.vector), int(program.groups.unit.max(initial=NONE)) + 1

    def zeros(*shape: int) -> Integers:
        return np.zeros(shape, dtype=np.int64)

    return State(
        no_events(tasks + calls + copies + lanes),
        zeros(tasks, RECORD),
        zeros(calls, RECORD),
        np.full(tasks, NONE, dtype=np.int64),
        np.full(calls, NEVER, dtype=np.int64),
        zeros(copies),
        zeros(copies),
        zeros(lanes),
        zeros(lanes, 2),
        zeros(lanes),
        zeros(len(program.wires.lane)),
        zeros(units),
    )

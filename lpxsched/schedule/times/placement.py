"""Serial placement of tasks: each as early as its predecessors, its lanes and its ports allow.

A task is a slot on a link or a sum on a vector unit. What is a predecessor of what follows from routes that stand
already, so that one kernel serves copies, sums, and both backwards in time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import MOST_JUSTIFIED, PASSES
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.schedule.times.calendars import Calendars, Closed, close, earliest_of, empty_calendars, reserve
from lpxsched.units import NEVER, NONE


class TaskColumns(NamedTuple):
    """Tasks of a plan (`times.placement.Tasks`), predecessors sorted by task."""

    resource: Integers
    length: Integers
    release: Integers
    offsets: Integers
    before: Integers
    delay: Integers
    port: Integers
    port_offset: Integers
    lanes: Integers
    first_lane: Integers
    port_lanes: Integers
    first_port: Integers


@kernel
def ready_cycle(tasks: TaskColumns, start: Integers, task: int) -> int:
    """Return when all is there that a task waits for."""
    ready = tasks.release[task]
    for index in range(tasks.offsets[task], tasks.offsets[task + 1]):
        ready = max(ready, start[tasks.before[index]] + tasks.delay[index])
    return int(ready)


@kernel
def place_tasks(tasks: TaskColumns, calendars: Calendars, order: Integers, start: Integers, lane: Integers) -> None:
    """Find start and lane of each task, placed in an order in which predecessors come first."""
    for task in order:
        cycle = ready_cycle(tasks, start, task)
        resource, length = tasks.resource[task], tasks.length[task]
        while True:
            chosen, cycle = earliest_of(calendars, tasks.first_lane[resource], tasks.lanes[resource], cycle, length)
            blocked = False
            for side in range(2):
                port = tasks.port[task, side]
                if port < 0:
                    continue
                at = cycle + tasks.port_offset[task, side]
                _, free = earliest_of(calendars, tasks.first_port[port], tasks.port_lanes[port], at, 1)
                if free > at:
                    cycle += free - at
                    blocked = True
                    break
            if not blocked:
                break
        for side in range(2):
            port = tasks.port[task, side]
            if port >= 0:
                at = cycle + tasks.port_offset[task, side]
                taken, _ = earliest_of(calendars, tasks.first_port[port], tasks.port_lanes[port], at, 1)
                reserve(calendars, taken, at, 1)
        reserve(calendars, chosen, cycle, length)
        start[task], lane[task] = cycle, chosen - tasks.first_lane[resource]


@kernel
def follow_chains(
    offsets: Integers, before: Integers, rank: Integers, chain: Integers, looked: Integers, waiting: Integers
) -> bool:
    """Find the length of the longest chain before each task, and the highest rank in it, predecessors first.

    `chain` is below 0 of tasks that are not done, `looked` the place up to which their predecessors are; `waiting` has
    room for a chain of all. Return whether no task waits for itself.
    """
    for first in range(len(chain)):
        last = 0
        waiting[0] = first
        while last >= 0 and chain[first] < 0:
            task = waiting[last]
            while looked[task] < offsets[task + 1] and chain[before[looked[task]]] >= 0:
                looked[task] += 1
            if looked[task] < offsets[task + 1]:
                last += 1
                if last == len(waiting):
                    return False
                waiting[last] = before[looked[task]]
                continue
            chain[task] = 0
            for index in range(offsets[task], offsets[task + 1]):
                chain[task] = max(chain[task], chain[before[index]] + 1)
                rank[task] = max(rank[task], rank[before[index]])
            last -= 1
    return True


NEVER_CLOSED = Closed(*(np.zeros(0, dtype=np.int64) for _ in Closed._fields))


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """What is to be placed.

    Attributes
    ----------
    resource, length : shape (tasks,)
        Which lanes a task needs one of, and for how many cycles.
    duration, release : shape (tasks,)
        Cycles from the start to the last read of the slot, the end of the sum; earliest start.
    before, after, delay : shape (precedences,)
        Task `after` starts at least `delay` cycles after task `before` starts.
    port, port_offset : shape (tasks, 2)
        Calendars of ports, `NONE` for none, of which a task takes the cycle that lies `port_offset` after its start.
    lanes, port_lanes : shape (resources,) and (ports,)
        How many tasks may share a resource, a cycle of a port.
    closed : Closed
        When no task may be on a resource; in a timetable that repeats, in every turn.
    """

    resource: Integers
    length: Integers
    duration: Integers
    release: Integers
    before: Integers
    after: Integers
    delay: Integers
    port: Integers
    port_offset: Integers
    lanes: Integers
    port_lanes: Integers
    closed: Closed = NEVER_CLOSED

    def __len__(self) -> int:
        return len(self.resource)


class Precedences(NamedTuple):
    """Rows (before, after, delay) as `Tasks` has them."""

    before: Integers
    after: Integers
    delay: Integers


def common_lengths(tasks: Tasks) -> Integers:
    """Return the length of the tasks of each resource where all are equally long, else 1."""
    longest, shortest = np.zeros(len(tasks.lanes), dtype=np.int64), np.full(len(tasks.lanes), NEVER)
    np.maximum.at(longest, tasks.resource, tasks.length)
    np.minimum.at(shortest, tasks.resource, tasks.length)
    return np.where(longest == shortest, np.maximum(longest, 1), 1).astype(np.int64)


def placement_columns(tasks: Tasks) -> TaskColumns:
    """Return the tasks as kernels read them."""
    by_task, offsets = grouped(tasks.after, len(tasks))
    port_lanes = tasks.port_lanes
    first_port = int(tasks.lanes.sum()) + np.cumsum(port_lanes) - port_lanes
    return TaskColumns(
        tasks.resource,
        tasks.length,
        tasks.release,
        offsets,
        tasks.before[by_task],
        tasks.delay[by_task],
        tasks.port,
        tasks.port_offset,
        tasks.lanes,
        np.cumsum(tasks.lanes) - tasks.lanes,
        port_lanes,
        first_port.astype(np.int64),
    )


def _calendars(tasks: Tasks) -> Calendars:
    shortest = np.full(len(tasks.lanes), NEVER, dtype=np.int64)
    np.minimum.at(shortest, tasks.resource, np.maximum(tasks.length, 1))
    every = np.concatenate([np.repeat(shortest, tasks.lanes), np.ones(int(tasks.port_lanes.sum()), dtype=np.int64)])
    room = len(tasks) + int((tasks.port >= 0).sum()) + int(tasks.lanes[tasks.closed.resource].sum()) + 1
    return empty_calendars(every, room)


def backwards(tasks: Tasks, makespan_cycles: int) -> Tasks:
    """Return the tasks with time running the other way from a makespan on.

    A task that starts at s starts backwards at horizon - s - length. So if b starts at least d after a, a starts
    backwards at least d + length(b) - length(a) after b does; and a task whose result comes `duration` after its start
    starts backwards no earlier than duration - length.
    """
    release = tasks.duration - tasks.length
    offset = tasks.length[:, None] - 1 - tasks.port_offset
    shift = max(0, -int(release.min(initial=0)), -int(offset.min(initial=0)))
    end = makespan_cycles + shift - tasks.closed.begin - tasks.closed.length
    return replace(
        tasks,
        closed=tasks.closed._replace(begin=end),
        release=release + shift,
        before=tasks.after,
        after=tasks.before,
        delay=np.maximum(0, tasks.delay + tasks.length[tasks.after] - tasks.length[tasks.before]),
        port_offset=offset + shift,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Start and lane of each task, when all results are there, and the period with which all repeats (0: once)."""

    start: Integers
    lane: Integers
    makespan_cycles: int
    period_cycles: int = 0


def depth(tasks: Tasks) -> Integers:
    """Return the number of tasks in the longest chain before each."""
    return _chained(tasks, np.zeros(len(tasks), dtype=np.int64))


def precedence_order(tasks: Tasks, order: Integers) -> Integers:
    """Return an order with each task moved behind all its predecessors, as it is where they are before it already."""
    rank = np.empty(len(tasks), dtype=np.int64)
    rank[order] = np.arange(len(tasks))
    if (rank[tasks.before] < rank[tasks.after]).all():
        return order
    by_depth, _ = grouped(chain := _chained(tasks, rank), int(chain.max(initial=0)) + 1)
    return by_depth[grouped(rank[by_depth], len(tasks))[0]]


def _chained(tasks: Tasks, rank: Integers) -> Integers:
    """Return the number of tasks in the longest chain before each; give each the highest rank in such chains."""
    rows, offsets = grouped(tasks.after, len(tasks))
    chain, waiting = np.full(len(tasks), NONE, dtype=np.int64), np.empty(len(tasks), dtype=np.int64)
    if not follow_chains(offsets, tasks.before[rows], rank, chain, offsets[:-1].copy(), waiting):
        raise ValueError("tasks wait for each other in a circle")
    return chain


def placed(tasks: Tasks, order: Integers) -> Placement:
    """Return each task as early as those before it in the order allow, and its predecessors."""
    start, lane = np.zeros((2, len(tasks)), dtype=np.int64)
    columns, calendars = placement_columns(tasks), _calendars(tasks)
    # To close nothing takes a sixth as long as to place twenty tasks.
    if len(tasks.closed.resource):
        close(calendars, tasks.closed, columns.first_lane, tasks.lanes)
    place_tasks(columns, calendars, precedence_order(tasks, order.astype(np.int64)), start, lane)
    return Placement(start, lane, int((start + tasks.duration).max(initial=0)))


def doubly_justified(tasks: Tasks, placement: Placement) -> Placement:
    """Return a placement after one pass backwards and one forwards in time.

    The double justification of Valls, Ballestin and Quintanilla (European Journal of Operational Research 165, 2005):
    everything is moved as late as possible, the last first, then as early as possible, the first first.
    """
    start, mirrored = placement.start, backwards(tasks, placement.makespan_cycles)
    last_first = np.lexsort((-start, -(start + tasks.duration)))
    late = placed(mirrored, last_first).start
    return placed(tasks, np.lexsort((start, -(late + tasks.length))))


def improved(tasks: Tasks, order: Integers, *, enough: int) -> Placement:
    """Return the best of a placement in an order and of several justifications of it in a row, of many tasks of fewer.

    They stop where nothing changes or `enough` is reached.
    """
    best = current = placed(tasks, order)
    for _ in range(min(PASSES, MOST_JUSTIFIED * PASSES // max(1, len(tasks)))):
        if best.makespan_cycles <= enough:
            break
        following = doubly_justified(tasks, current)
        if following.makespan_cycles < best.makespan_cycles:
            best = following
        if (following.start == current.start).all():
            break
        current = following
    return best

"""Serial placement of tasks, compiled: each at the first cycle at which its lanes and its ports are free."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.times.calendars import Calendars, earliest_of, reserve


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
def place_tasks(tasks: TaskColumns, calendars: Calendars, order: Integers, start: Integers, lane: Integers) -> None:
    """Find start and lane of each task, placed in an order in which predecessors come first."""
    for task in order:
        cycle = tasks.release[task]
        for index in range(tasks.offsets[task], tasks.offsets[task + 1]):
            cycle = max(cycle, start[tasks.before[index]] + tasks.delay[index])
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
) -> None:
    """Find the length of the longest chain before each task, and the highest rank in it, predecessors first.

    `chain` is below 0 of tasks that are not done, `looked` the place up to which their predecessors are; `waiting` has
    room for a chain of all.
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
                waiting[last] = before[looked[task]]
                continue
            chain[task] = 0
            for index in range(offsets[task], offsets[task + 1]):
                chain[task] = max(chain[task], chain[before[index]] + 1)
                rank[task] = max(rank[task], rank[before[index]])
            last -= 1

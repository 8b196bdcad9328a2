"""Tasks by hand and at random, and a plain judge of their placements."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import strategies as st

from lpxsched.schedule.times.placement import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lpxsched.schedule.times.placement import Placement

NO_PORT = (-1, 0)


class Task(NamedTuple):
    """A task; `duration` is at least its length; `ports` are (calendar, offset) pairs, two at most."""

    length: int
    resource: int = 0
    longer: int = 0
    release: int = 0
    ports: tuple[tuple[int, int], ...] = ()


def tasks_of(
    rows: Sequence[Task],
    after: Iterable[tuple[int, int, int]] = (),
    *,
    lanes: Sequence[int] = (1,),
    port_lanes: Sequence[int] = (),
) -> Tasks:
    """Return tasks; `after` lists (before, after, delay)."""
    precedences = np.array(list(after), dtype=np.int64).reshape(-1, 3).T.copy()
    ports = np.array([([*row.ports, NO_PORT, NO_PORT])[:2] for row in rows], dtype=np.int64).reshape(-1, 2, 2)
    return Tasks(
        resource=np.array([row.resource for row in rows], dtype=np.int64),
        length=np.array([row.length for row in rows], dtype=np.int64),
        duration=np.array([row.length + row.longer for row in rows], dtype=np.int64),
        release=np.array([row.release for row in rows], dtype=np.int64),
        before=precedences[0],
        after=precedences[1],
        delay=precedences[2],
        port=ports[:, :, 0].copy(),
        port_offset=ports[:, :, 1].copy(),
        lanes=np.array(lanes, dtype=np.int64),
        port_lanes=np.array(port_lanes, dtype=np.int64),
    )


@st.composite
def some_tasks(draw: st.DrawFn, *, most: int = 8) -> Tasks:
    """Draw tasks of which earlier ones may precede later ones; in a resource none or all take time."""
    lanes = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    port_lanes = draw(st.lists(st.integers(1, 2), max_size=2))
    takes_time = [draw(st.integers(0, 4)) > 0 for _ in lanes]
    ports = st.tuples(st.integers(0, len(port_lanes) - 1), st.integers(0, 3)) if port_lanes else st.nothing()
    rows = []
    for _ in range(draw(st.integers(0, most))):
        resource = draw(st.integers(0, len(lanes) - 1))
        length = draw(st.integers(1, 5)) if takes_time[resource] else 0
        # A task takes each port once at most.
        taken = draw(st.lists(ports, max_size=2, unique_by=lambda port: port[0])) if port_lanes else []
        rows.append(Task(length, resource, draw(st.integers(0, 4)), draw(st.sampled_from((0, 0, 2))), tuple(taken)))
    pairs = [(before, after) for after in range(len(rows)) for before in range(after)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2 * len(rows))) if pairs else []
    return tasks_of(rows, [(*pair, draw(st.integers(0, 6))) for pair in chosen], lanes=lanes, port_lanes=port_lanes)


def conflicts(tasks: Tasks, placement: Placement) -> Iterator[str]:
    """Yield what is wrong with a placement; its makespan and its period, if it has one, included."""
    start, lane, period = placement.start.tolist(), placement.lane.tolist(), placement.period_cycles
    for task, (begin, release) in enumerate(zip(start, tasks.release.tolist(), strict=True)):
        if begin < release:
            yield f"task {task} starts at {begin}, its release is {release}"
        if not 0 <= lane[task] < tasks.lanes[tasks.resource[task]]:
            yield f"task {task} is on lane {lane[task]}"
    for before, after, delay in zip(tasks.before.tolist(), tasks.after.tolist(), tasks.delay.tolist(), strict=True):
        if start[after] < start[before] + delay:
            yield f"task {after} starts before the result of {before}"
    held: Counter[tuple[int, int, int]] = Counter()
    ported: Counter[tuple[int, int]] = Counter()
    for task, begin in enumerate(start):
        for step in range(int(tasks.length[task])):
            held[int(tasks.resource[task]), lane[task], _wrapped(begin + step, period)] += 1
        for port, offset in zip(tasks.port[task].tolist(), tasks.port_offset[task].tolist(), strict=True):
            if port >= 0:
                ported[port, _wrapped(begin + offset, period)] += 1
    yield from (f"{place} is taken {count} times" for place, count in held.items() if count > 1)
    yield from (f"port {place} has {count}" for place, count in ported.items() if count > tasks.port_lanes[place[0]])
    ends = [begin + duration for begin, duration in zip(start, tasks.duration.tolist(), strict=True)]
    if placement.makespan_cycles != max(ends, default=0):
        yield f"the makespan is {placement.makespan_cycles}, the last result is there at {max(ends, default=0)}"


def _wrapped(cycle: int, period: int) -> int:
    return cycle % period if period else cycle

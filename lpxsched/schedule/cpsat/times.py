"""CP-SAT on the tasks of a plan: new times on given ways, all at once or neighbourhood after neighbourhood.

Every task is an interval; tasks of one resource share a cumulative capacity (in linear time capacity k is always
k-colourable, so lanes are assigned afterwards), tasks of one lane do not overlap. The times at hand are the hint and
the horizon. A large neighbourhood search frees some tasks, those that end last among them, and keeps all others.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat.runs import SOLVED, Effort, one_worker, solve_interruptibly
from lpxsched.schedule.policy import MOST_FREE, TIMES_NEIGHBOURHOOD_SECONDS
from lpxsched.schedule.times.placement import Placement, Tasks, placed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.compiled.kernels import Flags


class Resources:
    """Intervals on links, units and ports, by the numbers that tasks give them; ports behind other resources."""

    def __init__(self, cp: cp_model.CpModel, tasks: Tasks) -> None:
        self.cp, self.tasks = cp, tasks
        self.capacity = [*tasks.lanes.tolist(), *tasks.port_lanes.tolist()]
        self.used: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)

    def port(self, number: int) -> int:
        """Return the number of a port."""
        return len(self.tasks.lanes) + number

    def add(self, number: int, start: cp_model.LinearExprT, length: int, present: cp_model.LiteralT = True) -> None:
        """Hold a resource for some time, if what holds it is present."""
        self.used[number].append(self.cp.new_optional_fixed_size_interval_var(start, length, present, ""))

    def add_tasks(self, starts: Iterable[tuple[int, cp_model.LinearExprT]], step: int = 1) -> None:
        """Hold what tasks need from their starts on, in steps of some cycles."""
        tasks = self.tasks
        for task, start in starts:
            if tasks.length[task]:
                # Rounded up, for what starts is rounded down.
                self.add(int(tasks.resource[task]), start, -(-int(tasks.length[task]) // step))
            for port, offset in zip(tasks.port[task].tolist(), tasks.port_offset[task].tolist(), strict=True):
                if port >= 0:
                    self.add(self.port(port), start + offset, 1)

    def close(self) -> None:
        """R1, R4, R7, R9: let no more overlap than a resource has room for, and nothing what deskews close."""
        shut: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        for number, begin, length in zip(*(column.tolist() for column in self.tasks.closed), strict=True):
            shut[number].append(self.cp.new_fixed_size_interval_var(begin, length, ""))
        for number, intervals in self.used.items():
            capacity, closed = self.capacity[number], shut[number]
            if capacity == 1:
                self.cp.add_no_overlap([*intervals, *closed])
            elif closed or len(intervals) > capacity:
                held = [1] * len(intervals) + [capacity] * len(closed)
                self.cp.add_cumulative([*intervals, *closed], held, capacity)


def solved_times(tasks: Tasks, placement: Placement, effort: Effort) -> Placement:
    """Return the best times found on the ways of a plan; the given ones when none are better."""
    if len(tasks) <= MOST_FREE:
        return _solved(tasks, placement, np.ones(len(tasks), dtype=np.bool_), effort.seconds, effort)
    best = placement
    random = np.random.default_rng(effort.seed)
    for _ in range(max(1, int(effort.seconds / TIMES_NEIGHBOURHOOD_SECONDS))):
        if best.makespan_cycles <= effort.enough_cycles:
            break
        free = _neighbourhood(tasks, best, random)
        best = _solved(tasks, best, free, TIMES_NEIGHBOURHOOD_SECONDS, effort)
    return best


def _neighbourhood(tasks: Tasks, placement: Placement, random: np.random.Generator) -> Flags:
    """Return the tasks to free: those that end last with all that they wait for, and a window of time at random."""
    end = placement.start + tasks.duration
    free = end == placement.makespan_cycles
    for _ in range(4):
        waits = free[tasks.after]
        free[tasks.before[waits]] = True
    share = min(1.0, MOST_FREE / len(tasks))
    width = max(1, int(placement.makespan_cycles * share * 2))
    begin = int(random.integers(0, max(1, placement.makespan_cycles - width + 1)))
    late = placement.start >= placement.makespan_cycles - width
    within = (placement.start >= begin) & (placement.start < begin + width)
    chosen = np.flatnonzero((within | late) & ~free)
    room = max(0, MOST_FREE - int(free.sum()))
    free[random.permutation(chosen)[:room]] = True
    return np.asarray(free)


def _solved(tasks: Tasks, placement: Placement, free: Flags, seconds: float, effort: Effort) -> Placement:
    """Return better times of the free tasks, all others kept; the given times when there are none."""
    horizon = placement.makespan_cycles
    model = cp_model.CpModel()
    columns = [column.tolist() for column in (tasks.release, tasks.duration, free, placement.start)]
    starts: list[cp_model.IntVar | int] = [
        model.new_int_var(release, horizon - duration, "") if is_free else start
        for release, duration, is_free, start in zip(*columns, strict=True)
    ]
    _add_precedences(model, tasks, free, starts)
    resources, contested = Resources(model, tasks), np.isin(tasks.resource, tasks.resource[free])
    contested |= np.isin(tasks.port, tasks.port[free]).any(axis=1)
    resources.add_tasks((task, starts[task]) for task in np.flatnonzero(contested).tolist())
    resources.close()
    ends = [starts[task] + int(tasks.duration[task]) for task in np.flatnonzero(free).tolist()]
    kept = int((placement.start + tasks.duration)[~free].max(initial=0))
    makespan = model.new_int_var(max(kept, effort.enough_cycles), horizon, "makespan")
    model.add_max_equality(makespan, [*ends, kept])
    model.minimize(makespan)
    for start, hint in zip(starts, placement.start.tolist(), strict=True):
        if not isinstance(start, int):
            model.add_hint(start, hint)
    model.add_hint(makespan, horizon)
    solver = one_worker(effort.seed, seconds)
    if solve_interruptibly(solver, model) not in SOLVED:
        return placement
    found = np.array([start if isinstance(start, int) else solver.value(start) for start in starts], dtype=np.int64)
    # Placed once more in this order, tasks get lanes and close what gaps are left.
    better = placed(tasks, np.argsort(found, kind="stable"))
    return better if better.makespan_cycles < placement.makespan_cycles else placement


def _add_precedences(model: cp_model.CpModel, tasks: Tasks, free: Flags, starts: list[cp_model.IntVar | int]) -> None:
    rows = np.flatnonzero(free[tasks.before] | free[tasks.after])
    columns = (tasks.before[rows].tolist(), tasks.after[rows].tolist(), tasks.delay[rows].tolist())
    for before, after, delay in zip(*columns, strict=True):
        model.add(starts[after] >= starts[before] + delay)

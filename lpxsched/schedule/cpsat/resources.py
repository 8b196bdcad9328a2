"""Links, units and ports of a CP-SAT model: intervals on them, by the numbers that the tasks of a plan give them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ortools.sat.python import cp_model

    from lpxsched.schedule.times.placement import Tasks


class Resources:
    """Intervals by resource; ports are numbered behind the resources of tasks."""

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

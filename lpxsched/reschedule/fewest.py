"""What moves placed with CP-SAT: as few of these rows as can be, then as short as can be, all others where they are.

Rows that wait are placed in the order of their old times; another order may let some keep theirs, or end earlier. The
model holds the tasks that moved, each at its old start or later, and new rows, beside all that share a link or a unit
with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat.runs import one_worker, solve_interruptibly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.times.placement import Tasks

# More tasks that moved are left as they are placed, and so is what takes more deterministic seconds.
MOST_MOVED, SECONDS = 150, 0.1


def fewest_moved(tasks: Tasks, start: Integers, is_new: Flags) -> Integers:
    """Return starts of which fewer slots are later than released, or as many and the last task starts earlier.

    Parameters
    ----------
    tasks : Tasks
        On demand, without ports.
    start : ndarray of int64, shape (tasks,)
        Starts that hold, none before its release; what starts at its release keeps that, unless it is new.
    is_new : ndarray of bool, shape (slots,)
        Which of the slots, the first tasks, may start whenever they can.
    """
    is_slot, new = np.arange(len(start)) < len(is_new), np.zeros(len(start), dtype=np.bool_)
    new[: len(is_new)] = is_new
    moved = np.flatnonzero(new | (start > tasks.release))
    if not 0 < len(moved) <= MOST_MOVED:
        return start
    model, horizon = cp_model.CpModel(), int(start.max() + tasks.length[moved].sum())
    least = np.where(new, 0, tasks.release)
    variables = {task: model.new_int_var(int(least[task]), horizon, "") for task in moved.tolist()}
    _add_waits(model, tasks, start, variables)
    for intervals in _shared(model, tasks, start, variables):
        model.add_no_overlap(intervals)
    kept = np.setdiff1d(np.arange(len(start)), moved)
    last = model.new_int_var(int(start[kept].max(initial=0)), horizon, "last")
    later = []
    for task, variable in variables.items():
        model.add(last >= variable)
        model.add_hint(variable, int(start[task]))
        if is_slot[task] and not new[task]:
            stays = model.new_bool_var("")
            model.add(variable == int(tasks.release[task])).only_enforce_if(stays)
            model.add_hint(stays, bool(start[task] == tasks.release[task]))
            later.append(1 - stays)
    model.minimize((horizon + 1) * sum(later) + last)
    solver = one_worker(0, SECONDS)
    if solve_interruptibly(solver, model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return start
    found = start.copy()
    found[moved] = [solver.value(variables[task]) for task in moved.tolist()]
    counted = is_slot & ~new
    return min(found, start, key=lambda one: (int((one > tasks.release)[counted].sum()), int(one.max())))


def _add_waits(model: cp_model.CpModel, tasks: Tasks, start: Integers, variables: dict[int, cp_model.IntVar]) -> None:
    of_moved = np.isin(np.arange(len(start)), list(variables))
    rows = np.flatnonzero(of_moved[tasks.before] | of_moved[tasks.after])
    columns = (tasks.before[rows].tolist(), tasks.after[rows].tolist(), tasks.delay[rows].tolist())
    for before, after, delay in zip(*columns, strict=True):
        model.add(variables.get(after, int(start[after])) >= variables.get(before, int(start[before])) + delay)


def _shared(
    model: cp_model.CpModel, tasks: Tasks, start: Integers, variables: dict[int, cp_model.IntVar]
) -> Iterator[list[cp_model.IntervalVar]]:
    """Yield the intervals of each link and unit on which a task moved."""
    moved = np.array([task for task in variables if tasks.length[task]], dtype=np.int64)
    for resource in np.unique(tasks.resource[moved]).tolist():
        intervals = []
        for task in np.flatnonzero((tasks.resource == resource) & (tasks.length > 0)).tolist():
            begin = variables.get(task, int(start[task]))
            intervals.append(model.new_fixed_size_interval_var(begin, int(tasks.length[task]), ""))
        for row in np.flatnonzero(tasks.closed.resource == resource).tolist():
            begin, length = int(tasks.closed.begin[row]), int(tasks.closed.length[row])
            intervals.append(model.new_fixed_size_interval_var(begin, length, ""))
        yield intervals

"""New times on the ways of a layer's plan: justification, and CP-SAT on all that takes time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import WAYS_SHARE
from lpxsched.schedule.times.placement import improved, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.times.placement import Placement, Tasks


def justified(found: Found[Padded], bound: LowerBound) -> Found[Padded]:
    """Return a plan after justification, or as it is where that does not shorten it.

    Parameters
    ----------
    found : Found
    bound : LowerBound
        Nothing is looked for below it.
    """
    if found.placement.makespan_cycles <= bound.cycles:
        return found
    tasks = plan_tasks(found.problem, found.plan)
    return _shorter(found, _justified(tasks, found, bound.cycles))


def retimed(found: Found[Padded], effort: Effort) -> Found[Padded]:
    """Return a plan with the best times that justification and then CP-SAT find, ways left open where they are few."""
    from lpxsched.schedule.cpsat.times import solved_times
    from lpxsched.schedule.cpsat.ways import improved_layer

    tasks = plan_tasks(found.problem, found.plan)
    placement = _justified(tasks, found, effort.enough_cycles)
    if placement.makespan_cycles > effort.enough_cycles:
        placement = solved_times(tasks, placement, effort)
    found = _shorter(found, placement)
    if found.placement.makespan_cycles <= effort.enough_cycles:
        return found
    return improved_layer(found, replace(effort, seconds=effort.seconds * WAYS_SHARE))


def _justified(tasks: Tasks, found: Found[Padded], enough: int) -> Placement:
    """Return the tasks placed in order of time, which is never later, and then justified."""
    first = placed(tasks, np.argsort(found.placement.start, kind="stable"))
    return improved(tasks, first, enough=enough)


def _shorter(found: Found[Padded], placement: Placement) -> Found[Padded]:
    shorter = placement.makespan_cycles < found.placement.makespan_cycles
    return replace(found, placement=placement) if shorter else found

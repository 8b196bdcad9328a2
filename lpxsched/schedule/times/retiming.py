"""New times on the ways of a layer's schedule: justification, and CP-SAT on all that takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.layer_tasks import layer_tasks
from lpxsched.schedule.times.placement import improved, placed

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.times.layer_tasks import LayerTasks
    from lpxsched.schedule.times.placement import Placement

# Each pass moves everything as late, then as early as possible; most schedules stay as they are after two.
PASSES = 6


def justified(
    instance: Instance, schedule: Schedule, bound: LowerBound, *, symmetry: Symmetry | None = None
) -> Schedule:
    """Return a schedule after justification, or as it is where that does not shorten it.

    Parameters
    ----------
    instance : Instance
    schedule : Schedule
    bound : LowerBound
        Nothing is looked for below it.
    symmetry : Symmetry, optional
        A group that leaves instance and schedule as they are; the result will be left as it is, too.
    """
    if schedule.makespan_cycles <= bound.cycles:
        return schedule
    layer = layer_tasks(instance, schedule, symmetry)
    return _shorter(layer, _justified(layer, bound.cycles))


def retimed(instance: Instance, schedule: Schedule, effort: Effort, *, symmetry: Symmetry | None = None) -> Schedule:
    """Return a schedule with the best times that justification and then CP-SAT find, or as it is.

    Parameters
    ----------
    instance : Instance
    schedule : Schedule
    effort : Effort
    symmetry : Symmetry, optional
        As for `justified`.
    """
    from lpxsched.schedule.cpsat.times import retimed as retimed_tasks

    layer = layer_tasks(instance, schedule, symmetry)
    placement = _justified(layer, effort.enough_cycles)
    if placement.makespan_cycles > effort.enough_cycles:
        placement = retimed_tasks(layer.tasks, placement, effort)
    return _shorter(layer, placement)


def _justified(layer: LayerTasks, enough: int) -> Placement:
    """Return the tasks placed in order of time, which is never later, and then justified."""
    first = placed(layer.tasks, np.argsort(layer.start, kind="stable"))
    return improved(layer.tasks, first, passes=PASSES, enough=enough)


def _shorter(layer: LayerTasks, placement: Placement) -> Schedule:
    shorter = placement.makespan_cycles < layer.schedule.makespan_cycles
    return layer.at(placement.start) if shorter else layer.schedule

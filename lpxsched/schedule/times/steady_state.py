"""How often a layer can take a new batch when several are in flight: its schedule with the shortest period found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.layer_tasks import layer_tasks
from lpxsched.schedule.times.modulo import repeating, shortest_period
from lpxsched.schedule.times.placement import precedence_order
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule


@dataclass(frozen=True, slots=True, eq=False)
class SteadyState:
    """A schedule that begins anew with every period.

    Attributes
    ----------
    schedule : Schedule
        Its makespan is how long one batch takes.
    period_cycles : int
    least_cycles : int
        No times on these ways repeat more often: the load of the busiest link or unit, the longest task.
    """

    schedule: Schedule
    period_cycles: int
    least_cycles: int


def steady_state(instance: Instance, schedule: Schedule) -> SteadyState | None:
    """Return times on a schedule's ways that repeat as often as possible; None where a table of turns is too large.

    Batches do not wait for each other. Room in memory and later deskews are left out of account.
    """
    layer = layer_tasks(instance, schedule)
    order = np.argsort(layer.start, kind="stable").astype(np.int64)
    found = repeating(layer.tasks, precedence_order(layer.tasks, order), enough=1, below=NEVER)
    if found is None:
        return None
    return SteadyState(layer.at(found.start), found.period_cycles, shortest_period(layer.tasks))

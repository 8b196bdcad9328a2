"""How often a layer can take a new batch when several are in flight: its schedule with the shortest period found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.modulo import repeating
from lpxsched.schedule.times.placement import precedence_order
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.symmetry.padding import Padded


def steady_state(found: Found[Padded], *, enough: int = 1) -> Found[Padded]:
    """Return a plan with times that repeat as often as possible or as is enough, at worst one batch after the other.

    The makespan is then how long one batch takes. Batches do not wait for each other. Room in memory and deskews are
    left out of account.
    """
    tasks = plan_tasks(found.problem, found.plan)
    order = np.argsort(found.placement.start, kind="stable").astype(np.int64)
    again = repeating(tasks, precedence_order(tasks, order), enough=enough, below=NEVER)
    if again is None:
        start = found.placement.start
        again = replace(found.placement, period_cycles=int((start + np.maximum(tasks.length, tasks.duration)).max()))
    return replace(found, placement=again)

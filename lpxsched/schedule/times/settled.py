"""Tasks placed in an order, then as early or as often as that allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.schedule.times.modulo import in_turns
from lpxsched.schedule.times.placement import improved, placed
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.times.placement import Placement, Tasks


def settled(tasks: Tasks, order: Integers, *, enough: int, cyclic: bool, below: int = NEVER) -> Placement | None:
    """Return times of tasks, justified; of what is to repeat with a period, None where that is not below one.

    Parameters
    ----------
    tasks : Tasks
    order : ndarray of int64, shape (tasks,)
    enough, below : int
        A lower bound of the makespan or the period; from where on a period is of no use.
    cyclic : bool
        Whether the tasks are to repeat.
    """
    if not cyclic:
        return improved(tasks, order, enough=enough)
    return in_turns(tasks, placed(tasks, order), enough=enough, below=below)

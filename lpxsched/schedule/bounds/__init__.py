"""Lower bounds: no schedule of an `Instance` is shorter.

Those of collectives hold for any routes (longer ones and relays included), waiting, cutting into slots, copies made
anywhere, and sums made anywhere. Each module is one family of bounds and proves it in its docstring.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.bounds.walk import walk_bound

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound


@lru_cache(maxsize=8)
def lower_bound(instance: Instance) -> LowerBound:
    """Return the best bound of the makespan, the stall of the opening deskew included."""
    if not instance.stages:
        return walk_bound(instance)
    bound = collective_bound(instance)
    return replace(bound, cycles=instance.release_cycles + bound.cycles)

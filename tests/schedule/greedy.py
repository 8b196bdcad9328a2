"""What the list schedule makes of an instance and one cut, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.schedule.routes.blocks import cut_blocks
from lpxsched.schedule.routes.list_plan import found_of
from lpxsched.schedule.routes.list_schedule import ListScheduler
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import Padded, unpadded
from lpxsched.schedule.times.modulo import shortest_period
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found, Schedule
    from lpxsched.schedule.routes.blocks import Cut


def greedy_plan(problem: Instance | Padded, cut: Cut, *, seed: int = 0) -> Found[Padded]:
    """Return a plan with its times."""
    padded = problem if isinstance(problem, Padded) else unpadded(problem)
    return found_of(ListScheduler(padded).listed(cut_blocks(padded.instance, cut), seed=seed))


def greedy_schedule(problem: Instance | Padded, cut: Cut, *, seed: int = 0) -> Schedule:
    """Return the schedule of a plan, of the instance itself where it was padded."""
    return lifted_layer(greedy_plan(problem, cut, seed=seed))


def least_period(found: Found[Padded]) -> int:
    """Return what no times on a plan's ways repeat more often than: the load of the busiest link or unit."""
    return shortest_period(plan_tasks(found.problem, found.plan))

"""What a search finds: a plan of representatives and its times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.times.placement import Placement

Problem = TypeVar("Problem", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Found(Generic[Problem]):
    """A plan of representatives and its times, and whether CP-SAT chose its ways."""

    problem: Problem
    plan: Plan
    placement: Placement
    is_modelled: bool = False

    @property
    def quality(self) -> tuple[int, int, int]:
        """Objective, then makespan, then number of slots: less is better."""
        return self.objective_cycles, self.placement.makespan_cycles, self.plan.slots

    @property
    def objective_cycles(self) -> int:
        """The period of what repeats, else the makespan."""
        return self.placement.period_cycles or self.placement.makespan_cycles

"""How often a layer can take a new batch when several are in flight: its schedule with the shortest period found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.schedule.times.modulo import in_turns
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.symmetry.padding import Padded


def steady_state(found: Found[Padded], *, enough: int = 1) -> Found[Padded]:
    """Return a plan with times that repeat as often as possible or as is enough, at worst one batch after the other.

    The makespan is then how long one batch takes. Batches do not wait for each other. Room in memory and deskews are
    left out of account.
    """
    placement = in_turns(plan_tasks(found.problem, found.plan), found.placement, enough=enough)
    return replace(found, placement=placement) if placement else found

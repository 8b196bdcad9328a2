"""A schedule worked out by hand, and small changes of it that each break one rule.

The layer of ``tests/builds.py`` cut into single vectors. Blocks 0 to 3 are inputs, 4 and 5 the share of chip 0, 6 and
7 that of chip 1. Partial sums leave at 80 and 83, are read at 98 and 101; sums [98, 103) and [103, 108) on each chip;
results leave a turnaround of 3 and the sum after these reads, at 106 and 109. Routers start at 44, experts at 55,
combine at 75.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from tests.schedule.instances import two_chips

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.result import Schedule

SLOT_COLUMNS = ("slot_block", "slot_phase", "slot_bundle", "slot_depart")


def single_vectors() -> Schedule:
    """Return the schedule of the module's docstring."""
    return greedy_schedule(two_chips(), cut_blocks(two_chips(), Cut(1, 1)))


def moved(schedule: Schedule, name: str, row: int, cycles: int) -> Schedule:
    """Return a schedule with one time moved."""
    column = getattr(schedule, name).copy()
    column[row] += cycles
    changed: dict[str, Any] = {name: column}
    return replace(schedule, **changed)


def slot_at(schedule: Schedule, block: int, depart: int) -> int:
    """Return the row of a block's slot that departs at a cycle."""
    return int(np.flatnonzero((schedule.slot_block == block) & (schedule.slot_depart == depart))[0])


def moved_slot(block: int, depart: int, cycles: int) -> Callable[[Schedule], Schedule]:
    """Return a change that moves the slot of a block that departs at a cycle."""
    return lambda schedule: moved(schedule, "slot_depart", slot_at(schedule, block, depart), cycles)


def without_slot(block: int, depart: int) -> Callable[[Schedule], Schedule]:
    """Return a change that leaves out the slot of a block that departs at a cycle."""

    def change(schedule: Schedule) -> Schedule:
        row = slot_at(schedule, block, depart)
        columns: dict[str, Any] = {name: np.delete(getattr(schedule, name), row) for name in SLOT_COLUMNS}
        return replace(schedule, **columns)

    return change


BREAKS: tuple[tuple[str, Callable[[Schedule], Schedule]], ...] = (
    # The first summand leaves at 81, but the second at 83, and each holds the link for 3 cycles.
    ("r1_links", moved_slot(4, 80, 1)),
    # The first input vector is read at 20 and relayed at 23, not at 22.
    ("r2_causality", moved_slot(0, 23, -1)),
    # The first sum ends at 103, but leaves for the host at 106, not at 105.
    ("r2_causality", moved_slot(4, 106, -1)),
    # Chip 1 never receives the first input vector.
    ("r3_delivery", without_slot(0, 23)),
    # The router starts when the last vector is read.
    ("r3_operands", lambda schedule: moved(schedule, "operator_start", 2, -1)),
    # The experts start when the router has ended.
    ("r3_operands", lambda schedule: moved(schedule, "operator_start", 4, -1)),
    # The second sum starts while the first is running.
    ("r4_operators", lambda schedule: moved(schedule, "sum_start", 2, -1)),
    # The summand of chip 1 is missing from the first sum on chip 0.
    ("r5_reduction", without_slot(4, 80)),
)

"""A schedule worked out by hand, and small changes of it that each break one rule.

The layer of ``tests/builds.py`` cut into single vectors. Values 0 and 1 are inputs, 6 and 7 the partial sums of chips
0 and 1, whose first two vectors are the share of chip 0, and from 10 on sums. Bundles lead 0 -> 1, 0 -> host, 1 -> 0,
1 -> host, host -> 0, host -> 1. Partial sums leave at 80 and 83, are read at 98 and 101; sums [98, 103) and [103, 108)
on each chip; results leave a turnaround of 3 and the sum after these reads, at 106 and 109. Routers start at 44,
experts at 55, combine at 75.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.schedule.routes.blocks import Cut
from tests.schedule.greedy import greedy_schedule
from tests.schedule.instances import two_chips

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lpxsched.schedule.result import Schedule

SLOT_COLUMNS = ("slot_value", "slot_first", "slot_vectors", "slot_bundle", "slot_lane", "slot_depart")


def single_vectors() -> Schedule:
    """Return the schedule of the module's docstring."""
    return greedy_schedule(two_chips(), Cut(1, 1))


def started(operator: int, cycles: int) -> Callable[[Schedule], Schedule]:
    """Return a change that moves the start of an operator."""
    return lambda schedule: replace(schedule, operator_start=_moved(schedule.operator_start, operator, cycles))


def with_sums(name: str, row: int, change: int) -> Callable[[Schedule], Schedule]:
    """Return a change of one cell of the sums."""

    def changed(schedule: Schedule) -> Schedule:
        columns: dict[str, Any] = {name: _moved(getattr(schedule.sums, name), row, change)}
        return replace(schedule, sums=replace(schedule.sums, **columns))

    return changed


def _moved(column: NDArray[np.int64], row: int, change: int) -> NDArray[np.int64]:
    moved = column.copy()
    moved[row] += change
    return moved


def slot_at(schedule: Schedule, bundle: int, depart: int) -> int:
    """Return the row of the slot that departs on a bundle at a cycle."""
    return int(np.flatnonzero((schedule.slot_bundle == bundle) & (schedule.slot_depart == depart))[0])


def moved_slot(bundle: int, depart: int, cycles: int) -> Callable[[Schedule], Schedule]:
    """Return a change that moves the slot that departs on a bundle at a cycle."""

    def change(schedule: Schedule) -> Schedule:
        row = slot_at(schedule, bundle, depart)
        return replace(schedule, slot_depart=_moved(schedule.slot_depart, row, cycles))

    return change


def without_slot(bundle: int, depart: int) -> Callable[[Schedule], Schedule]:
    """Return a change that leaves out the slot that departs on a bundle at a cycle."""

    def change(schedule: Schedule) -> Schedule:
        row = slot_at(schedule, bundle, depart)
        columns: dict[str, Any] = {name: np.delete(getattr(schedule, name), row) for name in SLOT_COLUMNS}
        return replace(schedule, **columns)

    return change


def with_slot(*slot: int) -> Callable[[Schedule], Schedule]:
    """Return a change that adds a slot: value, first vector, vectors, bundle, lane, departure."""

    def change(schedule: Schedule) -> Schedule:
        cells = zip(SLOT_COLUMNS, slot, strict=True)
        columns: dict[str, Any] = {name: np.append(getattr(schedule, name), value) for name, value in cells}
        return replace(schedule, **columns)

    return change

"""Slots of the list schedule: which lane is free first, and what a slot takes."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import kernel
from lpxsched.schedule.problem.wires import Wires, hold_cycles
from lpxsched.schedule.routes.columns import Placed
from lpxsched.schedule.times.calendars import Calendars, earliest_of, reserve


class Slot(NamedTuple):
    """A slot of a block: its phase, bundle, lane and departure."""

    block: int
    phase: int
    bundle: int
    lane: int
    depart: int


@kernel
def earliest_lane(wires: Wires, calendars: Calendars, bundle: int, ready: int, vectors: int) -> tuple[int, int]:
    """Return the lane of a bundle that is free first for a slot, and that cycle."""
    resource, length = wires.resource[bundle], hold_cycles(wires, bundle, vectors)
    return earliest_of(calendars, wires.first_lane[resource], wires.lanes[resource], ready, length)


@kernel
def place_slot(wires: Wires, calendars: Calendars, placed: Placed, slot: Slot, vectors: int) -> None:
    """Enter a slot into its lane's calendar and into the result."""
    reserve(calendars, slot.lane, slot.depart, hold_cycles(wires, slot.bundle, vectors))
    row = placed.counts[0]
    placed.slots[row, 0], placed.slots[row, 1] = slot.block, slot.phase
    placed.slots[row, 2], placed.slots[row, 3] = slot.bundle, slot.depart
    placed.slots[row, 4] = slot.lane - wires.first_lane[wires.resource[slot.bundle]]
    placed.counts[0] = row + 1

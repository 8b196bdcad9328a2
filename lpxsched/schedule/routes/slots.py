"""Slots of the list schedule: how long they hold a lane, which lane is free first."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import kernel
from lpxsched.schedule.routes.columns import Network, Placed
from lpxsched.schedule.times.calendars import Calendars, earliest_gap, reserve
from lpxsched.units import NEVER, NONE


class Slot(NamedTuple):
    """A slot of a block: its phase, bundle, lane and departure."""

    block: int
    phase: int
    bundle: int
    lane: int
    depart: int


@kernel
def stream_cycles(network: Network, bundle: int, vectors: int) -> int:
    """Return ceil(n v) on a bundle."""
    return int(-(-vectors * network.numerator[bundle] // network.denominator[bundle]))


@kernel
def earliest_lane(network: Network, calendars: Calendars, bundle: int, ready: int, vectors: int) -> tuple[int, int]:
    """Return the lane of a bundle that is free first for a slot, and that cycle."""
    length = stream_cycles(network, bundle, vectors)
    best_lane, best = NONE, NEVER
    for lane in range(network.first_lane[bundle], network.first_lane[bundle] + network.lanes[bundle]):
        cycle = earliest_gap(calendars, lane, ready, length)
        if cycle < best:
            best_lane, best = lane, cycle
            if best == ready:
                break
    return best_lane, best


@kernel
def place_slot(network: Network, calendars: Calendars, placed: Placed, slot: Slot, vectors: int) -> None:
    """Enter a slot into its lane's calendar and into the result."""
    reserve(calendars, slot.lane, slot.depart, stream_cycles(network, slot.bundle, vectors))
    row = placed.counts[0]
    placed.slots[row, 0], placed.slots[row, 1] = slot.block, slot.phase
    placed.slots[row, 2], placed.slots[row, 3] = slot.bundle, slot.depart
    placed.slots[row, 4] = slot.lane - network.first_lane[slot.bundle]
    placed.counts[0] = row + 1

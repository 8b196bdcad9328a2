"""Deskews inside a layer that takes longer than clocks may run apart.

They lie where most is done: of all cycles within reach the one from which on least of what has begun must be put off.
The links drain before each, so that no vector needs the guard of two alignments.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.solve_layer import Solved

# A layer with more deskews inside is given up.
MOST_DESKEWS = 256


def with_deskews(
    instance: Instance, solved: Callable[[Instance], Solved], *, room_cycles: int, stall_cycles: int
) -> tuple[Instance, Solved] | str:
    """Return a layer and its schedule with deskews no farther apart than some cycles, or why none is found.

    Parameters
    ----------
    instance : Instance
        A layer that begins at 0, right after a deskew.
    solved : callable
        A schedule of a layer with the deskews that it has.
    room_cycles : int
        Longest time between two deskews, and until the layer ends.
    stall_cycles : int
        Of each.
    """
    found = solved(instance)
    while True:
        aligned = sum(instance.deskews[-1]) if instance.deskews else 0
        begin, end = spans(instance, found)
        if int(end.max(initial=0)) - aligned <= room_cycles:
            return instance, found
        if len(instance.deskews) == MOST_DESKEWS:
            return f"it is not over after {counted(MOST_DESKEWS, 'deskew')} inside, more are not tried"
        cycle = quietest(begin, end, after=aligned, until=aligned + room_cycles)
        if cycle is None:
            return "something in it lasts too long to lie between two deskews"
        instance = replace(instance, deskews=(*instance.deskews, (cycle, stall_cycles)))
        found = solved(instance)


def spans(instance: Instance, found: Solved) -> tuple[Integers, Integers]:
    """Return when everything begins and ends that a deskew may not meet: slots until they are read, operators, sums."""
    schedule, network = found.result.schedule, instance.network
    bundle = schedule.slot_bundle
    read = schedule.slot_depart + network.hop_cycles[bundle] + network.hold_cycles(schedule.slot_vectors, bundle)
    operator_end = schedule.operator_start + instance.operator_cycles
    begin = np.concatenate([schedule.slot_depart, schedule.operator_start, schedule.sums.start])
    return begin, np.concatenate([read, operator_end, schedule.sums.start + schedule.sums.cycles])


def quietest(begin: Integers, end: Integers, *, after: int, until: int) -> int | None:
    """Return the first cycle of a span before which most can be over; None where something lasts through all of it.

    What has begun and not ended by then must wait, and with it all that begins later: so much is over as lies before
    the first beginning of what ends later.
    """
    order = np.argsort(end, kind="stable")
    ends, first = end[order], np.minimum.accumulate(begin[order][::-1])[::-1]
    candidates = np.unique(ends[(ends > after) & (ends <= until)])
    if not len(candidates):
        return None
    later = np.searchsorted(ends, candidates, side="right")
    over = np.minimum(candidates, np.append(first, np.iinfo(np.int64).max)[later])
    best = int(over.argmax())
    return int(candidates[best]) if over[best] > after else None

"""One of the parallel links of a bundle for each slot.

Slots on a bundle never overlap more often than it has links, and intervals on a line that overlap at most k times
can be coloured with k colours by taking them in the order of their starts (interval graphs are perfect).
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule


def assign_lanes(instance: Instance, schedule: Schedule) -> NDArray[np.int64]:
    """Return the lane of each slot, shape (slots,), lowest free lane first.

    Raises
    ------
    ValueError
        When more slots overlap on a bundle than it has lanes: the schedule breaks R1.
    """
    vectors = schedule.blocks.vectors[schedule.slot_block]
    numerator = instance.network.pitch_numerator[schedule.slot_bundle]
    denominator = instance.network.pitch_denominator[schedule.slot_bundle]
    ends = schedule.slot_depart - (-vectors * numerator // denominator)
    lanes = np.zeros(len(vectors), dtype=np.int64)
    free: list[list[int]] = [list(range(count)) for count in instance.network.lanes.tolist()]
    busy: list[list[tuple[int, int]]] = [[] for _ in free]
    for slot in np.lexsort((schedule.slot_block, schedule.slot_depart)).tolist():
        bundle, depart = int(schedule.slot_bundle[slot]), int(schedule.slot_depart[slot])
        while busy[bundle] and busy[bundle][0][0] <= depart:
            heapq.heappush(free[bundle], heapq.heappop(busy[bundle])[1])
        if not free[bundle]:
            raise ValueError(f"R1: more than {instance.network.lanes[bundle]} slots on bundle {bundle} at {depart}")
        lanes[slot] = heapq.heappop(free[bundle])
        heapq.heappush(busy[bundle], (int(ends[slot]), int(lanes[slot])))
    return lanes

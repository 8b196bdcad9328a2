"""Deskews as calendars know them: what they close of links and units.

Within the deskew [c, c + s) nothing departs, is read or runs (R9), and nothing flies across it: a vector that is
read after another alignment than it left by would need the guard of both. A slot that holds its link during [a, b) is
read during [a + hop, b + hop) at most, so a link is closed for [c - hop, c + s), a unit for [c, c + s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.calendars import Closed
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.wires import Wires


def closed_by(deskews: Sequence[tuple[int, int]], wires: Wires, units: int) -> Closed:
    """Return what deskews, by cycle and stall, close of the resources of wires, and of units numbered behind these."""
    hop = np.full(len(wires.lanes) + units, NONE, dtype=np.int64)
    hop[wires.resource] = wires.hop
    rows: list[Integers] = [np.zeros((0, 3), dtype=np.int64)]
    for cycles in np.unique(hop).tolist() if deskews else []:
        resource = np.flatnonzero(hop == cycles)
        drains = max(cycles, 0)
        for begin, end in _disjoint([(c - drains, c + stall) for c, stall in deskews]):
            rows.append(np.column_stack(np.broadcast_arrays(resource, begin, end - begin)))
    return Closed(*(np.ascontiguousarray(column) for column in np.concatenate(rows).T))


def _disjoint(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of intervals."""
    union: list[tuple[int, int]] = []
    for begin, end in sorted(intervals):
        if union and begin <= union[-1][1]:
            union[-1] = union[-1][0], max(end, union[-1][1])
        else:
            union.append((begin, end))
    return union

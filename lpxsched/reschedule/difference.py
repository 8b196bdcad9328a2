"""What a repair changed: rows of ``timetable.parquet`` kept, moved, added and dropped, and operators moved.

A row is the same as before when it brings the same vectors of the same tensor to the same node. It is kept when link,
departure and read are the same too, else moved. Rows without a partner were dropped or added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import BRANCH, FLAGS

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.timetable.build import Build


def difference(before: Build, after: Build, role: Integers) -> dict[str, int]:
    """Return how many rows were kept, moved, added and dropped, and how many operators start at another time.

    Parameters
    ----------
    before, after : Build
    role : ndarray of int64, shape (nodes,)
        The node that stands in the place of each: what goes to a spare goes to the chip that it stands for.
    """
    rows = [_rows(before, role), _rows(after, role)]
    partners = _common(rows[0][:, :4], rows[1][:, :4])
    kept = _common(*rows)
    return {
        "rows_kept": kept,
        "rows_moved": partners - kept,
        "rows_added": len(rows[1]) - partners,
        "rows_dropped": len(rows[0]) - partners,
        "operators_moved": len(before.operators) - _common(_starts(before), _starts(after)),
    }


def _rows(build: Build, role: Integers) -> Integers:
    slots = build.slots
    columns = (slots.tensor, slots.first_vector, slots.vectors, role[build.links.dst[slots.link]])
    return np.column_stack([*columns, slots.link, slots.depart, slots.read])


def _starts(build: Build) -> Integers:
    """Return when operators start; of flags, which are numbered anew, by layer and shard."""
    operators, place = build.operators, build.operators.operator.copy()
    for number, kind in enumerate((FLAGS, BRANCH)):
        place[operators.kind == kind] = -1 - number
    named = place < 0
    layer, shard = np.where(named, operators.layer, 0), np.where(named, operators.shard, 0)
    return np.column_stack([place, layer, shard, operators.start])


def _common(one: Integers, other: Integers) -> int:
    """Return how many rows stand in both; no row stands twice in one, since no vector comes to a node twice."""
    both = np.unique(np.concatenate([one, other]), axis=0)
    return len(one) + len(other) - len(both)

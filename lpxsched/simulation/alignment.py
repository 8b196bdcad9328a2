"""The deskews of a build and the tree along which its nodes align: who agrees with whom since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import AlignmentTree
from lpxsched.errors import InputError

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Chips, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Deskews of all segments, sorted by segment and time, and the tree of all nodes.

    Attributes
    ----------
    tree : AlignmentTree
    root : ndarray of int64, shape (nodes,)
        The node without parent from which a node hangs.
    segment : ndarray of int64, shape (deskews,)
    end_cycle : ndarray of int64, shape (deskews,)
        Program time at which the segment goes on: cycle + stall.
    elapsed_cycles : ndarray of int64, shape (deskews,)
        From the end of the segment's first deskew to the end of this one.
    first : ndarray of int64, shape (segments,)
        The first deskew of each segment.
    """

    tree: AlignmentTree
    root: Integers
    segment: Integers
    end_cycle: Integers
    elapsed_cycles: Integers
    first: Integers

    @property
    def nodes(self) -> int:
        """Number of chips and hosts."""
        return len(self.root)

    def deskew_before(self, segment: Integers, cycle: Integers) -> Integers:
        """Return the last deskew that ended at or before a cycle of a segment (or its first), elementwise."""
        span = 1 + max(int(self.end_cycle.max()), int(cycle.max(initial=0)))
        position = np.searchsorted(self.segment * span + self.end_cycle, segment * span + cycle, side="right") - 1
        return np.maximum(position, self.first[segment]).astype(np.int64)


def read_alignment(build: Build) -> Alignment:
    """Return the deskews and the tree of a build.

    Raises
    ------
    InputError
        When the parents form no tree, or a segment does not open with a deskew.
    """
    deskews = build.deskews
    order = np.lexsort((deskews.cycle, deskews.segment))
    segment = deskews.segment[order]
    first = np.searchsorted(segment, build.segments.segment)
    opens = np.isin(build.segments.segment, segment[deskews.cycle[order] == 0])
    if not opens.all():
        problem = f"segment {int(np.flatnonzero(~opens)[0])} has no deskew at cycle 0; it must open with one"
        raise InputError(deskews.file, problem, key="cycle")
    end_cycle = (deskews.cycle + deskews.stall)[order]
    return Alignment(
        tree=AlignmentTree(build.chips.hac_parent, build.chips.hac_depth),
        root=_roots(build.chips),
        segment=segment,
        end_cycle=end_cycle,
        elapsed_cycles=end_cycle - end_cycle[first[segment]],
        first=first.astype(np.int64),
    )


def _roots(chips: Chips) -> Integers:
    """Return the root of every node; depths that grow by one a level leave no room for a cycle of parents."""
    parent, depth = chips.hac_parent, chips.hac_depth
    is_root = parent == chips.chip
    wrong = np.flatnonzero(depth != np.where(is_root, 0, depth[parent] + 1))
    if len(wrong):
        problem = f"row {int(wrong[0])} must be 0 at a root and one more than its parent's elsewhere"
        raise InputError(chips.file, problem, key="hac_depth")
    root = parent
    for _ in range(int(depth.max(initial=0))):
        root = parent[root]
    return root

"""The deskews of a build and the trees along which its nodes align: who agrees with whom since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import AlignmentTree
from lpxsched.errors import InputError
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Deskews of all segments, sorted by segment and time, and the trees of all nodes.

    Lanes of a host follow the chips at their other ends: each is a node of its own, numbered after chips and hosts.

    Attributes
    ----------
    tree : AlignmentTree
        Of chips, hosts and lanes of hosts.
    root : ndarray of int64, shape (nodes,)
        The node without parent from which a node hangs; a node in no tree is its own.
    sender : ndarray of int64, shape (links,)
        Node whose clock times the departures of each link: its source, or a lane of a host.
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
    sender: Integers
    segment: Integers
    end_cycle: Integers
    elapsed_cycles: Integers
    first: Integers

    @property
    def nodes(self) -> int:
        """Number of chips, hosts and lanes of hosts."""
        return len(self.root)

    def deskew_before(self, segment: Integers, cycle: Integers) -> Integers:
        """Return the last deskew that ended at or before a cycle of a segment (or its first), elementwise."""
        span = 1 + max(int(self.end_cycle.max()), int(cycle.max(initial=0)))
        position = np.searchsorted(self.segment * span + self.end_cycle, segment * span + cycle, side="right") - 1
        return np.maximum(position, self.first[segment]).astype(np.int64)


def read_alignment(build: Build) -> Alignment:
    """Return the deskews and the trees of a build.

    Raises
    ------
    InputError
        When a segment does not open with a deskew.
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
    tree, sender = _with_lanes(build, AlignmentTree(build.chips.hac_parent, build.chips.hac_depth))
    root = tree.root
    return Alignment(
        tree=tree,
        root=np.where(root == NONE, np.arange(len(root)), root),
        sender=sender,
        segment=segment,
        end_cycle=end_cycle,
        elapsed_cycles=end_cycle - end_cycle[first[segment]],
        first=first.astype(np.int64),
    )


def _with_lanes(build: Build, tree: AlignmentTree) -> tuple[AlignmentTree, Integers]:
    """Hang each lane of a host from the chip at its other end; return who sends on each link too."""
    sender = build.links.src.copy()
    lanes = np.flatnonzero(build.chips.host[sender])
    followed = build.links.dst[lanes]
    sender[lanes] = len(tree.depth) + np.arange(len(lanes))
    below = np.where(tree.depth[followed] == NONE, NONE, tree.depth[followed] + 1)
    parent = np.concatenate([tree.parent, np.where(below == NONE, NONE, followed)])
    return AlignmentTree(parent, np.concatenate([tree.depth, below])), sender

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

    A segment on demand has the deskews of its frame. In a frame that repeats an iteration has one, before it begins; of
    all iterations the one is looked at that begins longest after its deskew, where clocks are farthest apart. Deskews
    that come in every period lie in an iteration like those of a segment on demand.

    Lanes of a host follow the chips at their other ends: each is a node of its own, numbered after chips and hosts.

    Attributes
    ----------
    tree : AlignmentTree
        Of chips, hosts and lanes of hosts.
    root : ndarray of int64, shape (nodes,)
        The node without parent from which a node hangs; a node in no tree is its own.
    oscillator : ndarray of int64, shape (nodes,)
        Equal where nodes count with one oscillator.
    sender : ndarray of int64, shape (links,)
        Node whose clock times the departures of each link: its source, or a lane of a host.
    segment : ndarray of int64, shape (deskews,)
    end_cycle : ndarray of int64, shape (deskews,)
        Program time at which the segment goes on: cycle + stall; below 0 where that lies before the segment begins.
    elapsed_cycles : ndarray of int64, shape (deskews,)
        From the end of the segment's first deskew to the end of this one.
    first : ndarray of int64, shape (segments,)
        The first deskew of each segment.
    """

    tree: AlignmentTree
    root: Integers
    oscillator: Integers
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
        before = min(0, int(self.end_cycle.min(initial=0)))
        span = 1 - before + max(int(self.end_cycle.max(initial=0)), int(cycle.max(initial=0)))
        keys = self.segment * span + self.end_cycle - before
        position = np.searchsorted(keys, segment * span + cycle - before, side="right") - 1
        return np.maximum(position, self.first[segment]).astype(np.int64)


def read_alignment(build: Build, shared_by: str = "chip") -> Alignment:
    """Return the deskews and the trees of a build whose chips share oscillators by chip, tray or rack.

    Raises
    ------
    InputError
        When a segment on demand does not open with a deskew, or the deskews of a frame that repeats leave no gap.
    """
    spans = [deskew_ends(build, segment) for segment in range(len(build.segments))]
    counts = np.array([len(ends) for ends in spans], dtype=np.int64)
    segment, first = np.repeat(np.arange(len(spans)), counts), np.cumsum(counts) - counts
    end_cycle = np.concatenate([*spans, np.zeros(0, dtype=np.int64)])
    tree, sender = _with_lanes(build, AlignmentTree(build.chips.hac_parent, build.chips.hac_depth))
    root = tree.root
    return Alignment(
        tree=tree,
        root=np.where(root == NONE, np.arange(len(root)), root),
        oscillator=_oscillators(build, shared_by, len(root)),
        sender=sender,
        segment=segment,
        end_cycle=end_cycle,
        elapsed_cycles=end_cycle - end_cycle[first[segment]],
        first=first.astype(np.int64),
    )


def deskew_ends(build: Build, segment: int) -> Integers:
    """Return when the deskews of a segment end, sorted; see `Alignment`.

    Raises
    ------
    InputError
        As `read_alignment`.
    """
    deskews, frame = build.deskews, int(build.segments.frame[segment])
    mine = np.flatnonzero(deskews.frame == frame)
    if len(mine) and (deskews.every_periods[mine] == 1).all():
        return _in_every_period(build, segment, mine)
    if build.frames.period_cycles[frame]:
        return np.array([-_since_deskew(build, segment, mine) if len(mine) else 0], dtype=np.int64)
    order = mine[np.argsort(deskews.cycle[mine], kind="stable")]
    if not len(order) or deskews.cycle[order[0]]:
        problem = f"segment {segment} has no deskew at cycle 0; it must open with one"
        raise InputError(deskews.file, problem, key="cycle")
    return np.asarray(deskews.cycle[order] + deskews.stall[order])


def _in_every_period(build: Build, segment: int, mine: Integers) -> Integers:
    """Return when deskews that come in every period end, from the last one before an iteration until it has ended."""
    period, phase = int(build.frames.period_cycles[build.segments.frame[segment]]), build.segments.phase_cycles[segment]
    end = (build.deskews.cycle + build.deskews.stall)[mine] - phase
    last = int(build.segments.makespan_cycles[segment]) // period + 2
    ends = np.sort((end % period - period + np.arange(last + 1)[:, np.newaxis] * period).reshape(-1))
    return np.asarray(ends[np.flatnonzero(ends <= 0)[-1] :])


def _since_deskew(build: Build, segment: int, mine: Integers) -> int:
    """Return the longest time from a deskew of a frame that repeats to an iteration of a segment."""
    frames, deskews, frame = build.frames, build.deskews, int(build.segments.frame[segment])
    period, windows = int(frames.period_cycles[frame]), int(frames.windows[frame])
    run = np.setdiff1d(np.arange(windows), frames.gaps[frame])
    every = deskews.every_periods[mine] * period
    if not len(run) or not every.all():
        problem = f"frame {frame} repeats every {period} cycles, and no window is left to run in between its deskews"
        raise InputError(frames.file, problem, key="gaps")
    begin = build.segments.phase_cycles[segment] + run * period
    # The last of each deskew's repetitions; of several deskews the last one counts.
    since = (begin[:, np.newaxis] - deskews.cycle[mine] - deskews.stall[mine]) % every
    return int(since.min(axis=1).max())


def _with_lanes(build: Build, tree: AlignmentTree) -> tuple[AlignmentTree, Integers]:
    """Hang each lane of a host from the chip at its other end; return who sends on each link too."""
    sender = build.links.src.copy()
    lanes = np.flatnonzero(build.chips.host[sender])
    followed = build.links.dst[lanes]
    sender[lanes] = len(tree.depth) + np.arange(len(lanes))
    below = np.where(tree.depth[followed] == NONE, NONE, tree.depth[followed] + 1)
    parent = np.concatenate([tree.parent, np.where(below == NONE, NONE, followed)])
    return AlignmentTree(parent, np.concatenate([tree.depth, below])), sender


def _oscillators(build: Build, shared_by: str, nodes: int) -> Integers:
    """Return the first node of those with which each shares an oscillator; a host and its lanes share none."""
    own, left_out = np.arange(nodes), {"chip": 0, "tray": 1, "rack": 2}[shared_by]
    first: dict[str, int] = {}
    for chip in np.flatnonzero(~build.chips.host).tolist() if left_out else ():
        place = ".".join(str(build.chips.position[chip]).split(".")[:-left_out])
        own[chip] = first.setdefault(place, chip)
    return own

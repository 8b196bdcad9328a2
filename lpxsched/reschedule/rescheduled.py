"""A build without what is down: only segments that use it are looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.reschedule.clocks import needed_guards, trees_without
from lpxsched.reschedule.detours import Room
from lpxsched.reschedule.free_time import busy, deskewing, joined, turns
from lpxsched.reschedule.segment import Repaired, repaired
from lpxsched.reschedule.tasks import moves_of, slot_segments, work_of
from lpxsched.reschedule.ways import Open
from lpxsched.reschedule.wires import wires_of

if TYPE_CHECKING:
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.reschedule.tasks import Moves
    from lpxsched.reschedule.wires import Wires
    from lpxsched.schedule.times.calendars import Closed
    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """What all segments of a repair have in common.

    Attributes
    ----------
    build : Build
        Before the repair.
    fabric : Fabric
        Without what is down.
    tree : AlignmentTree
    wires : Wires
    moves : Moves
        All slots of the build; hops are as long as the tree asks for.
    segment : ndarray of int64, shape (slots,)
    lost : ndarray of bool, shape (slots,)
    """

    build: Build
    fabric: Fabric
    tree: AlignmentTree
    wires: Wires
    moves: Moves
    segment: Integers
    lost: Flags

    def unguarded_hops(self) -> Integers:
        """Return the hops of all links without guards."""
        return wires_of(self.build, np.zeros_like(self.wires.hop)).hop


def around_of(build: Build, fabric: Fabric) -> Around:
    """Return what segments have in common when some links and nodes of the fabric are down."""
    last = int(build.slots.read.max(initial=0)) + 1
    moves, segment = moves_of(build, np.arange(fabric.nodes, dtype=np.int64)), slot_segments(build)
    found: list[tuple[int, int, AlignmentTree, Integers, Integers]] = []
    for tree in trees_without(build, fabric):
        guards = needed_guards(build, tree, last)
        needed = wires_of(build, guards).hop[moves.link]
        found.append((int((needed > moves.hop).sum()), len(found), tree, guards, needed))
    _, _, tree, guards, needed = min(found)
    wires = wires_of(build, np.maximum(guards, build.links.guard_cycles))
    moves = moves._replace(hop=np.maximum(needed, moves.hop))
    return Around(build, fabric, tree, wires, moves, segment, ~fabric.link_up[moves.link])


def repaired_segments(around: Around) -> dict[int, Repaired]:
    """Return each segment that lost slots, or whose vectors must be read later, repaired."""
    later = around.moves.depart + around.moves.hop > around.build.slots.read
    touched = np.unique(around.segment[around.lost | later]).tolist()
    return {segment: _repaired(around, segment) for segment in touched}


def _repaired(around: Around, segment: int) -> Repaired:
    build, wires = around.build, around.wires
    rows = np.flatnonzero(around.segment == segment)
    moves, lost = around.moves.taken(rows), around.lost[rows]
    found = repaired(moves, work_of(build, segment), wires, lost, _room(around, segment), _closed(around, segment))
    if found.nowhere:
        slot = found.nowhere[0]
        ends = int(moves.source[slot]), int(moves.destination[slot])
        raise NothingFoundError(f"no way for what went from {ends[0]} to {ends[1]}", remedy="compile again")
    return replace(found, row=rows[found.row])


def _room(around: Around, segment: int) -> Room:
    """Return the links among the nodes of a segment that are up, and its chips, which may pass vectors on."""
    build, wires, graph = around.build, around.wires, around.build.graph
    groups = graph.groups_of(segment)
    nodes = np.zeros(len(build.chips), dtype=np.bool_)
    nodes[[node for group in groups for node in (*group.members, *group.hosts)]] = True
    link = np.flatnonzero(around.fabric.link_up & nodes[wires.source] & nodes[wires.destination])
    frame = build.segments.frame[segment]
    period = int(build.frames.period_cycles[frame])
    lasting = int(around.moves.depart.max(initial=0)) + 1
    return Room(_opened(wires, link), nodes & ~build.chips.host, tuple(turns(period, lasting)))


def _opened(wires: Wires, link: Integers) -> Open:
    source = wires.source[link]
    columns = wires.pitch[link], wires.denominator[link], wires.hop[link], wires.turnaround[source]
    return Open(link, source, wires.destination[link], *columns)


def _closed(around: Around, segment: int) -> Closed:
    """Return when links are closed beside the segment's own slots: by deskews, and by what repeats in its frame."""
    build, wires = around.build, around.wires
    frame = int(build.segments.frame[segment])
    period = int(build.frames.period_cycles[frame])
    if not period:
        mine = np.flatnonzero(build.deskews.frame == frame)
        deskews = zip(build.deskews.cycle[mine].tolist(), build.deskews.stall[mine].tolist(), strict=True)
        return deskewing(list(deskews), wires)
    parts, lasting = [], int(around.moves.depart.max(initial=0)) + 1
    for other in np.flatnonzero(build.segments.frame == frame).tolist():
        if other != segment:
            apart = int(build.segments.phase_cycles[other] - build.segments.phase_cycles[segment])
            rows = np.flatnonzero((around.segment == other) & ~around.lost)
            shifts = [apart + turn for turn in turns(period, lasting + abs(apart))]
            parts.append(busy(around.moves.taken(rows), wires, shifts))
    return joined(parts)

"""Where new slots of a segment may go, and when links and units are closed to all of its rows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.detours import Room
from lpxsched.reschedule.free_time import busy, deskewing, joined, turns
from lpxsched.reschedule.ways import Open
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags
    from lpxsched.reschedule.around import Around
    from lpxsched.schedule.times.calendars import Closed


def room_of(around: Around, segment: int, *, relays: bool) -> Room:
    """Return the links that are up among the nodes of a segment, and those of its chips which may pass vectors on.

    Parameters
    ----------
    around : Around
    segment : int
    relays : bool
        Whether chips of other segments on demand, in the same time domain, and chips of none may pass vectors on too.
    """
    build, wires = around.build, around.wires
    frame = build.segments.frame[segment]
    nodes = _nodes(around, segment)
    if relays:
        nodes = nodes | _helpers(around, int(frame))
    link = np.flatnonzero(around.fabric.link_up & nodes[wires.source] & nodes[wires.destination])
    source = wires.source[link]
    columns = wires.pitch[link], wires.denominator[link], wires.hop[link], wires.turnaround[source]
    shifts = tuple(turns(int(build.frames.period_cycles[frame]), _lasting(around)))
    pitches = np.stack([wires.pitch[link], wires.denominator[link]], axis=1)
    kinds, first, kind = np.unique(pitches, axis=0, return_index=True, return_inverse=True)
    fastest = min(((int(one), int(parts)) for one, parts in kinds.tolist()), key=lambda pitch: Fraction(*pitch))
    passable = nodes & ~wires.host
    open_links = Open(link, source, wires.destination[link], *columns)
    return Room(open_links, passable, shifts, fastest, link[first], kind.reshape(-1))


def _nodes(around: Around, segment: int) -> Flags:
    groups = around.build.graph.groups_of(segment)
    nodes = np.zeros(len(around.wires.host), dtype=np.bool_)
    nodes[[node for group in groups for node in (*group.members, *group.hosts)]] = True
    return nodes


def _helpers(around: Around, frame: int) -> Flags:
    """Return the chips that may join a frame on demand: those of frames that are alike, and those of none."""
    build = around.build
    frames, nodes = build.frames, ~around.wires.host & ~around.fabric.node_down
    if frames.period_cycles[frame]:
        return np.zeros_like(nodes)
    for other in range(len(frames)):
        if not alike(around, frame, other):
            for segment in np.flatnonzero(build.segments.frame == other).tolist():
                nodes &= ~_nodes(around, segment)
    root, first = around.tree.root, build.graph.groups_of(int(np.flatnonzero(build.segments.frame == frame)[0]))[0]
    domain = root[first.chips[0]]
    return nodes if domain == NONE else np.asarray(nodes & (root == domain))


def alike(around: Around, frame: int, other: int) -> bool:
    """Return whether two frames can become one: on demand, in one time domain, with the same deskews."""
    frames, deskews = around.build.frames, around.build.deskews
    mine, its = (
        [(deskews.cycle[row], deskews.stall[row]) for row in np.flatnonzero(deskews.frame == number)]
        for number in (frame, other)
    )
    on_demand = not frames.period_cycles[frame] and not frames.period_cycles[other]
    return bool(on_demand and frames.time_domain[frame] == frames.time_domain[other] and mine == its)


def closed_to(around: Around, segment: int) -> Closed:
    """Return when links are closed beside the segment's own slots: by deskews, and by what repeats in its frame."""
    build, wires = around.build, around.wires
    frame = int(build.segments.frame[segment])
    period = int(build.frames.period_cycles[frame])
    if not period:
        mine = np.flatnonzero(build.deskews.frame == frame)
        deskews = zip(build.deskews.cycle[mine].tolist(), build.deskews.stall[mine].tolist(), strict=True)
        return deskewing(list(deskews), wires)
    parts = []
    for other in np.flatnonzero(build.segments.frame == frame).tolist():
        if other != segment:
            apart = int(build.segments.phase_cycles[other] - build.segments.phase_cycles[segment])
            rows = np.flatnonzero((around.segment == other) & ~around.lost)
            shifts = [apart + turn for turn in turns(period, _lasting(around) + abs(apart))]
            parts.append(busy(around.moves.taken(rows), wires, shifts))
    return joined(parts)


def _lasting(around: Around) -> int:
    return int(around.moves.depart.max(initial=0)) + 1

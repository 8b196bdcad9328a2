"""Where new slots of a segment may go, and when links and units are closed to all of its rows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.deskews import Stalls
from lpxsched.reschedule.detours import Room
from lpxsched.reschedule.free_time import busy, deskewing, turns
from lpxsched.reschedule.shifts import Beside
from lpxsched.reschedule.tasks import work_of
from lpxsched.reschedule.ways import Open
from lpxsched.schedule.times.calendars import Closed, united
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Flags
    from lpxsched.reschedule.around import Around
    from lpxsched.reschedule.segment import Repaired
    from lpxsched.timetable.build import Build


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
    pitches_of_kinds = [(int(one), int(parts)) for one, parts in kinds.tolist()]
    # Without a link nothing leaves, at whatever pitch.
    fastest = min(pitches_of_kinds, key=lambda pitch: Fraction(*pitch), default=(1, 1))
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


def beside_of(around: Around, segment: int, done: Mapping[int, Repaired]) -> Beside:
    """Return what rows of a segment are placed beside: deskews on demand, else what repeats in its frame, and limits.

    Parameters
    ----------
    around : Around
    segment : int
    done : mapping of int to Repaired
        Segments that were repaired before.
    """
    build, chips = around.build, around.build.chips
    frame = int(build.segments.frame[segment])
    period = int(build.frames.period_cycles[frame])
    if period:
        others = np.flatnonzero(build.segments.frame == frame).tolist()
        closed = united([_held_by(around, segment, other, done) for other in others if other != segment])
    else:
        mine = np.flatnonzero((build.deskews.frame == frame) & ~movable_deskews(build))
        deskews = zip(build.deskews.cycle[mine].tolist(), build.deskews.stall[mine].tolist(), strict=True)
        closed = deskewing(list(deskews), around.wires)
    later = np.flatnonzero(movable_deskews(build))
    stall = build.deskews.stall[later]
    stalls = Stalls(build.deskews.cycle[later], np.maximum(stall, around.stall_cycles), stall)
    return Beside(closed, period, stalls, int(chips.inject_per_cycle[0]), int(chips.eject_per_cycle[0]))


def movable_deskews(build: Build) -> Flags:
    """Return which deskews may come later: of a build of one segment on demand all but the one that opens it."""
    one = len(build.segments) == 1 and not build.frames.period_cycles.any()
    return np.asarray(one & (build.deskews.cycle > 0) & (build.deskews.stall > 0))


def _held_by(around: Around, segment: int, other: int, done: Mapping[int, Repaired]) -> Closed:
    """Return when another segment of a frame that repeats holds links and units, in the time of a segment."""
    build, wires = around.build, around.wires
    apart = int(build.segments.phase_cycles[other] - build.segments.phase_cycles[segment])
    shifts = turns(int(build.frames.period_cycles[build.segments.frame[segment]]), _lasting(around) + abs(apart))
    shifts = [apart + turn for turn in shifts]
    work = work_of(build, other)
    if other in done:
        moves, start = done[other].moves, done[other].start
    else:
        rows = np.flatnonzero((around.segment == other) & ~around.lost)
        moves, start = around.moves.taken(rows), work.start
    working = np.flatnonzero(work.unit != NONE)
    begin = (start[working][:, None] + np.array(shifts, dtype=np.int64)).reshape(-1)
    units, cycles = (np.repeat(column[working], len(shifts)) for column in (work.unit, work.cycles))
    return united([busy(moves, wires, shifts), Closed(len(wires.hop) + units, begin, cycles)])


def _lasting(around: Around) -> int:
    return int(around.moves.depart.max(initial=0)) + 1

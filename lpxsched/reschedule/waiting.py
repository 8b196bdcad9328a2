"""What a repair makes longer beside makespans: passes of chips that poll, start-up along a deeper tree, drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import BRANCH
from lpxsched.clocks.guard import stall_cycles
from lpxsched.clocks.latency import pass_cycles
from lpxsched.clocks.tree import needs_alignment
from lpxsched.reschedule.clocks import segment_ends
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.timetable.derived import polled_segments, slot_segments

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.timetable.build import Build


def waiting_of(build: Build) -> Integers:
    """Return how long segments wait for their time zero at most: no less than before, and a pass where chips poll.

    A pass takes whole epochs that hold what it does when a flag is missing: what leaves before chips branch, and all
    that hosts send, until it is read. Of chips that do not poll an epoch each was added for further levels of the tree.
    """
    waiting, clock, polled = build.segments.waiting_cycles.copy(), read_clock(build), polled_segments(build)
    on_demand = build.frames.period_cycles[build.segments.frame] == 0
    for segment in np.flatnonzero(polled).tolist():
        waiting[segment] = max(int(waiting[segment]), pass_cycles(clock, _void_cycles(build, segment)))
    if needs_alignment(clock):
        epochs = (1 + _depths(build)) * clock.hac_period_cycles.value
        waiting = np.where(polled | ~on_demand, waiting, np.maximum(waiting, epochs))
    return waiting


def _depths(build: Build) -> Integers:
    """Return how deep in their tree the chips and relays of each segment are at most."""
    groups = [build.graph.groups_of(segment) for segment in range(len(build.segments))]
    members = [[chip for group in mine for chip in group.members] for mine in groups]
    return np.array([int(build.chips.hac_depth[chips].max(initial=0)) for chips in members], dtype=np.int64)


def _void_cycles(build: Build, segment: int) -> int:
    """Return when a pass without all flags is over."""
    slots, host, wires = build.slots, build.chips.host, wire_times_of(build, np.zeros_like(build.links.link))
    branches = (build.operators.segment == segment) & (build.operators.kind == BRANCH)
    branch = int(build.operators.start[branches].max(initial=0))
    from_host, to_host = host[wires.source[slots.link]], host[wires.destination[slots.link]]
    sent = (slot_segments(build) == segment) & (from_host | (slots.depart < branch))
    read = slots.read + wires.hold_cycles(slots.link, slots.vectors - 1) + 1
    held = slots.depart + wires.hold_cycles(slots.link, slots.vectors)
    return int(np.where(to_host, held, read)[sent].max(initial=branch + 1))


def with_covering_deskews(build: Build) -> Build:
    """Return a build whose frames on demand open with deskews as long as their segments and trees ask for.

    Where one must be longer, all rows of the segments of its frame, and its other deskews, come later by as much.
    """
    if not needs_alignment(read_clock(build)):
        return build
    for frame in range(len(build.frames)):
        while (missing := _missing_stall(build, frame)) > 0:
            build = _opened_later(build, frame, missing)
    return build


def _missing_stall(build: Build, frame: int) -> int:
    """Return by how many cycles the deskew that opens a frame is too short; 0 or less where it is not."""
    deskews, mine = build.deskews, build.segments.frame == frame
    rows = np.flatnonzero(deskews.frame == frame)
    lasting = (segment_ends(build) + build.segments.waiting_cycles * polled_segments(build))[mine]
    last = int((deskews.cycle + deskews.stall)[rows].max())
    needed = stall_cycles(
        read_clock(build),
        depth=int(_depths(build)[mine].max()),
        interval_cycles=int(lasting.max()) - last,
        clock_mhz=read_clock_mhz(build),
    )
    return needed - int(deskews.stall[rows[0]])


def _opened_later(build: Build, frame: int, cycles: int) -> Build:
    """Return a build in which the deskew that opens a frame is longer, and all else of it comes later by as much."""
    slots, operators, deskews = build.slots, build.operators, build.deskews
    frame_of = build.segments.frame
    later = np.where(frame_of[slot_segments(build)] == frame, cycles, 0)
    start = operators.start + np.where(frame_of[operators.segment] == frame, cycles, 0)
    mine, opens = deskews.frame == frame, deskews.cycle == 0
    return replace(
        build,
        slots=replace(slots, depart=slots.depart + later, read=slots.read + later),
        operators=replace(operators, start=start),
        deskews=replace(
            deskews,
            cycle=deskews.cycle + np.where(mine & ~opens, cycles, 0),
            stall=deskews.stall + np.where(mine & opens, cycles, 0),
        ),
    )

"""Windows of micro-batches in flight after a repair: the same period and phases, and as many windows as steps now take.

A segment that ends later hands its rows on later. Where they rested at their hosts for that long, nothing else changes.
Else they leave whole periods later, so that ports serve them in the same cycles modulo the period; all later segments
begin these periods later, a step has so many windows more, and gaps, deskews and the windows that micro-batches own
are chosen anew, as `program.in_flight` chooses them. No row moves for that: rows count from the zero of their segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import picoseconds_up
from lpxsched.errors import NothingFoundError
from lpxsched.program.frames.frames import drained, gap_windows, lost_residues
from lpxsched.program.frames.reserved_chain import ReservedChain, chain_of, free_residues, server_conflicts
from lpxsched.reschedule.clocks import apart_cycles, needed_stall, segment_ends, tree_depth
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.simulation.manifest import read_clock_mhz
from lpxsched.simulation.reserved import discipline_of
from lpxsched.timetable.columns import Deskews
from lpxsched.units import ceil_div, counted, cycles_to_ns
from lpxsched.verify.outside import TYPICAL, Outside, outside_of
from lpxsched.verify.reservations import stage_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.program.frames.frames import Frame
    from lpxsched.simulation.discipline import Discipline
    from lpxsched.timetable.build import Build

REMEDY = "compile on the fabric that is left"


@dataclass(frozen=True, slots=True, eq=False)
class Reserved:
    """What micro-batches own after a repair.

    Attributes
    ----------
    chain : ReservedChain
    frames : tuple of Frame
    owned : tuple of (int, int)
        Residue and server of each micro-batch.
    rests : ndarray of int64, shape (segments,)
    step_cycles : int
        A nominal step.
    """

    chain: ReservedChain
    frames: tuple[Frame, ...]
    owned: tuple[tuple[int, int], ...]
    rests: Integers
    step_cycles: int


def reserved_again(before: Build, after: Build) -> tuple[Build, Reserved]:
    """Return a build in flight whose frames have windows, gaps and deskews for its segments as they are now.

    Parameters
    ----------
    before : Build
    after : Build
        Repaired, with the makespans of its rows, but windows as before.

    Raises
    ------
    NothingFoundError
        When fewer micro-batches fit, or a segment does not drain between two deskews.
    """
    plan, segments = discipline_of(before), after.segments
    stall = max(int(before.deskews.stall.max(initial=0)), needed_stall(after, tree_depth(after), apart_cycles(before)))
    longer = segments.makespan_cycles - before.segments.makespan_cycles + stall - before.deskews.stall.max(initial=0)
    rests = np.array(before.manifest.results["rest_cycles"], dtype=np.int64)
    periods = np.maximum(0, -((rests - longer) // plan.period))
    rests = rests + periods * plan.period - longer
    chain = _longer_chain(plan, periods)
    frames = _frames(before, after, chain, stall)
    owned = _owners(before, plan, chain, periods, frames)
    step = _nominal_step(after, chain, max(len(frame.gaps) for frame in frames), len(owned))
    build = replace(
        after,
        segments=replace(segments, waiting_cycles=np.maximum(segments.waiting_cycles, chain.waits_cycles)),
        frames=replace(
            after.frames,
            windows=np.array([frame.windows for frame in frames], dtype=np.int64),
            gaps=tuple(np.array(frame.gaps, dtype=np.int64) for frame in frames),
        ),
        deskews=_deskews(frames),
    )
    return build, Reserved(chain, frames, owned, rests, step)


def _longer_chain(plan: Discipline, periods: Integers) -> ReservedChain:
    """Return the chain of one micro-batch when each segment hands on its rows so many periods later."""
    later = np.cumsum(periods) - periods
    delays = plan.delays + periods * plan.period
    windows = plan.windows + int(periods.sum())
    return ReservedChain(plan.period, windows, plan.start + later * plan.period, delays)


def _frames(before: Build, after: Build, chain: ReservedChain, stall: int) -> tuple[Frame, ...]:
    """Return the frames with gaps for deskews no farther apart than before: guards hold for as long."""
    frames, of_segment, runs = before.frames, before.segments.frame, segment_ends(after) + 1
    apart, found = max(1, apart_cycles(before) // chain.period_cycles), []
    for frame in range(len(frames)):
        layers = np.flatnonzero(of_segment == frame).tolist()
        times = ceil_div(chain.windows, apart) if (before.deskews.frame == frame).any() else 0
        if times and min(apart, chain.windows // times) <= gap_windows(chain, layers, runs, stall):
            effort = f"frame {frame} would not drain between two deskews, {counted(apart, 'window')} apart"
            raise NothingFoundError(effort, remedy=REMEDY)
        bound = int(frames.lower_bound_cycles[frame])
        found.append(drained(chain, layers, runs, stall_cycles=stall, times=times, bound_cycles=bound))
    return tuple(found)


def _owners(
    before: Build, plan: Discipline, chain: ReservedChain, periods: Integers, frames: tuple[Frame, ...]
) -> tuple[tuple[int, int], ...]:
    """Return which residue and which server each micro-batch has."""
    layers = [np.flatnonzero(before.segments.frame == frame).tolist() for frame in range(len(frames))]
    served = chain.start_cycles + plan.served + periods * plan.period
    conflicts = server_conflicts(served, plan.most[:, 1], chain)
    lost = lost_residues(chain, list(zip(frames, layers, strict=True)))
    owned = free_residues(conflicts, lost, len(plan.residues), _outside(before).servers)
    if len(owned) < len(plan.residues):
        asked, windows = counted(len(plan.residues), "micro-batch"), counted(chain.windows, "window")
        effort = f"{asked} in flight, and {len(owned)} would fit into {windows}"
        raise NothingFoundError(effort, remedy=REMEDY)
    return tuple(owned)


def _nominal_step(after: Build, chain: ReservedChain, gaps: int, micro_batches: int) -> int:
    """Return a nominal step: its chain, or what windows or GPUs take for all micro-batches if that is more."""
    outside = _outside(after)
    out, held, back = stage_cycles(after, outside, TYPICAL)
    delays = after.segments.makespan_cycles + out + held + back
    nominal = chain_of(chain.phase_cycles, delays, chain.period_cycles)
    windows = ceil_div(micro_batches * chain.windows, chain.windows - gaps) * chain.period_cycles
    return max(nominal.step_cycles, windows, ceil_div(micro_batches, outside.servers) * int(held.sum()))


def _outside(build: Build) -> Outside:
    outside = outside_of(build)
    # Read for `discipline_of` before.
    assert isinstance(outside, Outside)
    return outside


def _deskews(frames: tuple[Frame, ...]) -> Deskews:
    rows = [(number, *deskew, frame.windows) for number, frame in enumerate(frames) for deskew in frame.deskews]
    return Deskews(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)


def loads_again(build: Build, loads: list[dict[str, Any]], micro_batches: int) -> list[dict[str, Any]]:
    """Return loads whose busiest link is that of the rows as they are; nothing else that is loaded has changed."""
    links, slots = build.links, build.slots
    wires = wire_times_of(build, np.zeros_like(links.link))
    total = np.zeros(len(links), dtype=np.int64)
    np.add.at(total, slots.link, wires.hold_cycles(slots.link, slots.vectors))
    link = int(total.argmax())
    name = f"link {links.src[link]} -> {links.dst[link]}, lane {links.lane[link]}"
    one, whole = (
        picoseconds_up(cycles_to_ns(times * int(total[link]), read_clock_mhz(build))) for times in (1, micro_batches)
    )
    again = [
        {**load, "resource": name, "load_ns": one, "all_ns": whole} if load["kind"] == "link" else load
        for load in loads
    ]
    return sorted(again, key=lambda load: -float(load["load_ns"]))

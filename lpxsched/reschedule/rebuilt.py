"""From repaired segments to a signed build."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.program import concatenated
from lpxsched.reschedule.flags import with_flags_again
from lpxsched.reschedule.frames import with_joined_frames, with_relays
from lpxsched.reschedule.results import latest_ends, with_results
from lpxsched.reschedule.room import movable_deskews
from lpxsched.timetable.build import signed
from lpxsched.timetable.columns import Deskews, Slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.around import Around
    from lpxsched.reschedule.segment import Repaired
    from lpxsched.timetable.build import Build


def rebuilt(around: Around, segments: Mapping[int, Repaired]) -> Build:
    """Return the build with repaired segments in the place of what they were, its results told anew, signed.

    Raises
    ------
    NothingFoundError
        When what now belongs together cannot, or the deskews of a frame do not cover it any more.
    """
    build, fabric, tree = around.build, around.fabric, around.tree
    slots, start = _slots(around, segments), build.operators.start.copy()
    for segment, found in segments.items():
        start[build.operators.segment == segment] = found.start
    used = np.isin(np.arange(len(build.links)), slots.link)
    guards = np.where(used, around.wires.hop - around.bare.hop, build.links.guard_cycles)
    relays = {segment: _passing(around, found) for segment, found in segments.items()}
    after = replace(
        build,
        slots=slots,
        operators=replace(build.operators, start=start),
        chips=replace(build.chips, down=fabric.node_down, hac_parent=tree.parent, hac_depth=tree.depth),
        links=replace(build.links, down=fabric.link_down, guard_cycles=guards),
        frames=replace(build.frames, time_domain=_domains(around)),
        deskews=_deskews(around, segments),
        graph=with_relays(build.graph, relays),
    )
    bounds = _bounds(around, after, segments)
    after = replace(after, segments=replace(build.segments, lower_bound_cycles=bounds))
    after = with_flags_again(with_joined_frames(after), fabric, around.wires.hop - around.bare.hop)
    return signed(with_results(build, after))


def _deskews(around: Around, segments: Mapping[int, Repaired]) -> Deskews:
    """Return when frames deskew: some may come later with the rows around them, and take longer."""
    deskews, later = around.build.deskews, movable_deskews(around.build)
    cycle, stall = deskews.cycle.copy(), deskews.stall.copy()
    for found in segments.values():
        cycle[later], stall[later] = found.deskew, np.maximum(stall[later], around.stall_cycles)
    return replace(deskews, cycle=cycle, stall=stall)


def _bounds(around: Around, after: Build, segments: Mapping[int, Repaired]) -> Integers:
    """Return bounds of makespans on demand: those of before hold on fewer links, but not on other chips."""
    build = around.build
    bounds = build.segments.lower_bound_cycles.copy()
    for segment, found in segments.items():
        if around.on_demand(segment):
            same = after.graph.groups_of(segment) == around.original.groups_of(segment)
            starts = np.zeros(len(build.operators), dtype=np.int64)
            starts[build.operators.segment == segment] = found.earliest
            bounds[segment] = max(int(bounds[segment]) * same, int(latest_ends(after, starts)[segment]))
    return bounds


def _domains(around: Around) -> Integers:
    """Return the root from which the chips of each frame take their counters."""
    graph, segments, root = around.build.graph, around.build.segments, around.tree.root
    first = [int(np.flatnonzero(segments.frame == frame)[0]) for frame in range(len(around.build.frames))]
    return np.array([root[graph.groups_of(segment)[0].chips[0]] for segment in first], dtype=np.int64)


def _passing(around: Around, found: Repaired) -> list[int]:
    """Return the chips at which new slots leave or arrive."""
    ends = np.concatenate([found.moves.source[~found.stays], found.moves.destination[~found.stays]])
    chips: list[int] = np.unique(ends[~around.wires.host[ends]]).tolist()
    return chips


def _slots(around: Around, segments: Mapping[int, Repaired]) -> Slots:
    """Return untouched rows and those of repaired segments, sorted by link and departure."""
    untouched = np.flatnonzero(~np.isin(around.segment, sorted(segments)))
    parts = [around.moves.taken(untouched), *(found.moves for found in segments.values())]
    moves = type(around.moves)(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    table = Slots(moves.tensor, moves.first, moves.vectors, moves.link, moves.depart, moves.depart + moves.hop)
    return concatenated([table], "link", "depart")

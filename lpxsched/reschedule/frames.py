"""Frames after a repair: segments that now share chips, by relays or spares, become one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.timetable.columns import Deskews, Frames
from lpxsched.traffic.group import sharing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphFile


def with_relays(graph: GraphFile, relays: Mapping[int, list[int]]) -> GraphFile:
    """Return a graph in which some segments have further relays: the first of their layers gets a group with them."""
    groups, layers = list(graph.groups), list(graph.layers)
    for segment, chips in relays.items():
        known = {chip for group in graph.groups_of(segment) for chip in group.members}
        more = [chip for chip in chips if chip not in known]
        if more:
            layer = graph.segments[segment].layers[0]
            group = graph.groups_of_layers()[layer]
            update = {"group": len(groups), "relays": [*group.relays, *more]}
            groups.append(group.model_copy(update=update))
            layers = [
                row.model_copy(update={"group": len(groups) - 1}) if row.layer == layer else row for row in layers
            ]
    return _without_idle_groups(graph.model_copy(update={"groups": groups, "layers": layers}))


def _without_idle_groups(graph: GraphFile) -> GraphFile:
    """Return a graph without groups that compute no layer, the others numbered from 0."""
    used = sorted({row.group for row in graph.layers})
    groups = [graph.groups[group].model_copy(update={"group": number}) for number, group in enumerate(used)]
    layers = [row.model_copy(update={"group": used.index(row.group)}) for row in graph.layers]
    return graph.model_copy(update={"groups": groups, "layers": layers})


def with_joined_frames(build: Build) -> Build:
    """Return a build whose segments that share chips are of one frame.

    Raises
    ------
    NothingFoundError
        When frames that now share a chip repeat, or do not align alike.
    """
    graph, segments = build.graph, range(len(build.segments))
    members = [[chip for group in graph.groups_of(segment) for chip in group.members] for segment in segments]
    frame = np.array(sharing(members), dtype=np.int64)
    if np.array_equal(frame, build.segments.frame):
        return build
    first = [int(np.flatnonzero(frame == number)[0]) for number in range(int(frame.max()) + 1)]
    old = build.segments.frame
    for number in range(len(first)):
        joined = sorted(set(old[frame == number].tolist()))
        if len({_kind(build, one) for one in joined}) > 1 or (
            len(joined) > 1 and build.frames.period_cycles[joined].any()
        ):
            effort = f"frames {joined} would share chips, but they repeat or do not align alike"
            raise NothingFoundError(effort, remedy="compile on the fabric that is left")
    kept, frames, deskews = old[first], build.frames, build.deskews
    rows = [np.flatnonzero(deskews.frame == one) for one in kept.tolist()]
    numbers = np.repeat(np.arange(len(kept), dtype=np.int64), [len(row) for row in rows])
    taken = np.concatenate(rows)
    columns = {name: getattr(frames, name)[kept] for name in ("time_domain", "period_cycles", "windows")}
    return replace(
        build,
        segments=replace(build.segments, frame=frame),
        frames=Frames(
            frame=np.arange(len(kept), dtype=np.int64),
            **columns,
            gaps=tuple(frames.gaps[one] for one in kept.tolist()),
            lower_bound_cycles=frames.lower_bound_cycles[kept],
        ),
        deskews=Deskews(numbers, *(getattr(deskews, field.name)[taken] for field in fields(Deskews)[1:])),
    )


def _kind(build: Build, frame: int) -> tuple[object, ...]:
    """Return what frames that become one have in common: time domain and deskews."""
    rows = np.flatnonzero(build.deskews.frame == frame)
    deskews = zip(build.deskews.cycle[rows].tolist(), build.deskews.stall[rows].tolist(), strict=True)
    return int(build.frames.time_domain[frame]), tuple(deskews)

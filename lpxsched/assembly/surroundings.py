"""The tables that say where segments run: chips, links, segments, frames and deskews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.fabric_tables import Surroundings, chips_table, links_table
from lpxsched.assembly.segment import numbers
from lpxsched.timetable.columns import Deskews, Frames, Segments
from lpxsched.traffic.group import sharing
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.assembly.segment import Part, Segment
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.columns import Integers


def surroundings(fabric: Fabric, tree: AlignmentTree, segments: Sequence[Segment]) -> Surroundings:
    """Return the tables of a fabric with the segments that run on it."""
    frames = sharing(segment.chips.tolist() for segment in segments)
    first = [frames.index(frame) for frame in range(max(frames) + 1)]
    return Surroundings(
        chips=chips_table(fabric, tree, weight_bytes=_weight_bytes(fabric, segments)),
        links=links_table(fabric, guard_cycles=_guards(fabric, segments)),
        segments=_segments(segments, frames),
        frames=_frames(tree, [segments[segment] for segment in first]),
        deskews=_deskews([segments[segment] for segment in first]),
    )


def _weight_bytes(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    weight_bytes = np.zeros(fabric.nodes, dtype=np.int64)
    for part in _parts(segments):
        np.add.at(
            weight_bytes, part.network.fabric_node[part.operators.node[part.weights.operator]], part.weights.bytes
        )
    return weight_bytes


def _parts(segments: Sequence[Segment]) -> Iterator[Part]:
    return (part for segment in segments for part in segment.parts)


def _guards(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    for part in _parts(segments):
        of_links = np.repeat(part.network.guard_cycles, part.network.lanes)
        np.maximum.at(guard, part.network.links.values, of_links)
    return guard


def _segments(segments: Sequence[Segment], frames: Sequence[int]) -> Segments:
    number = np.arange(len(segments), dtype=np.int64)
    return Segments(
        segment=number,
        frame=np.array(frames, dtype=np.int64),
        phase_cycles=numbers([segment.phase_cycles for segment in segments]),
        waiting_cycles=numbers([segment.waiting_cycles for segment in segments]),
        makespan_cycles=numbers([segment.makespan_cycles for segment in segments]),
        lower_bound_cycles=numbers([0 if segment.frame else segment.bound_cycles for segment in segments]),
        deadline_cycles=numbers([segment.deadline_cycles for segment in segments]),
    )


def _frames(tree: AlignmentTree, segments: Sequence[Segment]) -> Frames:
    """Return a frame for each of some segments, the first of those that share chips, on demand or with a period."""
    root, frames = tree.root, [segment.frame for segment in segments]
    return Frames(
        np.arange(len(segments), dtype=np.int64),
        np.array([root[segment.chips[0]] for segment in segments], dtype=np.int64),
        np.array([frame.period_cycles if frame else 0 for frame in frames], dtype=np.int64),
        np.array([frame.windows if frame else 0 for frame in frames], dtype=np.int64),
        gaps=tuple(np.array(frame.gaps if frame else (), dtype=np.int64) for frame in frames),
        lower_bound_cycles=numbers([frame.bound_cycles if frame else 0 for frame in frames]),
    )


def _deskews(segments: Sequence[Segment]) -> Deskews:
    """Segments on demand have the deskews of their frame, the opening one first; what repeats has those in its gaps.

    Parameters
    ----------
    segments : sequence of Segment
        The first of each frame: on demand all open alike.
    """
    rows = []
    for number, segment in enumerate(segments):
        if segment.frame is None:
            rows += [(number, *deskew, 0) for deskew in segment.deskews]
        else:
            rows += [(number, *deskew, segment.frame.every_periods) for deskew in segment.frame.deskews]
    return Deskews(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)

"""The tables that say where segments run: chips, links, segments, frames and deskews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.fabric_tables import Surroundings, chips_table, links_table
from lpxsched.timetable.columns import Deskews, Frames, Segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.segment import Segment
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.columns import Integers


def surroundings(fabric: Fabric, tree: AlignmentTree, segments: Sequence[Segment]) -> Surroundings:
    """Return the tables of a fabric with the segments that run on it."""
    return Surroundings(
        chips=chips_table(fabric, tree, weight_bytes=_weight_bytes(fabric, segments)),
        links=links_table(fabric, guard_cycles=_guards(fabric, segments)),
        segments=_segments(segments),
        frames=_frames(tree, segments),
        deskews=_deskews(segments),
    )


def _weight_bytes(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    weight_bytes = np.zeros(fabric.nodes, dtype=np.int64)
    for segment in segments:
        chip = segment.network.fabric_node[segment.operators.node[segment.weights.operator]]
        np.add.at(weight_bytes, chip, segment.weights.bytes)
    return weight_bytes


def _guards(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    for segment in segments:
        guard[segment.network.links.values] = np.repeat(segment.network.guard_cycles, segment.network.lanes)
    return guard


def _segments(segments: Sequence[Segment]) -> Segments:
    results, number = [segment.result for segment in segments], np.arange(len(segments), dtype=np.int64)
    periods = _periods(segments)
    return Segments(
        segment=number,
        frame=number,
        phase_cycles=np.zeros_like(number),
        # Who comes just too late for a window waits for the next one.
        waiting_cycles=np.where(periods, periods, [segment.waiting_cycles for segment in segments]),
        makespan_cycles=np.array([result.makespan_cycles for result in results], dtype=np.int64),
        lower_bound_cycles=np.where(periods, 0, [result.bound.cycles for result in results]),
        deadline_cycles=np.array([segment.deadline_cycles for segment in segments], dtype=np.int64),
    )


def _frames(tree: AlignmentTree, segments: Sequence[Segment]) -> Frames:
    """Each segment is a frame of its own, on demand, or, where it repeats, on clocks that never need a deskew."""
    root, periods = tree.root, _periods(segments)
    nothing = np.zeros(0, dtype=np.int64)
    return Frames(
        np.arange(len(segments), dtype=np.int64),
        np.array([root[segment.chips[0]] for segment in segments], dtype=np.int64),
        periods,
        (periods > 0).astype(np.int64),
        gaps=(nothing,) * len(segments),
        lower_bound_cycles=np.where(periods, [segment.result.bound.cycles for segment in segments], 0),
    )


def _deskews(segments: Sequence[Segment]) -> Deskews:
    """Each segment on demand opens with a deskew."""
    frames = np.flatnonzero(_periods(segments) == 0).tolist()
    rows = [(frame, *deskew) for frame in frames for deskew in segments[frame].deskews]
    frame, cycle, stall = np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy()
    return Deskews(frame, cycle=cycle, stall=stall, every_periods=np.zeros_like(frame))


def _periods(segments: Sequence[Segment]) -> Integers:
    return np.array([segment.result.schedule.period_cycles for segment in segments], dtype=np.int64)

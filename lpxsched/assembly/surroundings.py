"""The tables that say where segments run: chips, links, segments and deskews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.fabric_tables import Surroundings, chips_table, links_table
from lpxsched.timetable.columns import Deskews, Segments
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
    results = [segment.result for segment in segments]
    return Segments(
        segment=np.arange(len(segments), dtype=np.int64),
        chips=tuple(segment.chips for segment in segments),
        waiting_cycles=np.array([segment.waiting_cycles for segment in segments], dtype=np.int64),
        makespan_cycles=np.array([result.makespan_cycles for result in results], dtype=np.int64),
        lower_bound_cycles=np.array([result.bound.cycles for result in results], dtype=np.int64),
        deadline_cycles=np.array([segment.deadline_cycles for segment in segments], dtype=np.int64),
    )


def _deskews(segments: Sequence[Segment]) -> Deskews:
    """Each segment opens with its only deskew."""
    return Deskews(
        segment=np.arange(len(segments), dtype=np.int64),
        cycle=np.zeros(len(segments), dtype=np.int64),
        stall=np.array([segment.stall_cycles for segment in segments], dtype=np.int64),
    )

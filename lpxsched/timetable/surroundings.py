"""The tables that say where the layers of a model run: chips, links, segments and deskews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.latency import start_allowance_cycles
from lpxsched.schedule.distances import hops_from
from lpxsched.timetable.columns import Deskews, Segments
from lpxsched.timetable.fabric_tables import Surroundings, chips_table, links_table
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem import LayerProblem
    from lpxsched.schedule.repeated import ScheduledLayer
    from lpxsched.timetable.columns import Integers


def surroundings(
    fabric: Fabric, tree: AlignmentTree, clock: ClockSpecification, layers: Sequence[ScheduledLayer]
) -> Surroundings:
    """Return the tables of a fabric with the layers that run on it; layer i is segment i."""
    return Surroundings(
        chips=chips_table(fabric, tree, weight_bytes=_weight_bytes(fabric, layers)),
        links=links_table(fabric, guard_cycles=_guards(fabric, layers)),
        segments=_segments(clock, layers),
        deskews=_deskews(layers),
    )


def _weight_bytes(fabric: Fabric, layers: Sequence[ScheduledLayer]) -> Integers:
    weight_bytes = np.zeros(fabric.nodes, dtype=np.int64)
    for layer in layers:
        for placed in layer.problem.operators:
            if placed.cost.weight_bytes:
                weight_bytes[layer.problem.group.chips[placed.shard]] += placed.cost.weight_bytes
    return weight_bytes


def _guards(fabric: Fabric, layers: Sequence[ScheduledLayer]) -> Integers:
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    for layer in layers:
        for links in layer.problem.bundle_links:
            guard[links] = layer.problem.guard_cycles
    return guard


def _segments(clock: ClockSpecification, layers: Sequence[ScheduledLayer]) -> Segments:
    results = [layer.distinct.result for layer in layers]
    return Segments(
        segment=np.arange(len(layers), dtype=np.int64),
        chips=tuple(np.array(layer.problem.group.chips, dtype=np.int64) for layer in layers),
        waiting_cycles=np.array([_start_allowance(clock, layer.problem) for layer in layers], dtype=np.int64),
        makespan_cycles=np.array([result.makespan_cycles for result in results], dtype=np.int64),
        lower_bound_cycles=np.array([result.bound.cycles for result in results], dtype=np.int64),
        deadline_cycles=np.full(len(layers), NONE, dtype=np.int64),
    )


def _start_allowance(clock: ClockSpecification, problem: LayerProblem) -> int:
    """Wait for an epoch, then start up along the breadth-first tree from the group's first chip to its hosts."""
    depth = max(hops_from(0, problem.instance))
    return start_allowance_cycles(clock, depth, int(problem.instance.bundle_latency.max(initial=0)))


def _deskews(layers: Sequence[ScheduledLayer]) -> Deskews:
    """Each segment opens with its only deskew."""
    return Deskews(
        segment=np.arange(len(layers), dtype=np.int64),
        cycle=np.zeros(len(layers), dtype=np.int64),
        stall=np.array([layer.problem.stall_cycles for layer in layers], dtype=np.int64),
    )

"""The tables that say where the layers of a model run: chips, links, segments and deskews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.fabric_tables import Surroundings, chips_table, frames_on_demand, links_table
from lpxsched.clocks.latency import hac_latency_cycles, pass_cycles, start_cycles
from lpxsched.schedule.polling import pass_load_cycles
from lpxsched.timetable.columns import Deskews, Segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.timetable.columns import Integers


def surroundings(fabric: Fabric, tree: AlignmentTree, layers: Sequence[ScheduledLayer]) -> Surroundings:
    """Return the tables of a fabric with the layers that run on it; layer i is segment i."""
    root = tree.root
    return Surroundings(
        chips=chips_table(fabric, tree, weight_bytes=_weight_bytes(fabric, layers)),
        links=links_table(fabric, guard_cycles=_guards(fabric, layers)),
        segments=_segments(layers, _waiting(fabric, tree, layers)),
        frames=frames_on_demand([int(root[layer.problem.group.chips[0]]) for layer in layers]),
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
        network = layer.problem.instance.network
        guard[network.links.values] = np.repeat(network.guard_cycles, network.lanes)
    return guard


def _segments(layers: Sequence[ScheduledLayer], waiting: list[int]) -> Segments:
    results = [layer.distinct.result for layer in layers]
    return Segments(
        segment=np.arange(len(layers), dtype=np.int64),
        frame=np.arange(len(layers), dtype=np.int64),
        phase_cycles=np.zeros(len(layers), dtype=np.int64),
        waiting_cycles=np.array(waiting, dtype=np.int64),
        makespan_cycles=np.array([result.makespan_cycles for result in results], dtype=np.int64),
        lower_bound_cycles=np.array([result.bound.cycles for result in results], dtype=np.int64),
        deadline_cycles=np.full(len(layers), NONE, dtype=np.int64),
    )


def _waiting(fabric: Fabric, tree: AlignmentTree, layers: Sequence[ScheduledLayer]) -> list[int]:
    """Return the longest wait for each segment: one pass of chips that poll, else an epoch and a start-up."""
    latency = hac_latency_cycles(fabric, tree)
    waiting = []
    for layer in layers:
        clock, problem = layer.problem.clock, layer.problem
        if problem.resident:
            load = pass_load_cycles(problem, layer.distinct.result.schedule)
            waiting.append(pass_cycles(clock.specification, load))
        else:
            waiting.append(start_cycles(clock.specification, clock.depth, latency))
    return waiting


def _deskews(layers: Sequence[ScheduledLayer]) -> Deskews:
    """Each segment opens with its only deskew."""
    return Deskews(
        frame=np.arange(len(layers), dtype=np.int64),
        cycle=np.zeros(len(layers), dtype=np.int64),
        stall=np.array([layer.problem.instance.release_cycles for layer in layers], dtype=np.int64),
        every_periods=np.zeros(len(layers), dtype=np.int64),
    )

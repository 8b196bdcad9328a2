"""The tables that say where a program runs: chips, links, segments and deskews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.latency import segment_levels, start_allowance_cycles
from lpxsched.schedule.distances import hops_from
from lpxsched.timetable.columns import Chips, Deskews, Links, Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem import LayerProblem
    from lpxsched.schedule.repeated import ScheduledLayer

NO_LIMIT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The four tables, and the tree levels that can lie between two nodes of each segment."""

    chips: Chips
    links: Links
    segments: Segments
    deskews: Deskews
    levels: tuple[int, ...]


def surroundings(
    fabric: Fabric, tree: AlignmentTree, clock: ClockSpecification, layers: Sequence[ScheduledLayer]
) -> Surroundings:
    """Return the tables of a fabric with the layers that run on it; layer i is segment i."""
    return Surroundings(
        chips=_chips(fabric, tree, layers),
        links=_links(fabric, layers),
        segments=_segments(clock, layers),
        deskews=_deskews(layers),
        levels=tuple(
            segment_levels(tree, sorted({*layer.problem.group.chips, *layer.problem.group.hosts}), deskews=1)
            for layer in layers
        ),
    )


def _chips(fabric: Fabric, tree: AlignmentTree, layers: Sequence[ScheduledLayer]) -> Chips:
    is_chip = np.arange(fabric.nodes) < fabric.chips
    weight_bytes = np.zeros(fabric.nodes, dtype=np.int64)
    for layer in layers:
        for placed in layer.problem.operators:
            if placed.cost.weight_bytes:
                weight_bytes[layer.problem.group.chips[placed.shard]] += placed.cost.weight_bytes

    def on_chips(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.where(is_chip, value, 0).astype(np.int64)

    def limits(limit: int | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.where(is_chip, NO_LIMIT if limit is None else limit, NO_LIMIT).astype(np.int64)

    chip = fabric.chip
    return Chips(
        chip=np.arange(fabric.nodes, dtype=np.int64),
        position=np.array([fabric.position(node) for node in range(fabric.nodes)]),
        host=~is_chip,
        sram_bytes=on_chips(chip.sram_bytes),
        weight_bytes=weight_bytes,
        sram_bytes_per_cycle=on_chips(chip.sram_bytes_per_cycle),
        matrix_fp8_macs_per_cycle=on_chips(chip.matrix_macs_per_cycle["fp8"]),
        matrix_bf16_macs_per_cycle=on_chips(chip.matrix_macs_per_cycle["bf16"]),
        vector_operations_per_cycle=on_chips(chip.vector_operations_per_cycle),
        inject_per_cycle=limits(fabric.inject_per_cycle),
        eject_per_cycle=limits(fabric.eject_per_cycle),
        ports=limits(fabric.ports),
        turnaround_cycles=on_chips(fabric.turnaround_cycles),
        hac_parent=tree.parent,
        hac_depth=tree.depth,
        down=fabric.node_down,
    )


def _links(fabric: Fabric, layers: Sequence[ScheduledLayer]) -> Links:
    guard = np.full(fabric.links, NO_LIMIT, dtype=np.int64)
    for layer in layers:
        for links in layer.problem.bundle_links:
            guard[links] = layer.problem.guard_cycles
    classes = fabric.link_classes
    numbers = fabric.link_class

    def of_class(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)[numbers]

    return Links(
        link=np.arange(fabric.links, dtype=np.int64),
        src=fabric.source,
        dst=fabric.destination,
        lane=fabric.lane,
        link_class=np.array([c.name for c in classes])[numbers],
        latency_cycles=of_class([c.latency_cycles for c in classes]),
        vector_time_numerator=of_class([c.vector_time_cycles.numerator for c in classes]),
        vector_time_denominator=of_class([c.vector_time_cycles.denominator for c in classes]),
        guard_cycles=guard,
        down=fabric.link_down,
    )


def _segments(clock: ClockSpecification, layers: Sequence[ScheduledLayer]) -> Segments:
    results = [layer.distinct.result for layer in layers]
    return Segments(
        segment=np.arange(len(layers), dtype=np.int64),
        chips=tuple(np.array(layer.problem.group.chips, dtype=np.int64) for layer in layers),
        start_allowance_cycles=np.array([_start_allowance(clock, layer.problem) for layer in layers], dtype=np.int64),
        makespan_cycles=np.array([result.makespan_cycles for result in results], dtype=np.int64),
        lower_bound_cycles=np.array([result.bound.cycles for result in results], dtype=np.int64),
        deadline_cycles=np.full(len(layers), NO_LIMIT, dtype=np.int64),
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

"""All of a build but its manifest: one way from scheduled segments to tables and graph, of a model or a collective.

What moves and what runs is from `program`; here are the tables that say where and when: chips, links, segments, frames
and deskews.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import with_flag_rows
from lpxsched.assembly.program import assemble
from lpxsched.clocks.tree import AlignmentTree
from lpxsched.program.frames.frames import Frame
from lpxsched.schedule.problem.ragged import column
from lpxsched.timetable.columns import Chips, Deskews, Frames, Integers, Links, Segments
from lpxsched.traffic.group import sharing
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from lpxsched.assembly.program import Program
    from lpxsched.assembly.segment import Segment, SegmentPart
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.documents import GraphFile


# Columns of segments.
TOLD_AS_THEY_ARE = ("phase_cycles", "waiting_cycles", "makespan_cycles", "deadline_cycles")


@dataclass(frozen=True, slots=True, eq=False)
class MachineTables:
    """The five tables that say where and when a program runs."""

    chips: Chips
    links: Links
    segments: Segments
    frames: Frames
    deskews: Deskews


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """The tables and the graph of a build, and the machine that they are for."""

    fabric: Fabric
    clock: ClockSpecification
    graph: GraphFile
    program: Program
    machine: MachineTables

    @property
    def clock_mhz(self) -> Fraction:
        """Nominal rate of the chips."""
        return self.fabric.chip.clock_mhz

    @property
    def makespans(self) -> list[int]:
        """Cycles of each segment."""
        return [int(cycles) for cycles in self.machine.segments.makespan_cycles]

    @property
    def tree(self) -> AlignmentTree:
        """The trees along which chips align."""
        return AlignmentTree(self.machine.chips.hac_parent, self.machine.chips.hac_depth)


def assembled(
    fabric: Fabric, clock: ClockSpecification, tree: AlignmentTree, segments: Sequence[Segment], graph: GraphFile
) -> Assembled:
    """Return segments as rows over the whole fabric, with the flags of hosts where chips poll."""
    sent = [segment.flags for segment in segments]
    program, graph = with_flag_rows(assemble(segments), graph, sent, vector_bytes=fabric.vector_bytes)
    return Assembled(fabric, clock, graph, program, machine_tables(fabric, tree, segments))


def chips_table(fabric: Fabric, tree: AlignmentTree, *, weight_bytes: Integers) -> Chips:
    """Return all nodes of a fabric, with the weights that a build lays there."""
    is_chip = np.arange(fabric.nodes) < fabric.chips

    def on_chips(value: int) -> Integers:
        return np.where(is_chip, value, 0).astype(np.int64)

    def limits(limit: int | None) -> Integers:
        return np.where(is_chip, NONE if limit is None else limit, NONE).astype(np.int64)

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
        matrix_fixed_cycles=on_chips(chip.matrix_fixed_cycles),
        vector_fixed_cycles=on_chips(chip.vector_fixed_cycles),
        shard_columns=on_chips(chip.shard_columns),
        sram_efficiency=np.where(is_chip, float(chip.sram_efficiency), 0.0),
        deskew_buffer_vectors=on_chips(chip.deskew_buffer_vectors),
        resident=is_chip & chip.resident,
        sum_cycles_in_hop=on_chips(chip.sum_cycles_in_hop),
        inject_per_cycle=limits(fabric.inject_per_cycle),
        eject_per_cycle=limits(fabric.eject_per_cycle),
        ports=limits(fabric.ports),
        turnaround_cycles=on_chips(fabric.turnaround_cycles),
        hac_parent=tree.parent,
        hac_depth=tree.depth,
        down=fabric.node_down,
    )


def links_table(fabric: Fabric, *, guard_cycles: Integers) -> Links:
    """Return all links of a fabric with their guards, `NONE` where no segment uses it."""
    classes, numbers = fabric.link_classes, fabric.link_class

    def of_class(values: list[int]) -> Integers:
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
        guard_cycles=guard_cycles,
        down=fabric.link_down,
    )


def machine_tables(fabric: Fabric, tree: AlignmentTree, segments: Sequence[Segment]) -> MachineTables:
    """Return the tables of a fabric with the segments that run on it."""
    frames = sharing(segment.chips.tolist() for segment in segments)
    # On demand all segments of a frame open alike, and have the deskews of the first.
    first = [segments[frames.index(frame)] for frame in range(max(frames) + 1)]
    told = [one.frame or Frame(0, 0, (), one.deskews, bound_cycles=0, every_periods=0) for one in first]
    deskews = [(number, *deskew, one.every_periods) for number, one in enumerate(told) for deskew in one.deskews]
    return MachineTables(
        chips=chips_table(fabric, tree, weight_bytes=_weight_bytes(fabric, segments)),
        links=links_table(fabric, guard_cycles=_guards(fabric, segments)),
        segments=Segments(
            segment=np.arange(len(segments), dtype=np.int64),
            frame=np.array(frames, dtype=np.int64),
            lower_bound_cycles=column(0 if segment.frame else segment.bound_cycles for segment in segments),
            **{name: column(getattr(segment, name) for segment in segments) for name in TOLD_AS_THEY_ARE},
        ),
        frames=Frames(
            frame=np.arange(len(first), dtype=np.int64),
            time_domain=tree.root[[one.chips[0] for one in first]],
            period_cycles=column(one.period_cycles for one in told),
            windows=column(one.windows for one in told),
            gaps=tuple(np.array(one.gaps, dtype=np.int64) for one in told),
            lower_bound_cycles=column(one.bound_cycles for one in told),
        ),
        deskews=Deskews(*np.array(deskews, dtype=np.int64).reshape(-1, 4).T),
    )


def _weight_bytes(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    weight_bytes = np.zeros(fabric.nodes, dtype=np.int64)
    counted = set[tuple[str, int]]()
    for part in _parts(segments):
        node = part.network.fabric_node[part.operators.node[part.weights.operator]]
        names = list(zip(part.weights.name.tolist(), node.tolist(), strict=True))
        # What operators of several parts share lies there once.
        new = np.array([name not in counted for name in names], dtype=np.bool_)
        np.add.at(weight_bytes, node[new], part.weights.bytes[new])
        counted.update(names)
    return weight_bytes


def _parts(segments: Sequence[Segment]) -> Iterator[SegmentPart]:
    return (part for segment in segments for part in segment.parts)


def _guards(fabric: Fabric, segments: Sequence[Segment]) -> Integers:
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    for part in _parts(segments):
        of_links = np.repeat(part.network.guard_cycles, part.network.lanes)
        np.maximum.at(guard, part.network.links.values, of_links)
    for flags in (segment.flags for segment in segments if segment.flags):
        np.maximum.at(guard, flags.link, flags.guard_cycles)
    return guard

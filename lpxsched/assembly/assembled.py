"""All of a build but its manifest: one way from scheduled segments to tables and graph, of a model or a collective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.assembly.flags import with_flag_rows
from lpxsched.assembly.machine_tables import machine_tables
from lpxsched.assembly.program import assemble
from lpxsched.clocks.tree import AlignmentTree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lpxsched.assembly.machine_tables import MachineTables
    from lpxsched.assembly.program import Program
    from lpxsched.assembly.segment import Segment
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.documents import GraphFile


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

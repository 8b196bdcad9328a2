"""What all segments of a repair have in common: what is left, the tree over it, and the rows that are lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.clocks import aligned_cycles, needed_guards, needed_stall, trees_without
from lpxsched.reschedule.spares import with_spares
from lpxsched.reschedule.tasks import moves_of
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.timetable.derived import slot_segments

if TYPE_CHECKING:
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.reschedule.tasks import Moves
    from lpxsched.reschedule.wires import WireTimes
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphFile


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """A build before its repair, and what is left of its fabric.

    Attributes
    ----------
    build : Build
        Spares are in the place of chips that are down, but no slot has moved.
    original : GraphFile
        The graph without spares.
    fabric : Fabric
        Without what is down.
    tree : AlignmentTree
    wires, bare : WireTimes
        With the guards of a repair, and without any.
    moves : Moves
        All slots of the build; hops are as long as the tree asks for.
    segment : ndarray of int64, shape (slots,)
    lost : ndarray of bool, shape (slots,)
    stall_cycles : int
        What a deskew takes at most.
    """

    build: Build
    original: GraphFile
    fabric: Fabric
    tree: AlignmentTree
    wires: WireTimes
    bare: WireTimes
    moves: Moves
    segment: Integers
    lost: Flags
    stall_cycles: int

    @property
    def touched(self) -> list[int]:
        """Segments that lost slots, or whose vectors must be read later."""
        later = self.moves.depart + self.moves.hop > self.build.slots.read
        touched: list[int] = np.unique(self.segment[self.lost | later]).tolist()
        return touched

    def on_demand(self, segment: int) -> bool:
        """Return whether a segment's frame runs on demand."""
        return not self.build.frames.period_cycles[self.build.segments.frame[segment]]


def around_of(before: Build, fabric: Fabric, role: Integers, longest_cycles: int = 0) -> Around:
    """Return what segments have in common, with the flattest tree, of several that with the fewest later reads.

    Parameters
    ----------
    before : Build
    fabric : Fabric
        Without what is down.
    role : ndarray of int64, shape (nodes,)
        The node that stands in the place of each.
    longest_cycles : int
        Guards cover at least so long a time since a deskew.

    Raises
    ------
    NothingFoundError
        When counters cannot be aligned.
    """
    build = with_spares(before, fabric, role)
    moves, longest = moves_of(build, role), max(longest_cycles, aligned_cycles(build))
    members = [chip for group in build.graph.groups for chip in group.members]
    found: list[tuple[int, int, int, AlignmentTree, Integers, Integers]] = []
    for tree in trees_without(build, fabric):
        guards = needed_guards(build, tree, longest)
        hop = wire_times_of(build, guards).hop[moves.link]
        # A deeper tree may ask for a longer deskew.
        found.append((int(tree.depth[members].max()), int((hop > moves.hop).sum()), len(found), tree, guards, hop))
    _, _, _, tree, guards, hop = min(found)
    return Around(
        build=build,
        original=before.graph,
        fabric=fabric,
        tree=tree,
        wires=wire_times_of(build, np.maximum(guards, build.links.guard_cycles)),
        bare=wire_times_of(build, np.zeros_like(guards)),
        moves=moves._replace(hop=np.maximum(hop, moves.hop)),
        segment=slot_segments(build),
        lost=~fabric.link_up[moves.link],
        stall_cycles=needed_stall(build, int(tree.depth[members].max()), longest),
    )

"""What clocks ask of a timetable round what is down: a tree of counters over links that are up, and guards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS, stall_cycles
from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.tree import AlignmentTree, alignment_tree, needs_alignment, time_domains
from lpxsched.errors import InputError, NothingFoundError
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.timetable.derived import slot_segments
from lpxsched.units import NONE

# More chips are not tried as roots.
MOST_ROOTS = 8

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build


def tree_of(build: Build) -> AlignmentTree:
    """Return the tree of counters of a build."""
    return AlignmentTree(build.chips.hac_parent, build.chips.hac_depth)


def tree_depth(build: Build) -> int:
    """Return how deep the chips and relays of all groups lie in the tree of counters at most."""
    members = [chip for group in build.graph.groups for chip in group.members]
    return int(build.chips.hac_depth[members].max(initial=0))


def trees_without(build: Build, fabric: Fabric) -> list[AlignmentTree]:
    """Return trees of counters over what is up: that of a build mended, and where that differs some grown anew.

    These are rooted at their centre, and at chips that share a group with a chip which lost its parent.

    Raises
    ------
    NothingFoundError
        When there is none.
    """
    tree, groups = tree_of(build), [group.members for group in build.graph.groups]
    needed = np.isin(np.arange(fabric.nodes), [chip for group in groups for chip in group]) & ~fabric.node_down
    if not needs_alignment(read_clock(build)):
        return [tree]
    mended, faults = [], []
    try:
        mended = [mended_tree(tree, fabric, needed)]
    except NothingFoundError as error:
        faults.append(error)
    if mended and mended[0] is tree:
        return mended
    domains = time_domains(fabric, [[chip for chip in group if needed[chip]] for group in groups])
    roots = [NONE, *_roots(tree, fabric, groups)[:MOST_ROOTS]]
    for root in roots:
        rooted = [replace(one, root=root) if root in one.chips else one for one in domains]
        try:
            mended.append(alignment_tree(fabric, read_clock(build), rooted))
        except InputError:
            continue
    mended = [one for one in mended if (one.depth[needed] != NONE).all()]
    if not mended:
        raise faults[0] if faults else NothingFoundError("counters of chips that are left cannot be aligned")
    return mended


def _roots(tree: AlignmentTree, fabric: Fabric, groups: list[list[int]]) -> list[int]:
    """Return the chips of the first group of one that lost its parent."""
    up = fabric.link_up
    hangs = tree.parent[fabric.destination[up]] == fabric.source[up]
    held = np.isin(np.arange(fabric.nodes), fabric.destination[up][hangs]) | (tree.parent == np.arange(fabric.nodes))
    loose = np.flatnonzero((tree.parent != NONE) & ~held & ~fabric.node_down)
    group = next((group for group in groups if np.isin(group, loose).any()), [])
    return [chip for chip in group if not fabric.node_down[chip]]


def mended_tree(tree: AlignmentTree, fabric: Fabric, needed: Flags) -> AlignmentTree:
    """Return a tree over links that are up, which hangs elsewhere only what lost its parent.

    Chips that are down leave the tree. A chip without its parent, or one that is needed and was in no tree, goes, with
    all that hangs from it, to the chip least deep in the tree that has a link to it, the lowest of several; where none
    has, all that hangs from it looks on its own.

    Parameters
    ----------
    tree : AlignmentTree
    fabric : Fabric
    needed : ndarray of bool, shape (nodes,)
        Nodes that must be in the tree; others may leave it.

    Raises
    ------
    NothingFoundError
        When a root is down, or a chip that is needed cannot hang from any other.
    """
    parent = np.where(fabric.node_down, NONE, tree.parent)
    roots = np.flatnonzero((tree.parent == np.arange(fabric.nodes)) & fabric.node_down)
    if len(roots):
        remedy = "compile on the fabric that is left"
        raise NothingFoundError(f"chip {roots[0]}, whose counter all others follow, is down", remedy=remedy)
    up = fabric.link_up
    source, destination = fabric.source[up], fabric.destination[up]
    joined = set(zip(source.tolist(), destination.tolist(), strict=True))
    nodes = np.flatnonzero((parent != NONE) & (parent != np.arange(fabric.nodes))).tolist()
    loose = [node for node in nodes if (int(parent[node]), node) not in joined]
    loose += np.flatnonzero(needed & (tree.parent == NONE)).tolist()
    if not loose and not (fabric.node_down & (tree.parent != NONE)).any():
        return tree
    parent[loose] = NONE
    depth = _depths(parent, fabric)
    above: dict[int, list[int]] = {}
    for one, other in sorted(joined):
        if tree.parent[one] != NONE or needed[one]:
            above.setdefault(other, []).append(one)
    while loose:
        ways = [(int(depth[one]), node, one) for node in loose for one in above.get(node, ()) if depth[one] != NONE]
        if not ways:
            break
        _, node, one = min(ways)
        parent[node] = one
        loose.remove(node)
        depth = _depths(parent, fabric)
    return _without_lost(parent, fabric, needed)


def _without_lost(parent: Integers, fabric: Fabric, needed: Flags) -> AlignmentTree:
    depth = _depths(parent, fabric)
    lost = np.flatnonzero(needed & (depth == NONE))
    if len(lost):
        remedy = "take a clock that needs no alignment, or repair a link to it"
        raise NothingFoundError(f"chip {lost[0]} cannot hang from any chip in the tree of counters", remedy=remedy)
    return AlignmentTree(np.where(depth == NONE, NONE, parent), depth)


def _depths(parent: Integers, fabric: Fabric) -> Integers:
    """Return the edges from the root to each node; `NONE` where no root is above."""
    depth = np.where(parent == np.arange(fabric.nodes), 0, NONE)
    while True:
        below = (depth == NONE) & (parent != NONE) & (np.append(depth, NONE)[parent] != NONE)
        if not below.any():
            return depth
        depth = np.where(below, depth[parent] + 1, depth)


def apart_cycles(build: Build) -> int:
    """Return the longest time from one deskew of a frame that repeats to its next one; 0 where there are none."""
    deskews, frames, longest = build.deskews, build.frames, 0
    for frame in np.flatnonzero(frames.period_cycles).tolist():
        rows = np.flatnonzero(deskews.frame == frame).tolist()
        period = int(frames.period_cycles[frame])
        round_cycles = int(frames.windows[frame]) * period
        every = [(int(deskews.cycle[row]), int(deskews.every_periods[row]) * period) for row in rows]
        begins = sorted(cycle + again for cycle, turn in every for again in range(0, round_cycles, turn))
        if begins:
            ends = [*begins[1:], begins[0] + round_cycles]
            longest = max(longest, *(end - begin for begin, end in zip(begins, ends, strict=True)))
    return longest


def aligned_cycles(build: Build) -> int:
    """Return the longest time from a deskew to a read before the next one, over all frames.

    A frame that repeats has drained before each deskew, so no time there is longer than from one to the next. Where
    nothing deskews the time counts from zero.
    """
    deskews, longest = build.deskews, apart_cycles(build)
    ends = segment_ends(build) + 1
    for frame in np.flatnonzero(build.frames.period_cycles == 0).tolist():
        rows = np.flatnonzero(deskews.frame == frame)
        last = int(ends[build.segments.frame == frame].max(initial=0))
        # A slot that flies across one is read after it.
        begins = np.append(0, (deskews.cycle + deskews.stall)[rows])
        longest = max(longest, int(np.diff(np.append(begins, last)).max()))
    return longest


def needed_stall(build: Build, depth: int, interval_cycles: int) -> int:
    """Return the stall of deskews so many cycles apart, over trees so deep; 0 on clocks that need none."""
    clock = read_clock(build)
    if not needs_alignment(clock):
        return 0
    return stall_cycles(clock, depth=depth, interval_cycles=interval_cycles, clock_mhz=read_clock_mhz(build))


def clocks_hold(build: Build) -> bool:
    """Return whether guards of links that carry slots, and deskews but the first, cover the times between deskews."""
    longest, used, deskews = aligned_cycles(build), np.unique(build.slots.link), build.deskews
    guards = needed_guards(build, tree_of(build), longest)
    stall = needed_stall(build, tree_depth(build), longest)
    return bool((guards <= build.links.guard_cycles)[used].all() and (deskews.stall[deskews.cycle > 0] >= stall).all())


def segment_ends(build: Build) -> Integers:
    """Return the cycle after which nothing happens in each segment."""
    slots, operators = build.slots, build.operators
    ends = np.zeros(len(build.segments), dtype=np.int64)
    np.maximum.at(ends, operators.segment, operators.start + operators.cycles)
    passed = wire_times_of(build, np.zeros_like(build.links.link)).hold_cycles(slots.link, slots.vectors - 1)
    np.maximum.at(ends, slot_segments(build), slots.read + passed)
    return ends


def needed_guards(build: Build, tree: AlignmentTree, interval_cycles: int) -> Integers:
    """Return the guard of each link for an interval from a deskew to a read; 0 to hosts and on links of no one tree.

    Parameters
    ----------
    build : Build
    tree : AlignmentTree
    interval_cycles : int
    """
    links, host, clock = build.links, build.chips.host, read_clock(build)
    levels = np.full(len(links), NONE, dtype=np.int64)
    levels[host[links.src]] = HOST_LEVELS
    joined = ~host[links.src] & ~host[links.dst]
    joined &= tree.root[links.src] == tree.root[links.dst]
    rows = np.flatnonzero(joined)
    levels[rows] = tree.levels_between(links.src[rows], links.dst[rows])
    levels[host[links.dst]] = NONE
    clock_mhz, in_hop = read_clock_mhz(build), build.manifest.guard_in_hop
    oscillator = read_alignment(build, clock.shared_by.value).oscillator
    shared = joined & (oscillator[links.src] == oscillator[links.dst])
    domain = DomainClock(clock, 0, clock_mhz, in_hop)
    names, kind = np.unique(links.link_class, return_inverse=True)
    latency = np.where(shared, links.latency_cycles, NONE)
    return domain.guards_cycles(levels, interval_cycles, kind.reshape(-1), names.tolist(), latency)

"""When a segment is over: the last results leave its hosts or are there on its chips, whose clocks drift as well."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.drift import NodeClocks
    from lpxsched.simulation.propagation import Floats, Limits
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

# Kinds of operators that end a segment: of a model, of a collective.
ENDS = ("egress", "deliver")


@dataclass(frozen=True, slots=True, eq=False)
class Egress:
    """The latest operator that ends a segment, on each of its nodes that has one, and the nodes of each segment.

    Attributes
    ----------
    segment, node, start_cycle : ndarray of int64, shape (ends,)
        Sorted by segment; program time of the operator's start.
    deskew, since_cycles : ndarray of int64, shape (ends,)
        The last deskew before the start, and the time since its end.
    root : ndarray of int64, shape (ends,)
        Node whose clock times the deskews of the segment.
    opening_cycles : ndarray of int64, shape (ends,)
        From the segment's time zero to the end of its first deskew.
    levels : ndarray of int64, shape (ends,)
        Residuals by which the node can end later than another node of the segment began.
    first_end : ndarray of int64, shape (segments,)
        First row of each segment.
    member_deskew, member_node : ndarray of int64, shape (members,)
        Every node of each segment with the segment's first deskew, sorted by segment.
    first_member : ndarray of int64, shape (segments,)
    allowance_cycles : ndarray of int64, shape (segments,)
        Longest waiting and start-up.
    """

    segment: Integers
    node: Integers
    start_cycle: Integers
    deskew: Integers
    since_cycles: Integers
    root: Integers
    opening_cycles: Integers
    levels: Integers
    first_end: Integers
    member_deskew: Integers
    member_node: Integers
    first_member: Integers
    allowance_cycles: Integers


def segment_nodes(build: Build) -> list[list[int]]:
    """Return the chips and hosts of each segment: its own chips, and the nodes that run its operators."""
    nodes = [set(chips.tolist()) for chips in build.segments.chips]
    pairs = np.unique(np.stack([build.operators.segment, build.operators.chip], axis=1), axis=0)
    for segment, node in pairs.tolist():
        nodes[segment].add(node)
    return [sorted(members) for members in nodes]


def read_egress(build: Build, alignment: Alignment) -> Egress:
    """Return where and when the segments of a build end.

    Raises
    ------
    InputError
        When nothing ends a segment, or its nodes hang from different roots.
    """
    members = segment_nodes(build)
    for index, nodes in enumerate(members):
        if len(set(alignment.root[nodes].tolist())) > 1:
            problem = f"the nodes of segment {index} hang from different roots, so they never agree"
            raise InputError(build.chips.file, problem, key="hac_parent")
    segment, node, start = _latest_ends(build)
    first_end = np.searchsorted(segment, build.segments.segment).astype(np.int64)
    missing = np.setdiff1d(build.segments.segment, segment)
    if len(missing):
        raise InputError(build.operators.file, f"segment {int(missing[0])} has no {' or '.join(ENDS)}", key="kind")
    deskew = alignment.deskew_before(segment, start)
    sizes = np.array([len(nodes) for nodes in members], dtype=np.int64)
    return Egress(
        segment=segment,
        node=node,
        start_cycle=start,
        deskew=deskew,
        since_cycles=start - alignment.end_cycle[deskew],
        root=alignment.root[node],
        opening_cycles=alignment.end_cycle[alignment.first[segment]],
        levels=_levels(alignment, members, segment, node, deskew),
        first_end=first_end,
        member_deskew=np.repeat(alignment.first, sizes),
        member_node=np.array([node for nodes in members for node in nodes], dtype=np.int64),
        first_member=np.cumsum(sizes) - sizes,
        allowance_cycles=build.segments.waiting_cycles,
    )


def _latest_ends(build: Build) -> tuple[Integers, Integers, Integers]:
    operators = build.operators
    rows = np.flatnonzero(np.isin(operators.kind, ENDS))
    order = rows[np.lexsort((operators.start[rows], operators.chip[rows], operators.segment[rows]))]
    segment, node = operators.segment[order], operators.chip[order]
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (segment[1:] != segment[:-1]) | (node[1:] != node[:-1])
    return segment[last], node[last], operators.start[order][last]


def _levels(
    alignment: Alignment, members: list[list[int]], segment: Integers, node: Integers, deskew: Integers
) -> Integers:
    tree, levels = alignment.tree, np.zeros(len(node), dtype=np.int64)
    farthest = [farthest_nodes(tree, nodes) for nodes in members]
    deepest = [int(tree.depth[nodes].max()) for nodes in members]
    for row, (end, last) in enumerate(zip(segment.tolist(), node.tolist(), strict=True)):
        if deskew[row] == alignment.first[end]:
            levels[row] = max(tree.levels_between(last, other) for other in farthest[end])
        else:
            levels[row] = tree.depth[last] + deepest[end]
    return levels


def farthest_nodes(tree: AlignmentTree, nodes: list[int]) -> tuple[int, int]:
    """Return two of the nodes that lie farthest apart; from any node of the tree one of them is the farthest."""
    one = max(nodes, key=lambda node: tree.levels_between(nodes[0], node))
    return one, max(nodes, key=lambda node: tree.levels_between(one, node))


def latency_cycles(egress: Egress, clocks: NodeClocks, limits: Limits) -> Floats:
    """Return the true time from the events to the ends of all segments, one after the other; shape (trials,).

    A segment begins when its first node does, and ends when the last result is out.
    """
    opening = egress.opening_cycles / clocks.rate[:, egress.root]
    running = egress.since_cycles / clocks.rate[:, egress.node]
    end = opening + clocks.aligned_cycles[:, egress.deskew, egress.node] + running
    begin = clocks.aligned_cycles[:, egress.member_deskew, egress.member_node]
    ends: Floats = np.maximum.reduceat(end, egress.first_end, axis=1)
    begins: Floats = np.minimum.reduceat(begin, egress.first_member, axis=1)
    waiting = clocks.waiting * (egress.allowance_cycles / float(1 - limits.rho))
    total: Floats = (waiting + ends - begins).sum(axis=1)
    return total


def worst_latency_cycles(egress: Egress, limits: Limits) -> Fraction:
    """Return the true time of the adversary's run: full waiting, slow clocks, ends that are aligned late."""
    slow = 1 / (1 - limits.rho)
    ends = [
        int(start) * slow + int(levels) * limits.residual_cycles
        for start, levels in zip(egress.start_cycle, egress.levels, strict=True)
    ]
    bounds = [*egress.first_end.tolist(), len(ends)]
    latest = (max(ends[low:high]) for low, high in pairwise(bounds))
    return sum(latest, Fraction(0)) + int(egress.allowance_cycles.sum()) * slow

"""When a segment is over: the last results are there on its chips, whose clocks drift, or at its hosts.

A vector to a host has no scheduled read. It is there when the chip that sends it says so, and jitter, temperature and
crossing later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.simulation.trials.clocks import clocks_of, slowest_phase, sum_along_tree, ways_apart
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Floats, Limits
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Egress:
    """The latest operator that ends a segment, on each of its chips that has one, and the chips of each segment.

    Attributes
    ----------
    segment, node, start_cycle : ndarray of int64, shape (ends,)
        Sorted by segment; the chip, or the chip that sends to the host, and program time of the operator's start.
    arrives : ndarray of bool, shape (ends,)
        The operator runs on a host.
    deskew, since_cycles : ndarray of int64, shape (ends,)
        The last deskew before the start, and the time since its end.
    root : ndarray of int64, shape (ends,)
        Node whose clock times the deskews of the segment.
    opening_cycles : ndarray of int64, shape (ends,)
        From the segment's time zero to the end of its first deskew; below 0 where it lies before the segment.
    levels : ndarray of int64, shape (ends,)
        Residuals by which the chip can end later than another chip of the segment began.
    first_end : ndarray of int64, shape (segments,)
        First row of each segment.
    member_deskew, member_node : ndarray of int64, shape (members,)
        Every chip of each segment with the segment's first deskew, sorted by segment.
    member_since : ndarray of int64, shape (members,)
        From that deskew to the segment's time zero where the deskew lies before it, else 0.
    first_member : ndarray of int64, shape (segments,)
    waiting_cycles, windows : ndarray of int64, shape (segments,)
        Longest waiting, and how often each segment runs.
    """

    segment: Integers
    node: Integers
    start_cycle: Integers
    arrives: Flags
    deskew: Integers
    since_cycles: Integers
    root: Integers
    opening_cycles: Integers
    levels: Integers
    first_end: Integers
    member_deskew: Integers
    member_node: Integers
    member_since: Integers
    first_member: Integers
    waiting_cycles: Integers
    windows: Integers


def segment_chips(build: Build) -> list[list[int]]:
    """Return the chips of each segment: its own, and others that run its operators."""
    chips = [set(build.graph.chips_of(segment)) for segment in range(len(build.segments))]
    on_chips = ~build.chips.host[build.operators.chip]
    pairs = np.unique(np.stack([build.operators.segment, build.operators.chip], axis=1)[on_chips], axis=0)
    for segment, chip in pairs.tolist():
        chips[segment].add(chip)
    return [sorted(members) for members in chips]


def read_egress(build: Build, alignment: Alignment) -> Egress:
    """Return where and when the segments of a build end.

    Raises
    ------
    InputError
        When nothing ends a segment, or its chips hang from different roots.
    """
    members = segment_chips(build)
    for index, nodes in enumerate(members):
        inside = alignment.tree.depth[nodes] != NONE
        if inside.any() and (len(set(alignment.root[nodes].tolist())) > 1):
            problem = f"the chips of segment {index} hang from different roots, so they never agree"
            raise InputError(build.chips.file, problem, key="hac_parent")
    segment, node, start, arrives = _latest_ends(build)
    first_end = np.searchsorted(segment, build.segments.segment).astype(np.int64)
    missing = np.setdiff1d(build.segments.segment, segment)
    if len(missing):
        problem = f"segment {int(missing[0])} has no operator that ends it"
        raise InputError(build.operators.file, problem, key="kind")
    deskew = alignment.deskew_before(segment, start)
    sizes = np.array([len(nodes) for nodes in members], dtype=np.int64)
    return Egress(
        segment=segment,
        node=node,
        start_cycle=start,
        arrives=arrives,
        deskew=deskew,
        since_cycles=start - alignment.end_cycle[deskew],
        root=alignment.root[node],
        opening_cycles=alignment.end_cycle[alignment.first[segment]],
        levels=_levels(alignment, members, segment, node, deskew),
        first_end=first_end,
        member_deskew=np.repeat(alignment.first, sizes),
        member_node=np.array([node for nodes in members for node in nodes], dtype=np.int64),
        member_since=np.repeat(np.maximum(-alignment.end_cycle[alignment.first], 0), sizes),
        first_member=np.cumsum(sizes) - sizes,
        waiting_cycles=build.segments.waiting_cycles,
        windows=np.array(build.graph.windows(), dtype=np.int64),
    )


def _latest_ends(build: Build) -> tuple[Integers, Integers, Integers, Flags]:
    operators = build.operators
    rows = np.flatnonzero(_ending(build))
    arrives = build.chips.host[operators.chip[rows]]
    node = operators.chip[rows].copy()
    for row in np.flatnonzero(arrives).tolist():
        node[row] = _chip_of_shard(build, int(rows[row]))
    segment, start = operators.segment[rows], operators.start[rows]
    order = np.lexsort((start, node, segment))
    segment, node, start, arrives = segment[order], node[order], start[order], arrives[order]
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (segment[1:] != segment[:-1]) | (node[1:] != node[:-1])
    return segment[last], node[last], start[last], arrives[last]


def _ending(build: Build) -> Flags:
    """Return which operators end their segment, as the graph says."""
    layers: dict[str, list[int]] = {}
    for operator in build.graph.operators:
        if operator.ends:
            layers.setdefault(operator.kind, []).append(operator.layer)
    ending = np.zeros(len(build.operators), dtype=np.bool_)
    for kind, of_kind in layers.items():
        ending |= (build.operators.kind == kind) & np.isin(build.operators.layer, of_kind)
    return ending


def _chip_of_shard(build: Build, operator: int) -> int:
    """Return the chip at the other end of the lane for which an operator runs on a host."""
    layer, shard = int(build.operators.layer[operator]), int(build.operators.shard[operator])
    chips = build.graph.groups_of_layers()[layer].chips
    if not 0 <= shard < len(chips):
        problem = f"row {operator} says {shard}, its layer has shards 0 to {len(chips) - 1}"
        raise InputError(build.operators.file, problem, key="shard")
    return chips[shard]


def _levels(
    alignment: Alignment, members: list[list[int]], segment: Integers, node: Integers, deskew: Integers
) -> Integers:
    tree, levels = alignment.tree, np.zeros(len(node), dtype=np.int64)
    for number, chips in enumerate(members):
        rows = np.flatnonzero(segment == number)
        # From any node of a tree one of the two ends of the longest path is the farthest.
        for end in tree.farthest(chips):
            to_end = tree.levels_between(node[rows], np.full_like(rows, end))
            levels[rows] = np.maximum(levels[rows], to_end)
        later = rows[deskew[rows] != alignment.first[number]]
        depth = np.maximum(tree.depth, 0)
        levels[later] = depth[node[later]] + depth[chips].max()
    return levels


def latency_cycles(egress: Egress, clocks: NodeClocks, limits: Limits, jitter: Floats) -> float:
    """Return the true time from the events to the ends of all segments, one after the other, in cycles.

    A segment begins when its first chip does, and ends when the last result is there. Chips that were aligned before it
    began have drifted apart since.

    Parameters
    ----------
    egress : Egress
    clocks : NodeClocks
    limits : Limits
    jitter : ndarray of float64, shape (ends,)
        How late the last vector of each end comes, as a part of the latest.
    """
    end = clocks.times(egress.deskew, egress.node, egress.since_cycles.astype(np.float64))
    crossing = limits.crossing_cycles * clocks.slowness[egress.deskew, egress.node]
    end = end + egress.arrives * (jitter * float(limits.delay_cycles) + crossing)
    begin = clocks.times(egress.member_deskew, egress.member_node, egress.member_since.astype(np.float64))
    ends = np.maximum.reduceat(end, egress.first_end)
    begins = np.minimum.reduceat(begin, egress.first_member)
    roots, since = egress.root[egress.first_end], egress.member_since[egress.first_member].astype(np.float64)
    opened, opening = egress.member_deskew[egress.first_member], np.maximum(egress.opening_cycles[egress.first_end], 0)
    # The root counts the wait and the stall of the opening deskew in a row.
    before = clocks.waiting * egress.waiting_cycles + opening
    waiting = clocks.times(opened, roots, since) - clocks.times(opened, roots, since - before)
    return float(((waiting + ends - begins) * egress.windows).sum())


def slowest_clocks(egress: Egress, alignment: Alignment, limits: Limits) -> NodeClocks:
    """Return clocks on which a build takes longest: all slow, the last end of each segment on a chip aligned late.

    The chip of the segment that lies farthest from that one is aligned early, and fast where it has been aligned since
    longer. Spread lets the root fall behind from the event to the last deskew, the last chip since that, and lets the
    first one hurry.
    """
    slow, residual = 1 / float(limits.slow), float(limits.residual_cycles)
    arrival = float(limits.delay_cycles) + limits.crossing_cycles * slow
    latest = egress.start_cycle * slow + egress.levels * residual + egress.arrives * arrival
    error = np.zeros((len(alignment.segment), alignment.nodes))
    slowness, phases = np.full(alignment.nodes, slow), np.zeros_like(error)
    bounds = np.append(egress.first_member, len(egress.member_node))
    ends = np.append(egress.first_end, len(latest))
    for segment in range(len(egress.first_end)):
        end = int(egress.first_end[segment] + latest[ends[segment] : ends[segment + 1]].argmax())
        node, members = int(egress.node[end]), egress.member_node[bounds[segment] : bounds[segment + 1]]
        begins = int(egress.member_deskew[bounds[segment]])
        apart = int(egress.deskew[end]) != begins
        depth = np.maximum(alignment.tree.depth, 0)
        levels = depth[members] if apart else alignment.tree.levels_between(np.full_like(members, node), members)
        first = int(members[levels.argmax()])
        late, early = ways_apart(alignment, node, first, apart=apart)
        if egress.member_since[bounds[segment]] and first != node:
            slowness[first] = 1 / float(limits.fast)
        error[egress.deskew[end], late] = residual
        error[begins, early] = -residual
        waited = int(egress.waiting_cycles[segment]) + max(int(egress.opening_cycles[end]), 0)
        elapsed = int(alignment.elapsed_cycles[egress.deskew[end]])
        since, before = int(egress.since_cycles[end]), int(egress.member_since[bounds[segment]])
        # Segments lie apart in time, so that each meets every clock at a phase of its own.
        rate, phase = float(limits.spread_rate), np.zeros(alignment.nodes)
        phase[first] = 0.5 + slowest_phase(limits, before)
        root = int(egress.root[end])
        phase[node] = slowest_phase(limits, since) - rate * elapsed
        counted = waited + elapsed + (since - before if root == node else 0)
        phase[root] = rate * (waited - before) + slowest_phase(limits, counted)
        phases[alignment.segment == segment] = phase
    still = np.zeros(alignment.nodes)
    aligned = sum_along_tree(error, alignment)
    return clocks_of(alignment, limits, slowness, phases, still, aligned, 1.0)

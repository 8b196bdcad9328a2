"""From one node to several: packets spread along trees of shortest ways, passed on from chip to chip."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.draft import GROUP_HOPS, HOP_READERS, ONWARD, SENDS, WATCHED, WAY_HOPS, WAYS
from lpxsched.contention.trees import branches_of
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.segment import Segment
    from lpxsched.contention.trees import Branches


class Spread(NamedTuple):
    """Trees, and what is read of them.

    Attributes
    ----------
    root, vectors : ndarray of int64, shape (trees,)
        Where the vectors of each are at first, and how many.
    tree, node, group : ndarray of int64, shape (reads,)
        Of which tree what group of a node reads all vectors; the node is not the root.
    """

    root: Integers
    vectors: Integers
    tree: Integers
    node: Integers
    group: Integers


def add_sends(segment: Segment, calls: Integers, tensor: int, vectors: Integers, reader: Integers) -> Integers:
    """Add sends of parts of a tensor by calls; `reader` is one operator that reads each, `NONE` of summands."""
    sends = segment.draft.add("send", len(calls), tensor=tensor, vectors=vectors, reader=reader)
    segment.draft.follow(SENDS, calls, sends)
    return sends


def send(segment: Segment, tensor: int, spread: Spread, call_at: Integers, reader: Integers) -> None:
    """Send each tree from the call at its root, on one of several ways where packets choose; parameters as above."""
    draft, calls = segment.draft, call_at[spread.root]
    sends = add_sends(segment, calls, tensor, spread.vectors, reader)
    draft.add("read", len(spread.tree), send=sends[spread.tree], group=spread.group)
    for table in segment.ways(segment.network.down, spread.root, choices=segment.wiring.choices):
        ways = draft.add("way", len(sends))
        draft.follow(WAYS, sends, ways)
        branches = branches_of(spread.root, table, spread.tree, spread.node)
        origin = {"call": calls[branches.tree], "own": call_at[branches.node], "send": sends[branches.tree]}
        hops = _branch(segment, spread, branches, origin)
        first = branches.parent == NONE
        draft.follow(WAY_HOPS, ways[branches.tree[first]], hops[first])
        watched = branches.toward == spread.root[branches.tree] % segment.network.width
        draft.follow(WATCHED, ways[branches.tree[watched]], hops[watched])


def spread_sums(segment: Segment, spread: Spread, groups: Integers) -> None:
    """Spread sums, packet by packet as they are made, from the group of each tree."""
    (table,) = segment.ways(segment.network.down, spread.root, choices=1)
    branches = branches_of(spread.root, table, spread.tree, spread.node)
    hops = _branch(segment, spread, branches, {"group": groups[branches.tree]})
    first = branches.parent == NONE
    segment.draft.follow(GROUP_HOPS, groups[branches.tree[first]], hops[first])


def _branch(segment: Segment, spread: Spread, branches: Branches, origin: dict[str, Integers]) -> Integers:
    """Add the hops of trees, pass packets on from hop to hop, and give them to their readers."""
    hops = segment.hops(branches, spread.vectors[branches.tree], origin)
    inner = branches.parent != NONE
    segment.draft.follow(ONWARD, hops[branches.parent[inner]], hops[inner])
    nodes = 2 * segment.network.width
    place = np.searchsorted(branches.tree * nodes + branches.node, spread.tree * nodes + spread.node)
    segment.draft.follow(HOP_READERS, hops[place], spread.group)
    return hops

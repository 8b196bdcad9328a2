"""From one node to several: packets spread along trees of shortest ways, passed on from chip to chip."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.trees import branches_of
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.site import Site
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


def add_sends(site: Site, calls: Integers, tensor: int, vectors: Integers, reader: Integers) -> Integers:
    """Add sends of parts of a tensor by calls; `reader` is one operator that reads each, `NONE` of summands."""
    sends = site.draft.add("send", len(calls), tensor=tensor, vectors=vectors, reader=reader)
    site.draft.follow("call_sends", calls, sends)
    return sends


def send(site: Site, tensor: int, spread: Spread, call_at: Integers, reader: Integers) -> None:
    """Send each tree from the call at its root, on one of several ways where packets choose; parameters as above."""
    draft, calls = site.draft, call_at[spread.root]
    sends = add_sends(site, calls, tensor, spread.vectors, reader)
    draft.add("read", len(spread.tree), send=sends[spread.tree], group=spread.group)
    for table in site.ways(site.network.down, spread.root, choices=site.wiring.choices):
        ways = draft.add("way", len(sends))
        draft.follow("send_ways", sends, ways)
        branches = branches_of(spread.root, table, spread.tree, spread.node)
        origin = {"call": calls[branches.tree], "own": call_at[branches.node], "send": sends[branches.tree]}
        hops = _branch(site, spread, branches, origin)
        first = branches.parent == NONE
        draft.follow("way_hops", ways[branches.tree[first]], hops[first])
        watched = branches.toward == spread.root[branches.tree] % site.network.width
        draft.follow("way_watched", ways[branches.tree[watched]], hops[watched])


def spread_sums(site: Site, spread: Spread, groups: Integers) -> None:
    """Spread sums, packet by packet as they are made, from the group of each tree."""
    (table,) = site.ways(site.network.down, spread.root, choices=1)
    branches = branches_of(spread.root, table, spread.tree, spread.node)
    hops = _branch(site, spread, branches, {"group": groups[branches.tree]})
    first = branches.parent == NONE
    site.draft.follow("group_hops", groups[branches.tree[first]], hops[first])


def _branch(site: Site, spread: Spread, branches: Branches, origin: dict[str, Integers]) -> Integers:
    """Add the hops of trees, pass packets on from hop to hop, and give them to their readers."""
    hops = site.hops(branches, spread.vectors[branches.tree], origin)
    inner = branches.parent != NONE
    site.draft.follow("hop_onward", hops[branches.parent[inner]], hops[inner])
    nodes = 2 * site.network.width
    place = np.searchsorted(branches.tree * nodes + branches.node, spread.tree * nodes + spread.node)
    site.draft.follow("hop_readers", hops[place], spread.group)
    return hops

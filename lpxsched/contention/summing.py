"""Partial sums: along trees, each chip on the way adding what has come, or all summands at once to all that read them.

A chip adds packet by packet, as soon as all summands of a packet that it waits for are there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.network import picoseconds
from lpxsched.contention.spreading import Spread, add_sends, send, spread_sums
from lpxsched.contention.trees import branches_of
from lpxsched.units import BITS_PER_BYTE, NONE, ceil_div

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.deliveries import Deliveries, Parts
    from lpxsched.contention.site import Site


def lay_sums(site: Site, moves: Deliveries, call_at: Integers) -> None:
    """Lay the sums of a tensor; `call_at` is the call at each node."""
    packets = site.draft.packets(moves.sums.vectors)[moves.sums.part]
    site.draft.wait(site.group_of[moves.sums.reader], packets)
    if _is_one_hop(site, moves):
        _lay_summands(site, moves, call_at)
    else:
        _lay_trees(site, moves, call_at)


def _is_one_hop(site: Site, moves: Deliveries) -> bool:
    """Return whether all summands come to all readers sooner than sums that are made in shares and spread.

    Both take as long as the farthest way, and as n - 1 of n summands on the lanes from their chips to one: once, or for
    a share there and back. Other readers than those that left the summands take sums.
    """
    parts, network = moves.sums, site.network
    chips, nodes = site.node_of[moves.writers], site.node_of[parts.reader]
    readers = np.bincount(np.unique(parts.part * 2 * network.width + nodes) // (2 * network.width))
    if not np.isin(nodes, chips).all() or (readers == 1).any():
        return False
    wires, into = network.wires, network.bundle_of[chips, nodes[0]]
    lanes, lane = int(wires.lanes[into[into != NONE]].sum()), wires.first[into[into != NONE][0]]
    far = int(network.hops_between()[chips][:, nodes].max())
    way = far * (wires.vector_ps[lane] + wires.latency_ps[lane] + network.turnaround_ps[nodes[0]])
    stream = (len(chips) - 1) * int(parts.vectors.sum()) * wires.vector_ps[lane] / lanes
    return bool(way + stream <= 2 * (way + stream / len(chips)))


def _lay_summands(site: Site, moves: Deliveries, call_at: Integers) -> None:
    """Send each summand of each part to all that read the part, each of which adds them."""
    parts, network, draft = moves.sums, site.network, site.draft
    chips, nodes = site.node_of[moves.writers], site.node_of[parts.reader]
    sums, of_reader = np.unique(parts.part * network.width + nodes, return_inverse=True)
    part, chip = np.divmod(sums, network.width)
    groups = _add_sums(site, moves.tensor, chip, parts.vectors[part], np.full(len(sums), len(chips)))
    own = call_at[chip] != NONE
    draft.follow("call_summands", call_at[chip[own]], groups[own])
    draft.follow("group_readers", groups[of_reader.reshape(-1)], site.group_of[parts.reader])
    # One tree for each part and summand.
    tree = np.add.outer(part * len(chips), np.arange(len(chips))).reshape(-1)
    away = np.flatnonzero(np.repeat(chip, len(chips)) != np.tile(chips, len(sums)))
    spread = Spread(
        root=np.tile(chips, len(parts.first)),
        vectors=np.repeat(parts.vectors, len(chips)),
        tree=tree[away],
        node=np.repeat(chip, len(chips))[away],
        group=np.repeat(groups, len(chips))[away],
    )
    send(site, moves.tensor, spread, call_at, np.full(len(spread.root), NONE))


def _add_sums(site: Site, tensor: int, chip: Integers, vectors: Integers, summands: Integers) -> Integers:
    """Add groups of sums of parts of a tensor on chips, each of so many summands."""
    kinds, of_sum = np.unique(np.stack([site.network.chips[chip], summands]), axis=1, return_inverse=True)
    durations = [_sum_ps(site, tensor, node, count) for node, count in kinds.T.tolist()]
    groups = site.draft.add(
        "group",
        len(chip),
        tasks=site.draft.packets(vectors),
        sums=1,
        turnaround=site.network.turnaround_ps[chip],
        unit=2 * chip + 1,
        duration=np.array(durations, dtype=np.int64)[of_sum.reshape(-1)],
    )
    site.draft.wait(groups, summands)
    return groups


def _sum_ps(site: Site, tensor: int, node: int, summands: int) -> int:
    """Return how long the sum of a packet takes on the vector unit (``docs/build-folder.md``)."""
    build, chips = site.build, site.build.chips
    size = site.wiring.packet * build.manifest.vector_bytes
    elements = size * BITS_PER_BYTE // build.graph.tensors[tensor].element_bits
    memory, rate = int(chips.sram_bytes_per_cycle[node]), int(chips.vector_operations_per_cycle[node])
    work = max(ceil_div((summands + 1) * size, max(memory, 1)), ceil_div((summands - 1) * elements, max(rate, 1)))
    cycles = work + int(chips.vector_fixed_cycles[node]) - int(chips.sum_cycles_in_hop[node])
    return picoseconds(max(cycles, 0), Fraction(build.manifest.clock_mhz))


def _lay_trees(site: Site, moves: Deliveries, call_at: Integers) -> None:
    """Bring the summands of each part together, adding on the way, and spread the sum to its readers."""
    parts, network, draft = moves.sums, site.network, site.draft
    count, chips = len(parts.first), site.node_of[moves.writers]
    (table,) = site.ways(network.up, parts.source, choices=1)
    branches = branches_of(parts.source, table, np.repeat(np.arange(count), len(chips)), np.tile(chips, count))
    # The places of all trees: one for each branch, and behind these their roots.
    place_of = np.full((count, network.width), NONE, dtype=np.int64)
    tree, chip = np.append(branches.tree, np.arange(count)), np.append(branches.node, parts.source)
    place_of[tree, chip] = np.arange(len(tree))
    after = place_of[branches.tree, branches.toward]
    come, holds = np.bincount(after, minlength=len(tree)), np.isin(chip, chips)
    adds, group_at = np.flatnonzero(come + holds > 1), np.full(len(tree), NONE, dtype=np.int64)
    vectors = parts.vectors[tree[adds]]
    group_at[adds] = _add_sums(site, moves.tensor, chip[adds], vectors, (come + holds)[adds])
    given = adds[holds[adds]]
    draft.follow("call_summands", call_at[chip[given]], group_at[given])
    begins = np.flatnonzero(come[: len(after)] == 0)
    source = _source(after, begins, group_at)
    origin = {
        "call": np.where(group_at[source] == NONE, call_at[chip[source]], NONE),
        "group": group_at[source],
        "own": call_at[branches.toward],
    }
    hops = site.hops(branches, parts.vectors[branches.tree], origin, upward=True)
    nobody = np.full(len(begins), NONE, dtype=np.int64)
    sends = add_sends(site, call_at[chip[begins]], moves.tensor, parts.vectors[tree[begins]], nobody)
    ways = draft.add("way", len(sends))
    draft.follow("send_ways", sends, ways)
    draft.follow("way_hops", ways, hops[begins])
    leaving = np.flatnonzero(group_at[: len(after)] != NONE)
    draft.follow("group_hops", group_at[leaving], hops[leaving])
    into = group_at[after] != NONE
    draft.follow("hop_readers", hops[into], group_at[after[into]])
    draft.follow("hop_onward", hops[~into], hops[after[~into]])
    _lay_results(site, parts, group_at[len(after) :])


def _source(after: Integers, begins: Integers, group_at: Integers) -> Integers:
    """Return where the packets that leave each place come from: there, or where its one predecessor has them from."""
    source, before = np.arange(len(after)), np.arange(len(group_at))
    before[after] = np.arange(len(after))
    own = group_at[: len(after)] != NONE
    own[begins] = True
    while not own[source].all():
        source = np.where(own[source], source, before[source])
    return source


def _lay_results(site: Site, parts: Parts, groups: Integers) -> None:
    """Give sums to their readers, on their chips and on others."""
    readers, nodes = site.group_of[parts.reader], site.node_of[parts.reader]
    here = nodes == parts.source[parts.part]
    site.draft.follow("group_readers", groups[parts.part[here]], readers[here])
    spread = Spread(parts.source, parts.vectors, parts.part[~here], nodes[~here], readers[~here])
    if len(spread.tree):
        spread_sums(site, spread, groups)

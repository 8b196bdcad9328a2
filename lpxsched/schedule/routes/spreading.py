"""Copies of the list schedule: a block moves from where it is to its readers along a tree of earliest reads."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import kernel
from lpxsched.schedule.problem.wires import Wires, hold_cycles, lane_count, lead_cycles
from lpxsched.schedule.routes.columns import Placed, Slot, Traffic, Tree, earliest_lane, place_slot
from lpxsched.schedule.times.calendars import Calendars
from lpxsched.units import NEVER


class Spread(NamedTuple):
    """A block on its way: its demand, the node from which it comes and since when, and its length."""

    block: int
    demand: int
    root: int
    base: int
    vectors: int


@kernel
def ready_at(wires: Wires, tree: Tree, stream: Spread, node: int, bundle: int) -> int:
    """Return when a node may send a block on over a bundle; what it relays may have come over a slower wire."""
    if node == stream.root:
        return stream.base
    return int(tree.read[node] + wires.turnaround + lead_cycles(wires, tree.bundle[node], bundle, stream.vectors))


@kernel
def is_shared(wires: Wires) -> bool:
    """Return whether bundles share calendars, those of one orbit."""
    return len(wires.lanes) < len(wires.source)


@kernel
def earlier(tree: Tree, one: int, other: int) -> int:
    """Return which of two nodes gets a block first, settled ones last; of equals the one."""
    if tree.settled[other]:
        return one
    return other if tree.settled[one] or tree.read[other] < tree.read[one] else one


@kernel
def replay(tree: Tree, node: int) -> None:
    """Find anew who wins among the nodes, since something about one has changed."""
    place = (len(tree.winner) // 2 + node) // 2
    while place > 0:
        tree.winner[place] = earlier(tree, tree.winner[2 * place], tree.winner[2 * place + 1])
        place //= 2


@kernel
def reach_from(wires: Wires, calendars: Calendars, tree: Tree, stream: Spread, node: int) -> None:
    """Offer a block from one node to its neighbours."""
    for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = wires.out[place]
        other = wires.destination[bundle]
        is_idle_host = other >= wires.chips and not tree.wanted[other]
        if tree.settled[other] or is_idle_host:
            continue
        ready = ready_at(wires, tree, stream, node, bundle)
        if ready + wires.hop[bundle] > tree.read[other]:
            continue
        lane, depart = earliest_lane(wires, calendars, bundle, ready, stream.vectors)
        read = depart + wires.hop[bundle]
        # Of equal reads the bundle with more lanes: narrow bundles are scarce.
        wider = lane_count(wires, bundle) > lane_count(wires, tree.bundle[other])
        if read < tree.read[other] or (read == tree.read[other] and wider):
            tree.read[other] = read
            replay(tree, other)
            tree.bundle[other], tree.lane[other], tree.depart[other] = bundle, lane, depart


@kernel
def is_late(wires: Wires, calendars: Calendars, tree: Tree, stream: Spread, node: int) -> bool:
    """Return whether a node can no longer be reached at the read found for it."""
    bundle = tree.bundle[node]
    ready = ready_at(wires, tree, stream, wires.source[bundle], bundle)
    return bool(earliest_lane(wires, calendars, bundle, ready, stream.vectors)[1] > tree.depart[node])


@kernel
def offer_again(wires: Wires, calendars: Calendars, tree: Tree, stream: Spread, node: int, settled: int) -> None:
    """Find the earliest read of a node anew, since the lane found for it has been taken."""
    tree.read[node] = NEVER
    replay(tree, node)
    for rank in range(settled):
        other = tree.order[rank]
        if other < wires.chips or other == stream.root:
            reach_from(wires, calendars, tree, stream, other)


@kernel
def place_way(wires: Wires, calendars: Calendars, placed: Placed, tree: Tree, stream: Spread, node: int) -> None:
    """Place the slots that bring a block to a node, from the first node on that does not have it yet."""
    while not tree.placed[node]:
        top = node
        while not tree.placed[wires.source[tree.bundle[top]]]:
            top = wires.source[tree.bundle[top]]
        bundle = tree.bundle[top]
        lane, depart = tree.lane[top], tree.depart[top]
        if is_shared(wires):
            ready = ready_at(wires, tree, stream, wires.source[bundle], bundle)
            lane, depart = earliest_lane(wires, calendars, bundle, ready, stream.vectors)
            tree.read[top] = depart + wires.hop[bundle]
        place_slot(wires, calendars, placed, Slot(stream.block, 1, bundle, lane, depart), stream.vectors)
        tree.placed[top] = True
        last = tree.read[top] + hold_cycles(wires, bundle, stream.vectors - 1)
        placed.delivered[stream.demand, top] = max(placed.delivered[stream.demand, top], last)


@kernel
def spread_block(
    wires: Wires,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    stream: Spread,
) -> None:
    """Bring a block from where it is to its readers along the tree of earliest reads (Dijkstra over calendars).

    Where bundles share calendars slots of one tree may be in each other's way, so a lane is looked at again before a
    node is settled.
    """
    demand, root = stream.demand, stream.root
    tree.settled[:] = False
    tree.placed[:] = False
    tree.wanted[:] = False
    tree.read[:] = NEVER
    for place in range(len(tree.winner) // 2 - 1, 0, -1):
        tree.winner[place] = tree.winner[2 * place]
    tree.read[root] = stream.base
    replay(tree, root)
    tree.placed[root] = True
    missing = traffic.reader_offsets[demand + 1] - traffic.reader_offsets[demand]
    for index in range(traffic.reader_offsets[demand], traffic.reader_offsets[demand + 1]):
        tree.wanted[traffic.reader[index]] = True
    settled = 0
    while missing > 0:
        node = tree.winner[1]
        if tree.settled[node] or tree.read[node] == NEVER:
            raise ValueError("no way leads to a reader of a demand")
        if is_shared(wires) and node != root and is_late(wires, calendars, tree, stream, node):
            offer_again(wires, calendars, tree, stream, node, settled)
            continue
        tree.settled[node] = True
        replay(tree, node)
        tree.order[settled] = node
        settled += 1
        if tree.wanted[node]:
            missing -= 1
            place_way(wires, calendars, placed, tree, stream, node)
        if node < wires.chips or node == root:
            reach_from(wires, calendars, tree, stream, node)

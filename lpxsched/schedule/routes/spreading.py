"""Copies of the list schedule: a block moves from its root to its consumers along a tree of earliest reads."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import kernel
from lpxsched.schedule.routes.columns import Network, Placed, Traffic, Tree
from lpxsched.schedule.routes.slots import Slot, earliest_lane, place_slot, stream_cycles
from lpxsched.schedule.times.calendars import Calendars
from lpxsched.units import NEVER, NONE


class Stream(NamedTuple):
    """A block on its way: its demand, the node from which it comes and since when, and its length."""

    block: int
    demand: int
    root: int
    base: int
    vectors: int


@kernel
def relay_ready(network: Network, tree: Tree, node: int, bundle: int, vectors: int) -> int:
    """Return when a relay may send a stream on: at once, or later where the wire in is slower than the wire out."""
    arrived = tree.bundle[node]
    slower = (
        network.numerator[arrived] * network.denominator[bundle]
        - network.numerator[bundle] * network.denominator[arrived]
    )
    lead = 0
    if slower > 0:
        lead = -(-(vectors - 1) * slower // (network.denominator[bundle] * network.denominator[arrived]))
    return int(tree.read[node] + network.turnaround + lead)


@kernel
def ready_at(network: Network, tree: Tree, stream: Stream, node: int, bundle: int) -> int:
    """Return when a node may send a block on over a bundle."""
    return stream.base if node == stream.root else relay_ready(network, tree, node, bundle, stream.vectors)


@kernel
def reach_from(network: Network, calendars: Calendars, tree: Tree, stream: Stream, node: int) -> None:
    """Offer a block from one node to its neighbours."""
    for bundle in range(network.out[node], network.out[node + 1]):
        other = network.destination[bundle]
        is_idle_host = other >= network.chips and not tree.wanted[other]
        if tree.settled[other] or is_idle_host:
            continue
        ready = ready_at(network, tree, stream, node, bundle)
        if ready + network.hop[bundle] > tree.read[other]:
            continue
        lane, depart = earliest_lane(network, calendars, bundle, ready, stream.vectors)
        read = depart + network.hop[bundle]
        # Of equal reads the bundle with more lanes: narrow bundles are scarce.
        wider = network.lanes[bundle] > network.lanes[tree.bundle[other]]
        if read < tree.read[other] or (read == tree.read[other] and wider):
            tree.read[other] = read
            tree.bundle[other], tree.lane[other], tree.depart[other] = bundle, lane, depart


@kernel
def is_late(network: Network, calendars: Calendars, tree: Tree, stream: Stream, node: int) -> bool:
    """Return whether a node can no longer be reached at the read found for it."""
    bundle = tree.bundle[node]
    ready = ready_at(network, tree, stream, network.source[bundle], bundle)
    return bool(earliest_lane(network, calendars, bundle, ready, stream.vectors)[1] > tree.depart[node])


@kernel
def offer_again(network: Network, calendars: Calendars, tree: Tree, stream: Stream, node: int, settled: int) -> None:
    """Find the earliest read of a node anew, since the lane found for it has been taken."""
    tree.read[node] = NEVER
    for rank in range(settled):
        other = tree.order[rank]
        if other < network.chips or other == stream.root:
            reach_from(network, calendars, tree, stream, other)


@kernel
def place_way(network: Network, calendars: Calendars, placed: Placed, tree: Tree, stream: Stream, node: int) -> None:
    """Place the slots that bring a block to a node, from the first node on that does not have it yet."""
    while not tree.placed[node]:
        top = node
        while not tree.placed[network.source[tree.bundle[top]]]:
            top = network.source[tree.bundle[top]]
        bundle = tree.bundle[top]
        lane, depart = tree.lane[top], tree.depart[top]
        if network.is_shared:
            ready = ready_at(network, tree, stream, network.source[bundle], bundle)
            lane, depart = earliest_lane(network, calendars, bundle, ready, stream.vectors)
            tree.read[top] = depart + network.hop[bundle]
        place_slot(network, calendars, placed, Slot(stream.block, 1, bundle, lane, depart), stream.vectors)
        tree.placed[top] = True
        last = tree.read[top] + stream_cycles(network, bundle, stream.vectors - 1)
        placed.delivered[stream.demand, top] = max(placed.delivered[stream.demand, top], last)


@kernel
def spread_block(
    network: Network,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
    base: int,
) -> None:
    """Bring a block from its root to its consumers along the tree of earliest reads (Dijkstra over calendars).

    Where bundles share calendars slots of one tree may be in each other's way, so a lane is looked at again before a
    node is settled.
    """
    demand = traffic.block_demand[block]
    root = traffic.root[demand]
    stream = Stream(block, demand, root, base, traffic.block_vectors[block])
    tree.settled[:] = False
    tree.placed[:] = False
    tree.wanted[:] = False
    tree.read[:] = NEVER
    tree.read[root] = base
    tree.placed[root] = True
    missing = traffic.consumer_offsets[demand + 1] - traffic.consumer_offsets[demand]
    for index in range(traffic.consumer_offsets[demand], traffic.consumer_offsets[demand + 1]):
        tree.wanted[traffic.consumer[index]] = True
    settled = 0
    while missing > 0:
        node = NONE
        for other in range(network.nodes):
            if not tree.settled[other] and (node < 0 or tree.read[other] < tree.read[node]):
                node = other
        if node < 0 or tree.read[node] == NEVER:
            raise ValueError("no way leads to a consumer of a demand")
        if network.is_shared and node != root and is_late(network, calendars, tree, stream, node):
            offer_again(network, calendars, tree, stream, node, settled)
            continue
        tree.settled[node] = True
        tree.order[settled] = node
        settled += 1
        if tree.wanted[node]:
            missing -= 1
            place_way(network, calendars, placed, tree, stream, node)
        if node < network.chips or node == root:
            reach_from(network, calendars, tree, stream, node)

"""Compiled kernels of the greedy solvers of collectives; ``tests/schedule/transfers/plain.py`` is their plain twin.

`match` goes forward in time: whenever a lane is free it takes the most urgent block that waits for it. `all_ways` gives
shortest ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from lpxsched.schedule.kernels import NEVER, Flags, Integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 1 << 30
# Costs from here on mean that nothing leads there.
UNREACHED = 1 << 40
CLASSES = 63
# Blocks that one resource sets aside in a cycle since ports are full.
MOST_ASIDE = 64
FIRST_ROOM = 1024


class Wires(NamedTuple):
    """Bundles and the resources (orbits of bundles) on which they draw.

    `out` lists bundles by source, `out_offsets` where each node's begin; `inject` and `eject` are 0 without a limit.
    """

    width: int
    nodes: int
    source: Integers
    destination: Integers
    hop: Integers
    numerator: Integers
    denominator: Integers
    out_offsets: Integers
    out: Integers
    resource: Integers
    lanes: Integers
    first_lane: Integers
    turnaround: int
    node_orbit: Integers
    inject: int
    eject: int


class Queues(NamedTuple):
    """Blocks that wait for a resource: first-in first-out lists, one for each resource and class of urgency.

    `waiting` has a bit for each class, `ends` the first and last entry of each list, an entry its block, its bundle and
    the next entry. `counts` are entries ever used, and the first that is free again.
    """

    waiting: NDArray[np.uint64]
    ends: NDArray[np.int32]
    entries: NDArray[np.int32]
    counts: NDArray[np.int32]


class Ring(NamedTuple):
    """Events of the cycles to come, a list for each cycle modulo the length of the ring; `last` is the latest cycle.

    Events below `slots` are slots whose block can go on, then come lanes that are free again, then resources to be
    looked at again.
    """

    head: Integers
    following: Integers
    last: Integers


class Job(NamedTuple):
    """What is to be matched; see `match`."""

    source: Integers
    target: Integers
    vectors: Integers
    way: NDArray[np.int32]
    urgency: NDArray[np.uint8]
    minimal: bool
    block_order: Integers
    rank: Integers
    parents: NDArray[np.int32]


class Progress(NamedTuple):
    """What has been reached: who holds or gets blocks that everyone reads, where others are (-1 on a link).

    `missing` counts deliveries to come, `random` is the state of the generator (0: no chance). `injected` and `ejected`
    count by orbit of nodes and cycle modulo their length, `.._cycle` tells of which cycle.
    """

    held: Flags
    position: Integers
    missing: Integers
    random: NDArray[np.uint64]
    injected: Integers
    injected_cycle: Integers
    ejected: Integers
    ejected_cycle: Integers


class Lanes(NamedTuple):
    """Free lanes of each resource as stacks, the resources to be served in this cycle, room for what is set aside."""

    free: Integers
    number: Integers
    resource: Integers
    dirty: Integers
    dirty_count: Integers
    is_dirty: Flags
    aside: Integers


@njit(cache=True)
def hold(wires: Wires, bundle: int, vectors: int) -> int:
    """Return ceil(n pitch) on a bundle."""
    return int(-(-vectors * wires.numerator[bundle] // wires.denominator[bundle]))


@njit(cache=True)
def lead(wires: Wires, arrived: int, bundle: int, vectors: int) -> int:
    """Return how much later a relay sends a stream on where the wire in is slower than the wire out."""
    if arrived < 0:
        return 0
    slower = wires.numerator[arrived] * wires.denominator[bundle] - wires.numerator[bundle] * wires.denominator[arrived]
    if slower <= 0:
        return 0
    return int(-(-(vectors - 1) * slower // (wires.denominator[bundle] * wires.denominator[arrived])))


@njit(cache=True)
def slowest_lead(wires: Wires, arrived: int, vectors: int) -> int:
    """Return the largest lead of a stream over the bundles by which it may go on."""
    longest = 0
    if vectors > 1:
        node = wires.destination[arrived]
        for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            longest = max(longest, lead(wires, arrived, wires.out[index], vectors))
    return longest


@njit(cache=True)
def relax(cost: Integers, offsets: Integers, destination: Integers, length: Integers) -> None:
    """Lower costs, shape (rows, nodes), to what is reached from the nodes of each row (label correcting, in place).

    Bundles are sorted by source; those of node i begin at ``offsets[i]``.
    """
    nodes = cost.shape[1]
    queue = np.empty(nodes + 1, dtype=np.int64)
    queued = np.zeros(nodes, dtype=np.bool_)
    for row in range(len(cost)):
        costs = cost[row]
        begin, end = 0, 0
        for node in range(nodes):
            if costs[node] < UNREACHED:
                queue[end] = node
                queued[node] = True
                end += 1
        while begin != end:
            node = queue[begin]
            begin = (begin + 1) % (nodes + 1)
            queued[node] = False
            for bundle in range(offsets[node], offsets[node + 1]):
                other = destination[bundle]
                if costs[node] + length[bundle] < costs[other]:
                    costs[other] = costs[node] + length[bundle]
                    if not queued[other]:
                        queued[other] = True
                        queue[end] = other
                        end = (end + 1) % (nodes + 1)


def all_ways(wires: Wires, between: int) -> NDArray[np.int32]:
    """Return the shortest ways in cycles, `between` cycles from a read to the next departure; `FAR` where none is."""
    cost = np.full((wires.nodes, wires.nodes), UNREACHED, dtype=np.int64)
    np.fill_diagonal(cost, 0)
    relax(cost, wires.out_offsets, wires.destination[wires.out], wires.hop[wires.out] + between)
    way = np.where(cost < UNREACHED, cost - between, FAR)
    np.fill_diagonal(way, 0)
    return way.astype(np.int32)


@njit(cache=True)
def push_event(ring: Ring, cycle: int, event: int) -> None:
    """Enter an event into the list of its cycle."""
    place = cycle % len(ring.head)
    ring.last[0] = max(ring.last[0], cycle)
    ring.following[event] = ring.head[place]
    ring.head[place] = event


@njit(cache=True)
def wait(queues: Queues, resource: int, urgency: int, block: int, bundle: int, front: bool) -> None:
    """Put a block into the queue of a resource; low urgency numbers go first."""
    free = queues.counts[1]
    if free >= 0:
        queues.counts[1] = queues.entries[free, 2]
    else:
        free = queues.counts[0]
        queues.counts[0] += 1
    queues.entries[free, 0], queues.entries[free, 1], queues.entries[free, 2] = block, bundle, -1
    place = resource * CLASSES + urgency
    bit = np.uint64(1) << np.uint64(urgency)
    if not queues.waiting[resource] & bit:
        queues.waiting[resource] |= bit
        queues.ends[place, 0] = queues.ends[place, 1] = free
    elif front:
        queues.entries[free, 2] = queues.ends[place, 0]
        queues.ends[place, 0] = free
    else:
        queues.entries[queues.ends[place, 1], 2] = free
        queues.ends[place, 1] = free


@njit(cache=True)
def lowest_bit(word: np.uint64) -> int:
    """Return the position of the lowest set bit of a word that is not 0."""
    position = 0
    for step in (32, 16, 8, 4, 2, 1):
        if not word & ((np.uint64(1) << np.uint64(step)) - np.uint64(1)):
            word >>= np.uint64(step)
            position += step
    return position


@njit(cache=True)
def take(queues: Queues, resource: int) -> tuple[int, int, int]:
    """Take the most urgent entry of a resource: block, bundle, urgency."""
    urgency = lowest_bit(queues.waiting[resource])
    place = resource * CLASSES + urgency
    entry = queues.ends[place, 0]
    following = queues.entries[entry, 2]
    queues.ends[place, 0] = following
    if following < 0:
        queues.waiting[resource] &= ~(np.uint64(1) << np.uint64(urgency))
    queues.entries[entry, 2] = queues.counts[1]
    queues.counts[1] = entry
    return queues.entries[entry, 0], queues.entries[entry, 1], urgency


@njit(cache=True)
def mark(lanes: Lanes, resource: int) -> None:
    """Note that a resource is to be served in this cycle."""
    if not lanes.is_dirty[resource]:
        lanes.is_dirty[resource] = True
        lanes.dirty[lanes.dirty_count[0]] = resource
        lanes.dirty_count[0] += 1


@njit(cache=True)
def tossed(random: NDArray[np.uint64]) -> bool:
    """Return a random bit (xorshift, Marsaglia 2003); always False for a state of 0."""
    state = random[0]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    random[0] = state
    return bool(state & np.uint64(1))


@njit(cache=True)
def offer_to_all(
    wires: Wires, job: Job, progress: Progress, queues: Queues, lanes: Lanes, block: int, node: int, arrived: int
) -> None:
    """Queue a block that everyone reads, and that has come to a node, for all bundles that take it further."""
    # Columns in local names: a field of a tuple costs a count of references each time that it is named.
    root, width, minimal = job.source[block], wires.width, job.minimal
    held, ways, urgency = progress.held[block], job.way[root], job.urgency[root]
    out, destination, hop, resource = wires.out, wires.destination, wires.hop, wires.resource
    rank, parents, random = job.rank, job.parents, progress.random
    order = job.block_order[block] if arrived >= 0 else -1
    leave = ways[node] + (wires.turnaround if node != root else 0)
    for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = out[index]
        other = destination[bundle]
        if other >= width or held[other] or (minimal and leave + hop[bundle] != ways[other]):
            continue
        if len(parents) and parents[block, other] != bundle:
            continue
        if order >= 0 and rank[order, bundle] < rank[order, arrived]:
            continue
        wait(queues, resource[bundle], urgency[other], block, bundle, tossed(random))
        mark(lanes, resource[bundle])


@njit(cache=True)
def offer_to_one(
    wires: Wires, job: Job, progress: Progress, queues: Queues, lanes: Lanes, block: int, node: int
) -> None:
    """Queue a block with one reader, that has come to a node, for all bundles on shortest ways to the reader."""
    end, way, urgency = job.target[block], job.way, job.urgency
    out, destination, hop, resource = wires.out, wires.destination, wires.hop, wires.resource
    random = progress.random
    left = way[node, end]
    progress.position[block] = node
    for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = out[index]
        other = destination[bundle]
        between = wires.turnaround if other != end else 0
        if way[other, end] + between + hop[bundle] == left:
            wait(queues, resource[bundle], urgency[other, end], block, bundle, tossed(random))
            mark(lanes, resource[bundle])


@njit(cache=True)
def offer(
    wires: Wires, job: Job, progress: Progress, queues: Queues, lanes: Lanes, block: int, node: int, arrived: int
) -> None:
    """Queue a block that has come to a node for all bundles that take it further."""
    if job.target[block] < 0:
        offer_to_all(wires, job, progress, queues, lanes, block, node, arrived)
    else:
        offer_to_one(wires, job, progress, queues, lanes, block, node)


@njit(cache=True)
def count_at(counts: Integers, cycles: Integers, orbit: int, cycle: int) -> int:
    """Return how many vectors were counted for an orbit of nodes in a cycle."""
    place = cycle % counts.shape[1]
    return int(counts[orbit, place]) if cycles[orbit, place] == cycle else 0


@njit(cache=True)
def add_at(counts: Integers, cycles: Integers, orbit: int, cycle: int) -> None:
    """Count one vector more."""
    counts[orbit, cycle % counts.shape[1]] = count_at(counts, cycles, orbit, cycle) + 1
    cycles[orbit, cycle % counts.shape[1]] = cycle


@njit(cache=True)
def pass_ports(wires: Wires, job: Job, progress: Progress, block: int, bundle: int, cycle: int) -> bool:
    """Take room in the ports for a slot that departs now; return whether there is any (R7)."""
    node, other = wires.source[bundle], wires.destination[bundle]
    begins = wires.inject > 0 and node == job.source[block]
    ends = wires.eject > 0 and (job.target[block] < 0 or other == job.target[block])
    at_node, at_other, read = wires.node_orbit[node], wires.node_orbit[other], cycle + wires.hop[bundle]
    if begins and count_at(progress.injected, progress.injected_cycle, at_node, cycle) >= wires.inject:
        return False
    if ends and count_at(progress.ejected, progress.ejected_cycle, at_other, read) >= wires.eject:
        return False
    if begins:
        add_at(progress.injected, progress.injected_cycle, at_node, cycle)
    if ends:
        add_at(progress.ejected, progress.ejected_cycle, at_other, read)
    return True


@njit(cache=True)
def serve(
    wires: Wires,
    job: Job,
    progress: Progress,
    queues: Queues,
    lanes: Lanes,
    ring: Ring,
    slots: Integers,
    used: int,
    resource: int,
    cycle: int,
) -> tuple[int, int]:
    """Send what waits most urgently over the free lanes of a resource; return slots used so far and the last read."""
    aside, free, number, waiting = lanes.aside, lanes.free, lanes.number, queues.waiting
    held, position, target, destination = progress.held, progress.position, job.target, wires.destination
    has_ports, first_lane = wires.inject > 0 or wires.eject > 0, wires.first_lane[resource]
    source, numerator, denominator = wires.source, wires.numerator, wires.denominator
    set_aside, latest = 0, 0
    while number[resource] > 0 and waiting[resource] and set_aside < len(aside):
        block, bundle, urgency = take(queues, resource)
        other, everyone = destination[bundle], target[block] < 0
        if held[block, other] if everyone else position[block] != source[bundle]:
            continue
        if has_ports and not pass_ports(wires, job, progress, block, bundle, cycle):
            aside[set_aside, 0], aside[set_aside, 1], aside[set_aside, 2] = block, bundle, urgency
            set_aside += 1
            continue
        number[resource] -= 1
        lane = free[first_lane + number[resource]]
        slots[used, 0], slots[used, 1], slots[used, 2], slots[used, 3] = block, bundle, lane, cycle
        vectors, read = job.vectors[block], cycle + wires.hop[bundle]
        held_for = -(-vectors * numerator[bundle] // denominator[bundle])
        push_event(ring, cycle + held_for, len(slots) + first_lane + lane)
        latest = max(latest, read - (-(vectors - 1) * numerator[bundle] // denominator[bundle]))
        if everyone:
            held[block, other] = True
        else:
            position[block] = -1
        if everyone or other != target[block]:
            rest = slowest_lead(wires, bundle, vectors) if vectors > 1 else 0
            push_event(ring, read + wires.turnaround + rest, used)
        progress.missing[0] -= everyone or other == target[block]
        used += 1
    for index in range(set_aside - 1, -1, -1):
        wait(queues, resource, aside[index, 2], aside[index, 0], aside[index, 1], True)
    if set_aside and number[resource] > 0:
        push_event(ring, cycle + 1, len(slots) + len(free) + resource)
    return used, latest


@njit(cache=True)
def longest_step(wires: Wires, vectors: Integers) -> int:
    """Return a number of cycles that no event lies ahead."""
    longest, most = 2, 1
    for block in range(len(vectors)):
        most = max(most, vectors[block])
    for bundle in range(len(wires.hop)):
        longest = max(longest, 2 * hold(wires, bundle, most) + wires.hop[bundle] + wires.turnaround + 2)
    return longest


@njit(cache=True)
def beginnings(wires: Wires, job: Job, most_slots: int, noise: int) -> tuple[Progress, Queues, Lanes, Ring]:
    """Return the state before anything has moved."""
    blocks, lanes, resources = len(job.source), int(wires.lanes.sum()), len(wires.lanes)
    everyone = blocks > 0 and job.target[0] < 0
    span = longest_step(wires, job.vectors)
    orbits = int(wires.node_orbit.max()) + 1
    port_cells = (orbits, span) if wires.inject or wires.eject else (1, 1)
    held = np.zeros((blocks if everyone else 1, wires.nodes), dtype=np.bool_)
    missing = 0
    for block in range(blocks):
        if everyone:
            held[block, job.source[block]] = True
        missing += wires.width - (job.source[block] < wires.width) if everyone else 1
    progress = Progress(
        held,
        np.full(blocks, -1, dtype=np.int64),
        np.array([missing], dtype=np.int64),
        np.array([noise * 2654435761 + 88172645463325252 if noise else 0], dtype=np.uint64),
        np.zeros(port_cells, dtype=np.int64),
        np.full(port_cells, -1, dtype=np.int64),
        np.zeros(port_cells, dtype=np.int64),
        np.full(port_cells, -1, dtype=np.int64),
    )
    queues = Queues(
        np.zeros(resources, dtype=np.uint64),
        np.full((resources * CLASSES, 2), -1, dtype=np.int32),
        np.empty((FIRST_ROOM, 3), dtype=np.int32),
        np.array([0, -1], dtype=np.int32),
    )
    free = np.empty(lanes, dtype=np.int64)
    for resource in range(resources):
        for lane in range(wires.lanes[resource]):
            free[wires.first_lane[resource] + lane] = wires.lanes[resource] - 1 - lane
    stacks = Lanes(
        free,
        wires.lanes.copy(),
        np.repeat(np.arange(resources), wires.lanes),
        np.empty(resources, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(resources, dtype=np.bool_),
        np.empty((MOST_ASIDE, 3), dtype=np.int64),
    )
    events = np.empty(most_slots + lanes + resources, dtype=np.int64)
    ring = Ring(np.full(span, -1, dtype=np.int64), events, np.zeros(1, dtype=np.int64))
    return progress, queues, stacks, ring


@njit(cache=True)
def match(wires: Wires, job: Job, noise: int, most_slots: int, limit: int) -> tuple[Integers, int]:
    """Schedule blocks forward in time.

    Parameters
    ----------
    wires : Wires
    job : Job
        `source`, `target`, `vectors` by block, `target` -1 where every participant reads the block. `way` as `all_ways`
        returns it. `urgency`, shape (nodes, nodes), is the class of a block that goes to a node: by source and node
        where everyone reads, by node and target else. `minimal` keeps blocks that everyone reads to shortest ways from
        their source; others always keep to them. `block_order` is a row of `rank` or -1: along a way the rank of
        bundles never falls. `parents`, shape (blocks, nodes) or (0, 0), is the bundle over which a node must get a
        block that everyone reads.
    noise : int
        0 serves equal urgency in the order of waiting; else the seed of a random choice between the ends of the queue.
    most_slots, limit : int
        Room for the result; the search gives up once a read is later than `limit`.

    Returns
    -------
    slots : ndarray of int64, shape (slots, 4)
        Block, bundle, lane, departure, in the order of departures; empty when the limit was passed.
    makespan : int
    """
    slots = np.empty((most_slots, 4), dtype=np.int64)
    progress, queues, lanes, ring = beginnings(wires, job, most_slots, noise)
    all_lanes = len(lanes.free)
    degree = 1
    for node in range(wires.nodes):
        degree = max(degree, wires.out_offsets[node + 1] - wires.out_offsets[node])
    for block in range(len(job.source)):
        if queues.counts[0] + degree > len(queues.entries):
            queues = grown(queues, degree)
        offer(wires, job, progress, queues, lanes, block, job.source[block], -1)
    used, cycle, makespan = 0, 0, 0
    while progress.missing[0] > 0:
        event = ring.head[cycle % len(ring.head)]
        ring.head[cycle % len(ring.head)] = -1
        while event >= 0:
            following = ring.following[event]
            if event < most_slots:
                if queues.counts[0] + degree > len(queues.entries):
                    queues = grown(queues, degree)
                arrived = slots[event, 1]
                offer(wires, job, progress, queues, lanes, slots[event, 0], wires.destination[arrived], arrived)
            elif event < most_slots + all_lanes:
                resource = lanes.resource[event - most_slots]
                lanes.free[wires.first_lane[resource] + lanes.number[resource]] = (
                    event - most_slots - wires.first_lane[resource]
                )
                lanes.number[resource] += 1
                mark(lanes, resource)
            else:
                mark(lanes, event - most_slots - all_lanes)
            event = following
        for number in range(lanes.dirty_count[0]):
            resource = lanes.dirty[number]
            lanes.is_dirty[resource] = False
            used, last = serve(wires, job, progress, queues, lanes, ring, slots, used, resource, cycle)
            makespan = max(makespan, last)
        lanes.dirty_count[0] = 0
        if makespan > limit or (progress.missing[0] > 0 and cycle > ring.last[0]):
            return slots[:0], NEVER
        cycle += 1
    return slots[:used], makespan


@njit(cache=True)
def grown(queues: Queues, entries: int) -> Queues:
    """Return queues with at least twice the room, and that for some entries more."""
    used = len(queues.entries)
    larger = np.empty((2 * used + entries, 3), dtype=np.int32)
    larger[:used] = queues.entries
    return Queues(queues.waiting, queues.ends, larger, queues.counts)

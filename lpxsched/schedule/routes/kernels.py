"""Compiled kernels of the greedy solver, and of the placement of collectives, which has the same calendars.

``tests/schedule/plain_greedy.py`` is the plain twin of the solver's. Whatever a kernel calls, and its constants, stand
in its own module: a cache of compiled code knows of no other.

Calendars are linked lists of busy intervals, latest first, one for each lane of a bundle and each functional unit.
Work is placed in a given order, each piece as early as links and units allow (serial schedule generation). Under a
group of translations only representatives are placed, and all lanes or units of an orbit share one calendar.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The value of units: compiled code names globals of its own module only.
NONE, NEVER = -1, 1 << 60


class Calendars(NamedTuple):
    """Busy intervals of lanes and units: newest of each calendar, the one before each, its start and end.

    `shortest` is the least length that anything on a calendar has: shorter holes stay empty for ever.
    """

    shortest: Integers
    latest: Integers
    before: Integers
    start: Integers
    end: Integers
    used: Integers


class Network(NamedTuple):
    """Bundles sorted by source; `distance` in hops to each root, `farthest_first` the nodes of each root.

    Bundles of one orbit have their `first_lane` in common; `is_shared` tells whether any have.
    """

    chips: int
    nodes: int
    turnaround: int
    release: int
    source: Integers
    destination: Integers
    lanes: Integers
    first_lane: Integers
    is_shared: bool
    numerator: Integers
    denominator: Integers
    hop: Integers
    out: Integers
    distance: Integers
    farthest_first: Integers


class Program(NamedTuple):
    """Operators; `calendar` is `NONE` where a unit has no limit, `needs_node` where a needed demand is waited for."""

    calendar: Integers
    cycles: Integers
    after_offsets: Integers
    after: Integers
    needs_offsets: Integers
    needs: Integers
    needs_node: Integers


class Traffic(NamedTuple):
    """Demands and blocks; `sum_cycles` by number of operands and of vectors; `adder` is each chip's vector unit."""

    root: Integers
    leaf_offsets: Integers
    leaf: Integers
    leaf_operator: Integers
    consumer_offsets: Integers
    consumer: Integers
    block_demand: Integers
    block_vectors: Integers
    sum_cycles: Integers
    adder: Integers


class Placed(NamedTuple):
    """What has been placed: slots (block, phase, bundle, depart, lane) and sums (block, node, operands, start)."""

    slots: Integers
    sums: Integers
    counts: Integers
    operator_start: Integers
    delivered: Integers


class Tree(NamedTuple):
    """Scratch of one block: what each node has and through which lane it came.

    Of sums: `ready`, when a node has its operands, then their sum; `arrived`, the last read of what came, `NONE` if
    nothing did; `departs`, when it may send the sum on; `operands`, how many it adds.
    """

    ready: Integers
    arrived: Integers
    departs: Integers
    operands: Integers
    read: Integers
    bundle: Integers
    lane: Integers
    depart: Integers
    settled: Flags
    placed: Flags
    wanted: Flags
    order: Integers


class TaskColumns(NamedTuple):
    """Tasks of a plan (`times.placement.Tasks`), predecessors sorted by task."""

    resource: Integers
    length: Integers
    release: Integers
    offsets: Integers
    before: Integers
    delay: Integers
    port: Integers
    port_offset: Integers
    lanes: Integers
    first_lane: Integers
    port_lanes: Integers
    first_port: Integers


@njit(cache=True)
def earliest_gap(calendars: Calendars, calendar: int, ready: int, length: int) -> int:
    """Return the first cycle from `ready` on at which a calendar is free for `length` cycles; none needs no room."""
    if length == 0:
        return ready
    best = NEVER
    ceiling = NEVER
    interval = calendars.latest[calendar]
    while interval >= 0 and calendars.end[interval] > ready:
        if calendars.end[interval] + length <= ceiling:
            best = calendars.end[interval]
        ceiling = calendars.start[interval]
        interval = calendars.before[interval]
    return ready if ready + length <= ceiling else best


@njit(cache=True)
def insert(calendars: Calendars, calendar: int, begin: int, end: int, earlier: int, later: int) -> None:
    """Put a new interval between two that neighbour it; `NONE` where there is none."""
    used = calendars.used[0]
    calendars.start[used], calendars.end[used] = begin, end
    calendars.before[used] = earlier
    if later < 0:
        calendars.latest[calendar] = used
    else:
        calendars.before[later] = used
    calendars.used[0] = used + 1


@njit(cache=True)
def reserve(calendars: Calendars, calendar: int, begin: int, length: int) -> None:
    """Enter an interval into a calendar, keeping it sorted; intervals with no usable hole between them become one."""
    if length == 0:
        return
    end = begin + length
    later = NONE
    earlier = calendars.latest[calendar]
    while earlier >= 0 and calendars.start[earlier] > begin:
        later = earlier
        earlier = calendars.before[earlier]
    shortest = calendars.shortest[calendar]
    touches_earlier = earlier >= 0 and begin - calendars.end[earlier] < shortest
    touches_later = later >= 0 and calendars.start[later] - end < shortest
    if touches_earlier and touches_later:
        calendars.start[later] = calendars.start[earlier]
        calendars.before[later] = calendars.before[earlier]
    elif touches_earlier:
        calendars.end[earlier] = end
    elif touches_later:
        calendars.start[later] = begin
    else:
        insert(calendars, calendar, begin, end, earlier, later)


@njit(cache=True)
def stream_cycles(network: Network, bundle: int, vectors: int) -> int:
    """Return ceil(n v) on a bundle."""
    return -(-vectors * network.numerator[bundle] // network.denominator[bundle])


@njit(cache=True)
def earliest_lane(network: Network, calendars: Calendars, bundle: int, ready: int, vectors: int) -> tuple[int, int]:
    """Return the lane of a bundle that is free first for a slot, and that cycle."""
    length = stream_cycles(network, bundle, vectors)
    best_lane, best = NONE, NEVER
    for lane in range(network.first_lane[bundle], network.first_lane[bundle] + network.lanes[bundle]):
        cycle = earliest_gap(calendars, lane, ready, length)
        if cycle < best:
            best_lane, best = lane, cycle
            if best == ready:
                break
    return best_lane, best


@njit(cache=True)
def place_operator(network: Network, program: Program, calendars: Calendars, placed: Placed, operator: int) -> None:
    """Start an operator as soon as its operands are read and its unit is free."""
    begin = network.release
    for index in range(program.after_offsets[operator], program.after_offsets[operator + 1]):
        other = program.after[index]
        begin = max(begin, placed.operator_start[other] + program.cycles[other])
    for index in range(program.needs_offsets[operator], program.needs_offsets[operator + 1]):
        begin = max(begin, placed.delivered[program.needs[index], program.needs_node[index]])
    calendar = program.calendar[operator]
    if calendar >= 0 and program.cycles[operator] > 0:
        begin = earliest_gap(calendars, calendar, begin, program.cycles[operator])
        reserve(calendars, calendar, begin, program.cycles[operator])
    placed.operator_start[operator] = begin


@njit(cache=True)
def place_slot(
    network: Network,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    block: int,
    phase: int,
    bundle: int,
    lane: int,
    depart: int,
) -> None:
    """Enter a slot into its lane's calendar and into the result."""
    reserve(calendars, lane, depart, stream_cycles(network, bundle, traffic.block_vectors[block]))
    row = placed.counts[0]
    placed.slots[row, 0], placed.slots[row, 1] = block, phase
    placed.slots[row, 2], placed.slots[row, 3], placed.slots[row, 4] = bundle, depart, lane - network.first_lane[bundle]
    placed.counts[0] = row + 1


@njit(cache=True)
def place_sum(
    traffic: Traffic, calendars: Calendars, placed: Placed, block: int, node: int, operands: int, ready: int
) -> int:
    """Place a sum on the vector unit of a node and return its end."""
    length = traffic.sum_cycles[operands, traffic.block_vectors[block]]
    begin = ready
    if length > 0:
        begin = earliest_gap(calendars, traffic.adder[node], ready, length)
        reserve(calendars, traffic.adder[node], begin, length)
    row = placed.counts[1]
    placed.sums[row, 0], placed.sums[row, 1] = block, node
    placed.sums[row, 2], placed.sums[row, 3] = operands, begin
    placed.counts[1] = row + 1
    return begin + length


@njit(cache=True)
def send_towards_root(
    network: Network,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
    node: int,
) -> None:
    """Send what a node has one hop nearer to the root, over the bundle on which it is read first."""
    root = traffic.root[traffic.block_demand[block]]
    vectors = traffic.block_vectors[block]
    best, best_lane, best_depart, best_last = NONE, NONE, NEVER, NEVER
    for bundle in range(network.out[node], network.out[node + 1]):
        other = network.destination[bundle]
        is_nearer = network.distance[root, other] == network.distance[root, node] - 1
        # The root of a sum is a chip, and hosts never relay.
        if not is_nearer or other >= network.chips:
            continue
        lane, depart = earliest_lane(network, calendars, bundle, tree.departs[node], vectors)
        last = depart + network.hop[bundle] + stream_cycles(network, bundle, vectors - 1)
        if last < best_last or (last == best_last and network.lanes[bundle] > network.lanes[best]):
            best, best_lane, best_depart, best_last = bundle, lane, depart, last
    place_slot(network, traffic, calendars, placed, block, 0, best, best_lane, best_depart)
    parent = network.destination[best]
    tree.ready[parent] = max(tree.ready[parent], best_last)
    tree.arrived[parent] = max(tree.arrived[parent], best_last)
    tree.operands[parent] += 1


@njit(cache=True)
def sum_block(
    network: Network,
    program: Program,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
) -> int:
    """Bring a block's summands to its root along shortest ways, summing where they meet.

    Return when the root may send the sum on: what arrived pays a turnaround, summed or not. A stream that a node passes
    on alone is taken whole, which is always late enough.
    """
    demand, vectors = traffic.block_demand[block], traffic.block_vectors[block]
    root = traffic.root[demand]
    tree.ready[:] = NONE
    tree.arrived[:] = NONE
    tree.operands[:] = 0
    for index in range(traffic.leaf_offsets[demand], traffic.leaf_offsets[demand + 1]):
        operator, node = traffic.leaf_operator[index], traffic.leaf[index]
        tree.ready[node] = placed.operator_start[operator] + program.cycles[operator]
        tree.operands[node] = 1
    for rank in range(network.nodes):
        node = network.farthest_first[root, rank]
        if tree.operands[node] == 0:
            continue
        if tree.operands[node] > 1:
            end = place_sum(traffic, calendars, placed, block, node, tree.operands[node], tree.ready[node])
            tree.ready[node] = end
        tree.departs[node] = tree.ready[node]
        if tree.arrived[node] >= 0:
            relayed = tree.arrived[node] + network.turnaround + traffic.sum_cycles[tree.operands[node], vectors]
            tree.departs[node] = max(tree.departs[node], relayed)
        if node == root:
            break
        send_towards_root(network, traffic, calendars, placed, tree, block, node)
    placed.delivered[demand, root] = max(placed.delivered[demand, root], tree.ready[root])
    return tree.departs[root]


@njit(cache=True)
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
    return tree.read[node] + network.turnaround + lead


@njit(cache=True)
def reach_from(
    network: Network, calendars: Calendars, tree: Tree, node: int, root: int, base: int, vectors: int
) -> None:
    """Offer a block from one node to its neighbours."""
    for bundle in range(network.out[node], network.out[node + 1]):
        other = network.destination[bundle]
        is_idle_host = other >= network.chips and not tree.wanted[other]
        if tree.settled[other] or is_idle_host:
            continue
        ready = base if node == root else relay_ready(network, tree, node, bundle, vectors)
        if ready + network.hop[bundle] > tree.read[other]:
            continue
        lane, depart = earliest_lane(network, calendars, bundle, ready, vectors)
        read = depart + network.hop[bundle]
        # Of equal reads the bundle with more lanes: narrow bundles are scarce.
        wider = network.lanes[bundle] > network.lanes[tree.bundle[other]]
        if read < tree.read[other] or (read == tree.read[other] and wider):
            tree.read[other] = read
            tree.bundle[other], tree.lane[other], tree.depart[other] = bundle, lane, depart


@njit(cache=True)
def is_late(network: Network, calendars: Calendars, tree: Tree, node: int, root: int, base: int, vectors: int) -> bool:
    """Return whether a node can no longer be reached at the read found for it."""
    bundle = tree.bundle[node]
    source = network.source[bundle]
    ready = base if source == root else relay_ready(network, tree, source, bundle, vectors)
    return earliest_lane(network, calendars, bundle, ready, vectors)[1] > tree.depart[node]


@njit(cache=True)
def offer_again(
    network: Network, calendars: Calendars, tree: Tree, node: int, settled: int, root: int, base: int, vectors: int
) -> None:
    """Find the earliest read of a node anew, since the lane found for it has been taken."""
    tree.read[node] = NEVER
    for rank in range(settled):
        other = tree.order[rank]
        if other < network.chips or other == root:
            reach_from(network, calendars, tree, other, root, base, vectors)


@njit(cache=True)
def place_way(
    network: Network,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
    node: int,
    base: int,
) -> None:
    """Place the slots that bring a block to a node, from the first node on that does not have it yet."""
    demand, vectors = traffic.block_demand[block], traffic.block_vectors[block]
    while not tree.placed[node]:
        top = node
        while not tree.placed[network.source[tree.bundle[top]]]:
            top = network.source[tree.bundle[top]]
        bundle = tree.bundle[top]
        lane, depart = tree.lane[top], tree.depart[top]
        if network.is_shared:
            source = network.source[bundle]
            ready = base if source == traffic.root[demand] else relay_ready(network, tree, source, bundle, vectors)
            lane, depart = earliest_lane(network, calendars, bundle, ready, vectors)
            tree.read[top] = depart + network.hop[bundle]
        place_slot(network, traffic, calendars, placed, block, 1, bundle, lane, depart)
        tree.placed[top] = True
        last = tree.read[top] + stream_cycles(network, bundle, vectors - 1)
        placed.delivered[demand, top] = max(placed.delivered[demand, top], last)


@njit(cache=True)
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
    demand, vectors = traffic.block_demand[block], traffic.block_vectors[block]
    root = traffic.root[demand]
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
        if network.is_shared and node != root and is_late(network, calendars, tree, node, root, base, vectors):
            offer_again(network, calendars, tree, node, settled, root, base, vectors)
            continue
        tree.settled[node] = True
        tree.order[settled] = node
        settled += 1
        if tree.wanted[node]:
            missing -= 1
            place_way(network, traffic, calendars, placed, tree, block, node, base)
        if node < network.chips or node == root:
            reach_from(network, calendars, tree, node, root, base, vectors)


@njit(cache=True)
def list_schedule(
    work: Integers,
    network: Network,
    program: Program,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
) -> None:
    """Place all work in its order: operators (item >= 0) and blocks (item = ~block)."""
    for item in work:
        if item >= 0:
            place_operator(network, program, calendars, placed, item)
            continue
        block = ~item
        demand = traffic.block_demand[block]
        first_leaf = traffic.leaf_offsets[demand]
        if traffic.leaf_offsets[demand + 1] - first_leaf == 1:
            operator, root = traffic.leaf_operator[first_leaf], traffic.root[demand]
            base = placed.operator_start[operator] + program.cycles[operator]
            placed.delivered[demand, root] = max(placed.delivered[demand, root], base)
        else:
            base = sum_block(network, program, traffic, calendars, placed, tree, block)
        spread_block(network, traffic, calendars, placed, tree, block, base)


@njit(cache=True)
def earliest_of(calendars: Calendars, first: int, count: int, ready: int, length: int) -> tuple[int, int]:
    """Return the calendar of several that is free first, and that cycle."""
    best, cycle = first, NEVER
    for calendar in range(first, first + count):
        found = earliest_gap(calendars, calendar, ready, length)
        if found < cycle:
            best, cycle = calendar, found
            if cycle == ready:
                break
    return best, cycle


@njit(cache=True)
def place_tasks(tasks: TaskColumns, calendars: Calendars, order: Integers) -> tuple[Integers, Integers]:
    """Return start and lane of each task, placed in an order in which predecessors come first."""
    start = np.zeros(len(order), dtype=np.int64)
    lane = np.zeros(len(order), dtype=np.int64)
    for task in order:
        cycle = tasks.release[task]
        for index in range(tasks.offsets[task], tasks.offsets[task + 1]):
            cycle = max(cycle, start[tasks.before[index]] + tasks.delay[index])
        resource, length = tasks.resource[task], tasks.length[task]
        while True:
            chosen, cycle = earliest_of(calendars, tasks.first_lane[resource], tasks.lanes[resource], cycle, length)
            blocked = False
            for side in range(2):
                port = tasks.port[task, side]
                if port < 0:
                    continue
                at = cycle + tasks.port_offset[task, side]
                _, free = earliest_of(calendars, tasks.first_port[port], tasks.port_lanes[port], at, 1)
                if free > at:
                    cycle += free - at
                    blocked = True
                    break
            if not blocked:
                break
        for side in range(2):
            port = tasks.port[task, side]
            if port >= 0:
                at = cycle + tasks.port_offset[task, side]
                taken, _ = earliest_of(calendars, tasks.first_port[port], tasks.port_lanes[port], at, 1)
                reserve(calendars, taken, at, 1)
        reserve(calendars, chosen, cycle, length)
        start[task], lane[task] = cycle, chosen - tasks.first_lane[resource]
    return start, lane

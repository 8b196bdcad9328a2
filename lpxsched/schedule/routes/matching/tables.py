"""What a search forward in time is to match, the tables that it reads, and steps that send what lanes take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import MOST_ASIDE
from lpxsched.schedule.problem.wires import Wires, lead_cycles
from lpxsched.schedule.routes.matching.queues import Queues, take, wait
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Blocks


WORD_BITS = 64
# Columns of `Tables.blocks`, `State.lanes` and `State.batch`, places in `State.counts`, sides of ports.
SOURCE, TARGET, ROW, ORDER = range(4)
FREE, FIRST, DIRTY = range(3)
BLOCK, BUNDLE, RESOURCE, URGENCY, CELL = range(5)
USED, CYCLE, MAKESPAN, MISSING, BEGUN, LAST_EVENT, DIRTY_COUNT, TOUCHED = range(8)
INJECTED, EJECTED = range(2)
# Flag beside a class of urgency: the node has the block, or was sent it.
HELD = 128


class Job(NamedTuple):
    """What is to be matched.

    Blocks, all for one reader each or all for every participant. `way` as `all_ways` returns it. `urgency`, shape
    (nodes, nodes), is the class of a block that goes to a node: by source and node where everyone reads, by node and
    target else. `minimal` keeps blocks that everyone reads to shortest ways from their source; others always keep to
    them. `block_order` is a row of `rank` or `NONE`: along a way the rank of bundles never falls, of blocks that
    everyone reads. `parents`, shape (blocks, nodes) or (0, 0), is the bundle over which a node must get such a block.
    """

    blocks: Blocks
    way: NDArray[np.int32]
    urgency: NDArray[np.uint8]
    minimal: bool
    block_order: Integers
    rank: Integers
    parents: NDArray[np.int32]


class Tables(NamedTuple):
    """A job as the search reads it.

    Exits of node i are those from ``offsets[i]``: in `exits` their bundle, its destination and its resource. `ends` has
    source, destination, hop, and how long one vector holds it, of each bundle. `blocks` has source, target, row and
    order of each block. Blocks of a row have bits in `passable` for the exits that they may take, and in `urgency`
    their class at each node. `degree` is the largest number of exits.
    """

    everyone: bool
    nodes: int
    degree: int
    offsets: Integers
    exits: NDArray[np.int32]
    ends: NDArray[np.int32]
    blocks: NDArray[np.int32]
    vectors: Integers
    rank: Integers
    passable: NDArray[np.uint64]
    urgency: NDArray[np.uint8]


def tables_of(wires: Wires, job: Job) -> Tables:
    """Return the tables of a job."""
    source, target = job.blocks.source, job.blocks.target
    everyone = len(target) > 0 and int(target[0]) == EVERY
    end = source if everyone else target
    roots, row = (end, np.arange(len(end))) if len(job.parents) else np.unique(end, return_inverse=True)
    way, urgency = (job.way, job.urgency) if everyone else (job.way.T, job.urgency.T)
    passable = np.zeros((len(roots), -(-len(wires.out) // WORD_BITS)), dtype=np.uint64)
    _find_passable(wires, everyone, job.minimal, roots, np.ascontiguousarray(way), job.parents, passable)
    hold = -(-wires.numerator // wires.denominator)
    order = job.block_order if everyone else np.full(len(end), NONE, dtype=np.int64)
    return Tables(
        everyone=everyone,
        nodes=wires.nodes,
        degree=max(1, int(np.diff(wires.out_offsets).max(initial=0))),
        offsets=wires.out_offsets,
        exits=np.stack([wires.out, wires.destination[wires.out], wires.resource[wires.out]], axis=1).astype(np.int32),
        ends=np.stack([wires.source, wires.destination, wires.hop, hold], axis=1).astype(np.int32),
        blocks=np.stack([source, target, row, order], axis=1).astype(np.int32),
        vectors=job.blocks.vectors,
        rank=job.rank,
        passable=passable,
        urgency=np.ascontiguousarray(urgency[roots]),
    )


@kernel
def _find_passable(
    wires: Wires,
    everyone: bool,
    minimal: bool,
    roots: Integers,
    way: NDArray[np.int32],
    parents: NDArray[np.int32],
    passable: NDArray[np.uint64],
) -> None:
    """Set the bits of all exits that the blocks of each row may take; ways lead from its root, or to it."""
    out, source, destination, hop = wires.out, wires.source, wires.destination, wires.hop
    for row in range(len(roots)):
        root = roots[row]
        ways = way[root]
        for index in range(len(out)):
            bundle = out[index]
            node, other = source[bundle], destination[bundle]
            if everyone:
                between = wires.turnaround if node != root else 0
                passes = other < wires.width and (not minimal or ways[node] + between + hop[bundle] == ways[other])
            else:
                between = wires.turnaround if other != root else 0
                passes = ways[other] + between + hop[bundle] == ways[node]
            if passes and (len(parents) == 0 or parents[row, other] == bundle):
                passable[row, index // WORD_BITS] |= np.uint64(1) << np.uint64(index % WORD_BITS)


class State(NamedTuple):
    """Columns of a search.

    `reached` has the class of a block at each node, and `HELD` once that was sent it, in a row for each block that
    everyone reads; of blocks with one reader, in a row for each reader, the class alone: where each is stands in
    `position`, `NONE` on a link. `random` is the state of the generator (0: no chance). `ports` counts what was
    injected and ejected by orbit of nodes and cycle modulo its length, `port_cycle` tells of which cycle.

    `lanes` has for each resource how many lanes are free, its first lane, and whether it is to be served in this cycle,
    as those in `dirty` are; `free` are stacks of free lanes. `aside` is room for what is set aside.

    `head` and `following` are lists of events for each cycle modulo the length of `head`, a power of two. Events below
    the number of slots are slots whose block can go on, then come lanes that are free again, then resources to be
    looked at again. `events` and `batch` have room for those that are dealt with at once, `counts` for all numbers.
    """

    reached: NDArray[np.uint8]
    position: NDArray[np.int32]
    random: NDArray[np.uint64]
    ports: Integers
    port_cycle: Integers
    lanes: NDArray[np.int32]
    free: NDArray[np.int32]
    lane_resource: NDArray[np.int32]
    dirty: NDArray[np.int32]
    aside: Integers
    head: NDArray[np.int32]
    following: NDArray[np.int32]
    events: NDArray[np.int32]
    batch: Integers
    counts: Integers


@kernel
def slowest_lead(wires: Wires, arrived: int, vectors: int) -> int:
    """Return the largest lead of a stream over the bundles by which it may go on."""
    longest = 0
    if vectors > 1:
        node = wires.destination[arrived]
        for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            longest = max(longest, lead_cycles(wires, arrived, wires.out[index], vectors))
    return longest


@kernel
def _push_event(state: State, cycle: int, event: int) -> None:
    """Enter an event into the list of its cycle."""
    place = cycle & (len(state.head) - 1)
    state.counts[LAST_EVENT] = max(state.counts[LAST_EVENT], cycle)
    state.following[event] = state.head[place]
    state.head[place] = event


@kernel
def _is_full(state: State, side: int, orbit: int, cycle: int, most: int) -> bool:
    """Return whether the ports of an orbit of nodes take no more in a cycle."""
    place = cycle & (state.ports.shape[2] - 1)
    if state.port_cycle[side, orbit, place] != cycle:
        state.port_cycle[side, orbit, place], state.ports[side, orbit, place] = cycle, 0
    return bool(state.ports[side, orbit, place] >= most)


@kernel
def _pass_ports(wires: Wires, tables: Tables, state: State, block: int, bundle: int, cycle: int) -> bool:
    """Take room in the ports for a slot that departs now; return whether there is any (R7)."""
    node, other, hop, _ = tables.ends[bundle]
    begins = wires.inject > 0 and node == tables.blocks[block, SOURCE]
    ends = wires.eject > 0 and (tables.everyone or other == tables.blocks[block, TARGET])
    injects, ejects, read = wires.node_orbit[node], wires.node_orbit[other], cycle + hop
    if begins and _is_full(state, INJECTED, injects, cycle, wires.inject):
        return False
    if ends and _is_full(state, EJECTED, ejects, read, wires.eject):
        return False
    mask = state.ports.shape[2] - 1
    if begins:
        state.ports[INJECTED, injects, cycle & mask] += 1
    if ends:
        state.ports[EJECTED, ejects, read & mask] += 1
    return True


@kernel
def serve(
    wires: Wires, tables: Tables, state: State, queues: Queues, slots: Integers, resource: int, cycle: int
) -> None:
    """Send what waits most urgently over the free lanes of a resource."""
    everyone, reached, position, lanes = tables.everyone, state.reached, state.position, state.lanes
    counts, aside, first_lane, set_aside = state.counts, state.aside, state.lanes[resource, FIRST], 0
    has_ports = wires.inject > 0 or wires.eject > 0
    while lanes[resource, FREE] > 0 and queues.waiting[resource] and set_aside < MOST_ASIDE:
        block, bundle, urgency = take(queues, resource)
        node, other, hop, held_for = tables.ends[bundle]
        cell = block * tables.nodes + other
        if reached[cell] & HELD if everyone else position[block] != node:
            continue
        if has_ports and not _pass_ports(wires, tables, state, block, bundle, cycle):
            aside[set_aside, 0], aside[set_aside, 1], aside[set_aside, 2] = block, bundle, urgency
            set_aside += 1
            continue
        lanes[resource, FREE] -= 1
        lane, slot = state.free[first_lane + lanes[resource, FREE]], counts[USED]
        counts[USED] += 1
        slots[0, slot], slots[1, slot], slots[3, slot] = block, bundle, cycle
        if lane > 0:
            slots[2, slot] = lane
        vectors, read = tables.vectors[block], cycle + hop
        last, goes_on = read, read + wires.turnaround
        if vectors > 1:
            numerator, denominator = wires.numerator[bundle], wires.denominator[bundle]
            held_for = -(-vectors * numerator // denominator)
            last -= -(vectors - 1) * numerator // denominator
            goes_on += slowest_lead(wires, bundle, vectors)
        counts[MAKESPAN] = max(counts[MAKESPAN], last)
        _push_event(state, cycle + held_for, slots.shape[1] + first_lane + lane)
        is_last = not everyone and other == tables.blocks[block, TARGET]
        if everyone:
            reached[cell] |= HELD
        else:
            position[block] = -1
        if not is_last:
            _push_event(state, goes_on, slot)
        counts[MISSING] -= everyone or is_last
    for index in range(set_aside - 1, -1, -1):
        wait(queues, resource, aside[index, 2], aside[index, 0], aside[index, 1], True)
    if set_aside and lanes[resource, FREE] > 0:
        _push_event(state, cycle + 1, slots.shape[1] + len(state.free) + resource)

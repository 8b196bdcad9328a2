"""Compiled steps of the search forward in time that send blocks: whatever a lane takes, and what it waits for."""

from __future__ import annotations

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import MOST_ASIDE
from lpxsched.schedule.problem.wires import Wires, lead_cycles
from lpxsched.schedule.routes.matching.queues import Queues, take, wait
from lpxsched.schedule.routes.matching.tables import (
    EJECTED,
    FIRST,
    FREE,
    HELD,
    INJECTED,
    LAST_EVENT,
    MAKESPAN,
    MISSING,
    SOURCE,
    TARGET,
    USED,
    State,
    Tables,
)


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

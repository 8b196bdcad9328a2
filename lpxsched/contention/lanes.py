"""Lanes that are served at run time: which way and lane a packet takes, and what a free lane serves next."""

from __future__ import annotations

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.contention.heap import note
from lpxsched.contention.state import ADAPTIVE, ARRIVES, FIFO, FREED, HASH, KIND, State
from lpxsched.contention.tables import Program, Step
from lpxsched.simulation.draws import uniform
from lpxsched.units import NEVER, NONE


@kernel
def behind_its_own(program: Program, step: Step, hop: int, packet: int) -> int:
    """Return how long a packet waits for those before it of the same send, without any other."""
    wires, bundle = program.wires, program.hops.bundle[hop]
    lanes, lane = 1 if step.routing == HASH else wires.lanes[bundle], wires.lane[bundle]
    each = wires.header[lane] + program.packet * wires.vector[lane] + wires.hold[lane]
    return int(packet // lanes * each)


@kernel
def way_of(program: Program, step: Step, state: State, send: int, time: int) -> int:
    """Return the way of the next packet: the only one, or that whose first lanes are least loaded, all together."""
    calls, hops, wires = program.calls, program.hops, program.wires
    first, last = calls.ways_of.at[send], calls.ways_of.at[send + 1]
    best, least = calls.ways_of.items[first], NEVER
    if last - first > 1:
        for place in range(first, last):
            way, load = calls.ways_of.items[place], 0
            for item in range(calls.watched.at[way], calls.watched.at[way + 1]):
                lane = _least_loaded(state, wires.lane, wires.lanes, hops.bundle[calls.watched.items[item]])
                load += max(0, state.free[lane] - time) + state.waiting[lane, 1] * wires.vector[lane]
            if load < least:
                best, least = way, load
    return int(best)


@kernel
def _least_loaded(state: State, first: Integers, lanes: Integers, bundle: int) -> int:
    """Return the lane of a bundle for which fewest wait, of these the one that is free soonest."""
    best = first[bundle]
    for lane in range(first[bundle] + 1, first[bundle] + lanes[bundle]):
        fewer = state.waiting[lane, 1] < state.waiting[best, 1]
        if fewer or (state.waiting[lane, 1] == state.waiting[best, 1] and state.free[lane] < state.free[best]):
            best = lane
    return int(best)


@kernel
def queue(program: Program, step: Step, state: State, copy: int, time: int) -> None:
    """Let a copy wait for a lane."""
    hop, wires = program.hops.hop_of[copy], program.wires
    bundle = program.hops.bundle[hop]
    if step.routing == HASH:
        lane = wires.lane[bundle] + program.hops.hash[hop] % wires.lanes[bundle]
    elif step.routing == ADAPTIVE:
        lane = _least_loaded(state, wires.lane, wires.lanes, bundle)
    else:
        lane = wires.lane[bundle] + state.turn[bundle] % wires.lanes[bundle]
        state.turn[bundle] += 1
    if step.arbitration == FIFO:
        _serve(program, step, state, copy, lane, time, max(time, state.free[lane]))
    elif state.free[lane] > time or state.waiting[lane, 1] > 0:
        if state.waiting[lane, 1] == 0:
            note(state.events, state.free[lane], lane * KIND + FREED)
        state.follows[copy] = state.waiting[lane, 0]
        state.waiting[lane, 0] = copy
        state.waiting[lane, 1] += 1
        state.waited[copy] -= time
    else:
        _serve(program, step, state, copy, lane, time, time)


@kernel
def _serve(program: Program, step: Step, state: State, copy: int, lane: int, since: int, time: int) -> None:
    """Put a copy on its lane at a time."""
    hop, wires = program.hops.hop_of[copy], program.wires
    before = (copy - program.hops.first[hop]) * program.packet
    vectors = min(program.packet, step.carried[hop] - before)
    through = time + wires.header[lane] + vectors * wires.vector[lane]
    state.free[lane] = through + wires.hold[lane]
    state.carried[lane] += vectors
    state.waited[copy] += time - since
    note(state.events, through + wires.latency[lane], copy * KIND + ARRIVES)


@kernel
def serve_any(program: Program, step: Step, state: State, lane: int, time: int) -> None:
    """Serve any of the copies that wait for a lane, and wait until it is free again."""
    waiting = state.waiting[lane, 1]
    number = int(uniform(step.seed, lane, state.events.counters[1]) * waiting)
    copy, behind = state.waiting[lane, 0], NONE
    for _ in range(number):
        copy, behind = state.follows[copy], copy
    if behind == NONE:
        state.waiting[lane, 0] = state.follows[copy]
    else:
        state.follows[behind] = state.follows[copy]
    state.waiting[lane, 1] = waiting - 1
    _serve(program, step, state, copy, lane, 0, time)
    if waiting > 1:
        note(state.events, state.free[lane], lane * KIND + FREED)

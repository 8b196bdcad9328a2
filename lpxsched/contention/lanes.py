"""Lanes of a machine that decides at run time: which one a packet takes, how long it waits, who is served next."""

from __future__ import annotations

from lpxsched.compiled.kernels import kernel
from lpxsched.contention.events import note
from lpxsched.contention.state import ADAPTIVE, ARRIVES, FIFO, FREED, HASH, KIND, NOTED, State
from lpxsched.contention.tables import RunTables, Step
from lpxsched.simulation.draws import uniform
from lpxsched.units import NEVER, NONE


@kernel
def queue(program: RunTables, step: Step, state: State, copy: int, time: int) -> None:
    """Let a copy wait for a lane."""
    hop = program.hop_of[copy]
    bundle = program.hop_bundle[hop]
    if step.routing == HASH:
        lane = program.bundle_first[bundle] + program.hop_hash[hop] % program.bundle_lanes[bundle]
    elif step.routing == ADAPTIVE:
        lane = _least_loaded(program, state, bundle)
    else:
        lane = program.bundle_first[bundle] + state.turn[bundle] % program.bundle_lanes[bundle]
        state.turn[bundle] += 1
    if step.arbitration == FIFO:
        _serve(program, step, state, copy, lane, time, max(time, state.free[lane]))
    elif state.free[lane] > time or state.waiting[lane, 1] > 0:
        if state.waiting[lane, 1] == 0:
            note(state, state.free[lane], lane * KIND + FREED)
        state.follows[copy] = state.waiting[lane, 0]
        state.waiting[lane, 0] = copy
        state.waiting[lane, 1] += 1
        state.waited[copy] -= time
    else:
        _serve(program, step, state, copy, lane, time, time)


@kernel
def _serve(program: RunTables, step: Step, state: State, copy: int, lane: int, since: int, time: int) -> None:
    """Put a copy on its lane at a time."""
    hop = program.hop_of[copy]
    before = (copy - program.hop_first[hop]) * program.packet
    vectors = min(program.packet, step.carried[hop] - before)
    through = time + program.lane_header[lane] + vectors * program.lane_vector[lane]
    state.free[lane] = through + program.lane_hold[lane]
    state.carried[lane] += vectors
    state.waited[copy] += time - since
    note(state, through + program.lane_latency[lane], copy * KIND + ARRIVES)


@kernel
def serve_any(program: RunTables, step: Step, state: State, lane: int, time: int) -> None:
    """Serve any of the copies that wait for a lane, and wait until it is free again."""
    waiting = state.waiting[lane, 1]
    number = int(uniform(step.seed, lane, state.counters[NOTED]) * waiting)
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
        note(state, state.free[lane], lane * KIND + FREED)


@kernel
def way_of(program: RunTables, step: Step, state: State, send: int, time: int) -> int:
    """Return the way of the next packet: the only one, or that whose first lanes are least loaded, all together."""
    first, last = program.send_ways_at[send], program.send_ways_at[send + 1]
    best, least = program.send_ways[first], NEVER
    if last - first > 1:
        for place in range(first, last):
            way, load = program.send_ways[place], 0
            for item in range(program.way_watched_at[way], program.way_watched_at[way + 1]):
                lane = _least_loaded(program, state, program.hop_bundle[program.way_watched[item]])
                load += max(0, state.free[lane] - time) + state.waiting[lane, 1] * program.lane_vector[lane]
            if load < least:
                best, least = way, load
    return int(best)


@kernel
def _least_loaded(program: RunTables, state: State, bundle: int) -> int:
    """Return the lane of a bundle for which fewest wait, of these the one that is free soonest."""
    first = program.bundle_first[bundle]
    best = first
    for lane in range(first + 1, first + program.bundle_lanes[bundle]):
        fewer = state.waiting[lane, 1] < state.waiting[best, 1]
        if fewer or (state.waiting[lane, 1] == state.waiting[best, 1] and state.free[lane] < state.free[best]):
            best = lane
    return int(best)


@kernel
def behind_its_own(program: RunTables, step: Step, hop: int, packet: int) -> int:
    """Return how long a packet waits for those before it of the same send, without any other."""
    bundle = program.hop_bundle[hop]
    lanes, lane = 1 if step.routing == HASH else program.bundle_lanes[bundle], program.bundle_first[bundle]
    each = program.lane_header[lane] + program.packet * program.lane_vector[lane] + program.lane_hold[lane]
    return int(packet // lanes * each)

"""The machine that decides at run time, event by event: compiled, and nothing is judged here.

Data leaves when it is ready. A packet waits for its lane, holds it for its time on the wire, is complete at the far end
a latency later, and may go on after the turnaround there; what waits, waits without limit and without loss. One
operator at a time runs on a unit, in the order in which they became ready.

Each task and call keeps a *record* of the time that led to it: how much of it was start-up, barrier and queueing, when
the last call on that way was entered, and what of the queueing came after it. What becomes ready takes the record of
what came last. Where that came from another chip that entered the same call later than the own chip did, the own
record is taken instead, and the difference of the two entries is barrier: waiting for others. Either way the record and
the time on wires and units add up to the time itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.contention.heap import Events, no_events, note, take_first
from lpxsched.contention.tables import Program, Step
from lpxsched.simulation.draws import uniform
from lpxsched.units import NEVER, NONE

DONE, LEAVES, ENTERS, ARRIVES, RELAYS, FREED = range(6)
KIND = 8
RECORD = 5
START_UP, BARRIER, QUEUE, ENTRY, SINCE = range(RECORD)
MINIMAL, HASH, ADAPTIVE = range(3)
FIFO, RANDOM = range(2)


class State(NamedTuple):
    """A run under way.

    Attributes
    ----------
    task : ndarray of int64, shape (tasks, 5)
        Record of each task.
    call : ndarray of int64, shape (calls, 5)
    ended : ndarray of int64, shape (tasks,)
        When each task was done; -1 before.
    entered : ndarray of int64, shape (calls,)
        `NEVER` before.
    waited : ndarray of int64, shape (copies,)
        For how long the packet of each copy waited for lanes since it was sent, beyond what it waits for those before
        it of the same send.
    follows : ndarray of int64, shape (copies,)
        The next copy that waits for the same lane.
    free : ndarray of int64, shape (lanes,)
        When each lane is free.
    waiting : ndarray of int64, shape (lanes, 2)
        The last copy that waits for it, and how many wait.
    carried : ndarray of int64, shape (lanes,)
        Vectors that it carried.
    turn : ndarray of int64, shape (bundles,)
    unit : ndarray of int64, shape (units,)
        When each unit is free.
    """

    events: Events
    task: Integers
    call: Integers
    ended: Integers
    entered: Integers
    waited: Integers
    follows: Integers
    free: Integers
    waiting: Integers
    carried: Integers
    turn: Integers
    unit: Integers


def fresh_state(program: Program) -> State:
    """Return the state before a run."""
    tasks, calls, copies = len(program.groups.group_of), len(program.calls.sends.at) - 1, len(program.hops.hop_of)
    lanes, units = len(program.wires.vector), int(program.groups.unit.max(initial=NONE)) + 1

    def zeros(*shape: int) -> Integers:
        return np.zeros(shape, dtype=np.int64)

    return State(
        no_events(tasks + calls + copies + lanes),
        zeros(tasks, RECORD),
        zeros(calls, RECORD),
        np.full(tasks, NONE, dtype=np.int64),
        np.full(calls, NEVER, dtype=np.int64),
        zeros(copies),
        zeros(copies),
        zeros(lanes),
        zeros(lanes, 2),
        zeros(lanes),
        zeros(len(program.wires.lane)),
        zeros(units),
    )


@kernel
def run(program: Program, step: Step, state: State) -> int:
    """Run a segment from its time zero on; return how many tasks were never done."""
    for task in range(len(step.missing)):
        if step.missing[task] == 0:
            _begin(program, step, state, task, 0)
    left = len(step.missing)
    while state.events.counters[0] > 0:
        time, what = take_first(state.events)
        kind, number = what % KIND, what // KIND
        if kind == ARRIVES:
            _arrive(program, step, state, number, time)
        elif kind == RELAYS:
            _relay(program, step, state, number, time)
        elif kind == DONE:
            left -= 1
            _end(program, step, state, number, time)
        elif kind == LEAVES:
            _leave(program, step, state, number, time)
        elif kind == ENTERS:
            _enter(program, step, state, number, time)
        else:
            _serve_any(program, step, state, number, time)
    return left


@kernel
def _begin(program: Program, step: Step, state: State, task: int, time: int) -> None:
    """Run a task that has all it needs, once its unit is free."""
    group = program.groups.group_of[task]
    unit, start = program.groups.unit[group], time
    if unit >= 0:
        start = max(time, state.unit[unit])
        state.unit[unit] = start + step.duration[group]
        state.task[task, QUEUE] += start - time
        state.task[task, SINCE] += start - time
    note(state.events, start + step.duration[group], task * KIND + DONE)


@kernel
def _end(program: Program, step: Step, state: State, task: int, time: int) -> None:
    """Give on what a task leaves."""
    groups = program.groups
    group = groups.group_of[task]
    state.ended[task] = time
    for place in range(groups.readers.at[group], groups.readers.at[group + 1]):
        reader = groups.first[groups.readers.items[place]]
        step.missing[reader] -= 1
        if step.missing[reader] == 0:
            _take_over(state.task, reader, state.task, task)
            _begin(program, step, state, reader, time)
    for place in range(groups.calls.at[group], groups.calls.at[group + 1]):
        call = groups.calls.items[place]
        note(state.events, time + step.start_up[call], call * KIND + ENTERS)
        _take_over(state.call, call, state.task, task)
    if groups.hops.at[group] < groups.hops.at[group + 1]:
        note(state.events, time + groups.turnaround[group], task * KIND + LEAVES)


@kernel
def _leave(program: Program, step: Step, state: State, task: int, time: int) -> None:
    """Put a sum on its hops."""
    groups = program.groups
    group = groups.group_of[task]
    packet = task - groups.first[group]
    for place in range(groups.hops.at[group], groups.hops.at[group + 1]):
        copy = program.hops.first[groups.hops.items[place]] + packet
        state.waited[copy] = 0
        _queue(program, step, state, copy, time)


@kernel
def _enter(program: Program, step: Step, state: State, call: int, time: int) -> None:
    """Enter a call: its summands are there, and its sends leave."""
    calls, groups = program.calls, program.groups
    state.entered[call] = time
    record = state.call[call]
    record[START_UP] += step.start_up[call]
    record[ENTRY], record[SINCE] = time, 0
    for place in range(calls.summands.at[call], calls.summands.at[call + 1]):
        group = calls.summands.items[place]
        for task in range(groups.first[group], groups.first[group + 1]):
            step.missing[task] -= 1
            if step.missing[task] == 0:
                _take_over(state.task, task, state.call, call)
                _begin(program, step, state, task, time)
    for place in range(calls.sends.at[call], calls.sends.at[call + 1]):
        send = calls.sends.items[place]
        for packet in range(-(-step.sent[send] // program.packet)):
            way = _way_of(program, step, state, send, time)
            for item in range(calls.ways.at[way], calls.ways.at[way + 1]):
                hop = calls.ways.items[item]
                copy = program.hops.first[hop] + packet
                state.waited[copy] = -_behind_its_own(program, step, hop, packet)
                _queue(program, step, state, copy, time)


@kernel
def _behind_its_own(program: Program, step: Step, hop: int, packet: int) -> int:
    """Return how long a packet waits for those before it of the same send, without any other."""
    wires, bundle = program.wires, program.hops.bundle[hop]
    lanes, lane = 1 if step.routing == HASH else wires.lanes[bundle], wires.lane[bundle]
    each = wires.header[lane] + program.packet * wires.vector[lane] + wires.hold[lane]
    return int(packet // lanes * each)


@kernel
def _way_of(program: Program, step: Step, state: State, send: int, time: int) -> int:
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
def _queue(program: Program, step: Step, state: State, copy: int, time: int) -> None:
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
def _serve_any(program: Program, step: Step, state: State, lane: int, time: int) -> None:
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


@kernel
def _arrive(program: Program, step: Step, state: State, copy: int, time: int) -> None:
    """Give a packet to who reads it here, and pass it on."""
    hops, groups = program.hops, program.groups
    hop = hops.hop_of[copy]
    packet = copy - hops.first[hop]
    for place in range(hops.readers.at[hop], hops.readers.at[hop + 1]):
        group = hops.readers.items[place]
        task = groups.first[group] + packet * groups.sums[group]
        step.missing[task] -= 1
        if step.missing[task] == 0:
            _record(program, state, task, copy)
            _begin(program, step, state, task, time)
    if hops.onward.at[hop] < hops.onward.at[hop + 1]:
        note(state.events, time + hops.turnaround[hop], copy * KIND + RELAYS)


@kernel
def _relay(program: Program, step: Step, state: State, copy: int, time: int) -> None:
    """Send a packet on."""
    hops = program.hops
    hop = hops.hop_of[copy]
    packet = copy - hops.first[hop]
    for place in range(hops.onward.at[hop], hops.onward.at[hop + 1]):
        following = hops.first[hops.onward.items[place]] + packet
        state.waited[following] = state.waited[copy]
        _queue(program, step, state, following, time)


@kernel
def _record(program: Program, state: State, task: int, copy: int) -> None:
    """Give a task the record of the packet that came last, or that of its own chip, which waited for it."""
    hops = program.hops
    hop = hops.hop_of[copy]
    record = state.task[task]
    if hops.call[hop] >= 0:
        _take_over(state.task, task, state.call, hops.call[hop])
    else:
        _take_over(state.task, task, state.task, program.groups.first[hops.group[hop]] + copy - hops.first[hop])
    # Any of a lane's packets may be served before those of its own send.
    since = record[SINCE] + max(0, state.waited[copy])
    own = hops.own[hop]
    if own >= 0 and state.entered[own] < record[ENTRY]:
        barrier = record[ENTRY] - state.entered[own]
        _take_over(state.task, task, state.call, own)
        record[BARRIER] += barrier
    record[QUEUE] += since - record[SINCE]
    record[SINCE] = since


@kernel
def _take_over(into: Integers, row: int, source: Integers, of: int) -> None:
    """Copy a record."""
    for column in range(RECORD):
        into[row, column] = source[of, column]

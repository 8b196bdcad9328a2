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

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.contention.heap import note, take_first
from lpxsched.contention.lanes import behind_its_own, queue, serve_any, way_of
from lpxsched.contention.state import (
    ARRIVES,
    BARRIER,
    DONE,
    ENTERS,
    ENTRY,
    KIND,
    LEAVES,
    QUEUE,
    RECORD,
    RELAYS,
    SINCE,
    START_UP,
    State,
)
from lpxsched.contention.tables import Program, Step


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
            serve_any(program, step, state, number, time)
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
        queue(program, step, state, copy, time)


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
            way = way_of(program, step, state, send, time)
            for item in range(calls.ways.at[way], calls.ways.at[way + 1]):
                hop = calls.ways.items[item]
                copy = program.hops.first[hop] + packet
                state.waited[copy] = -behind_its_own(program, step, hop, packet)
                queue(program, step, state, copy, time)


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
        queue(program, step, state, following, time)


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

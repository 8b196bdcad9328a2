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
from lpxsched.contention.events import is_over, note, take_first
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
from lpxsched.contention.tables import RunTables, Step
from lpxsched.units import NONE


@kernel
def run(program: RunTables, step: Step, state: State) -> int:
    """Run a segment from its time zero on; return how many tasks were never done."""
    for task in range(len(step.missing)):
        if step.missing[task] == 0:
            _begin(program, step, state, task, 0)
    run_to_gate(program, step, state, 0)
    left = 0
    for task in range(len(state.ended)):
        left += int(state.ended[task] < 0)
    return left


@kernel
def run_to_gate(program: RunTables, step: Step, state: State, gates: int) -> int:
    """Run until one of the first so many tasks is done, and return it before it gives on anything; -1 at the end."""
    while not is_over(state):
        time, what = take_first(state)
        kind, number = what % KIND, what // KIND
        if kind == ARRIVES:
            _arrive(program, step, state, number, time)
        elif kind == RELAYS:
            _relay(program, step, state, number, time)
        elif kind == DONE:
            state.ended[number] = time
            if number < gates:
                return int(number)
            give_on(program, step, state, number, time)
        elif kind == LEAVES:
            _leave(program, step, state, number, time)
        elif kind == ENTERS:
            _enter(program, step, state, number, time)
        else:
            serve_any(program, step, state, number, time)
    return NONE


@kernel
def _begin(program: RunTables, step: Step, state: State, task: int, time: int) -> None:
    """Run a task that has all it needs, once its unit is free."""
    group = program.group_of[task]
    unit, start = program.group_unit[group], time
    if unit >= 0:
        start = max(time, state.unit[unit])
        state.unit[unit] = start + step.duration[group]
        state.task[task, QUEUE] += start - time
        state.task[task, SINCE] += start - time
    note(state, start + step.duration[group], task * KIND + DONE)


@kernel
def give_on(program: RunTables, step: Step, state: State, task: int, time: int) -> None:
    """Give on what a task leaves that is done."""
    group = program.group_of[task]
    for place in range(program.group_readers_at[group], program.group_readers_at[group + 1]):
        reader = program.group_first[program.group_readers[place]]
        step.missing[reader] -= 1
        if step.missing[reader] == 0:
            _take_over(state.task, reader, state.task, task)
            _begin(program, step, state, reader, time)
    for place in range(program.group_calls_at[group], program.group_calls_at[group + 1]):
        call = program.group_calls[place]
        note(state, time + step.start_up[call], call * KIND + ENTERS)
        _take_over(state.call, call, state.task, task)
    if program.group_hops_at[group] < program.group_hops_at[group + 1]:
        note(state, time + program.group_turnaround[group], task * KIND + LEAVES)


@kernel
def _leave(program: RunTables, step: Step, state: State, task: int, time: int) -> None:
    """Put a sum on its hops."""
    group = program.group_of[task]
    packet = task - program.group_first[group]
    for place in range(program.group_hops_at[group], program.group_hops_at[group + 1]):
        copy = program.hop_first[program.group_hops[place]] + packet
        state.waited[copy] = 0
        queue(program, step, state, copy, time)


@kernel
def _enter(program: RunTables, step: Step, state: State, call: int, time: int) -> None:
    """Enter a call: its summands are there, and its sends leave."""
    state.entered[call] = time
    record = state.call[call]
    record[START_UP] += step.start_up[call]
    record[ENTRY], record[SINCE] = time, 0
    for place in range(program.call_summands_at[call], program.call_summands_at[call + 1]):
        group = program.call_summands[place]
        for task in range(program.group_first[group], program.group_first[group + 1]):
            step.missing[task] -= 1
            if step.missing[task] == 0:
                _take_over(state.task, task, state.call, call)
                _begin(program, step, state, task, time)
    for place in range(program.call_sends_at[call], program.call_sends_at[call + 1]):
        send = program.call_sends[place]
        for packet in range(-(-step.sent[send] // program.packet)):
            way = way_of(program, step, state, send, time)
            for item in range(program.way_hops_at[way], program.way_hops_at[way + 1]):
                hop = program.way_hops[item]
                copy = program.hop_first[hop] + packet
                state.waited[copy] = -behind_its_own(program, step, hop, packet)
                queue(program, step, state, copy, time)


@kernel
def _arrive(program: RunTables, step: Step, state: State, copy: int, time: int) -> None:
    """Give a packet to who reads it here, and pass it on."""
    hop = program.hop_of[copy]
    packet = copy - program.hop_first[hop]
    for place in range(program.hop_readers_at[hop], program.hop_readers_at[hop + 1]):
        group = program.hop_readers[place]
        task = program.group_first[group] + packet * program.group_sums[group]
        step.missing[task] -= 1
        if step.missing[task] == 0:
            _record(program, state, task, copy)
            _begin(program, step, state, task, time)
    if program.hop_onward_at[hop] < program.hop_onward_at[hop + 1]:
        note(state, time + program.hop_turnaround[hop], copy * KIND + RELAYS)


@kernel
def _relay(program: RunTables, step: Step, state: State, copy: int, time: int) -> None:
    """Send a packet on."""
    hop = program.hop_of[copy]
    packet = copy - program.hop_first[hop]
    for place in range(program.hop_onward_at[hop], program.hop_onward_at[hop + 1]):
        following = program.hop_first[program.hop_onward[place]] + packet
        state.waited[following] = state.waited[copy]
        queue(program, step, state, following, time)


@kernel
def _record(program: RunTables, state: State, task: int, copy: int) -> None:
    """Give a task the record of the packet that came last, or that of its own chip, which waited for it."""
    hop = program.hop_of[copy]
    record = state.task[task]
    if program.hop_call[hop] >= 0:
        _take_over(state.task, task, state.call, program.hop_call[hop])
    else:
        _take_over(
            state.task, task, state.task, program.group_first[program.hop_group[hop]] + copy - program.hop_first[hop]
        )
    # Any of a lane's packets may be served before those of its own send.
    since = record[SINCE] + max(0, state.waited[copy])
    own = program.hop_own[hop]
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

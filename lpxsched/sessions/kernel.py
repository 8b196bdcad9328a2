"""Requests that wait for each other, for a tool, for prefill and for a place in a micro-batch.

Each micro-batch takes step after step while it has users. At the beginning of a step those whose prefill is done take
free places, whoever was done first; a micro-batch without users begins as soon as one is. A step takes as long as that
of its longest context; a user leaves at the end of his last one. Times are in ps.
"""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.units import NEVER, NONE


class Requests(NamedTuple):
    """What requests are; those after request r are `following[first[r] : first[r + 1]]`."""

    first: Integers
    following: Integers
    tool_ps: Integers
    prefill_ps: Integers
    context: Integers
    steps: Integers


class Levels(NamedTuple):
    """Steps by context, the smallest first: of each as many times as may be picked, and what of them is assumed.

    Step `k` since the beginning takes the time `picks[k % len(picks)]`. A user sees `tokens` x done // `parts` rows
    more after so many steps. Each row beyond the largest context adds `further_ps`, which are assumed.
    """

    context: Integers
    step_ps: Integers
    assumed_ps: Integers
    picks: Integers
    tokens: int
    parts: int
    further_ps: int


class Log(NamedTuple):
    """What happens: columns of requests, then the state of micro-batches.

    `open_ps` is when all requests before have ended, `beyond` counts steps beyond the largest context. `left` begins as
    the number of requests before, `users` with `NONE` for a free place, `busy` counts the others, `state` begins with
    [0, 0]: how many of `waiting` wait or will, and steps.
    """

    open_ps: Integers
    placed_ps: Integers
    end_ps: Integers
    assumed_ps: Integers
    beyond: Integers
    done: Integers
    left: Integers
    waiting: Integers
    users: Integers
    busy: Integers
    free_ps: Integers
    state: Integers


WAITING, STEPS = 0, 1


@kernel
def run(requests: Requests, levels: Levels, log: Log) -> int:
    """Let all requests run; return how many have ended."""
    ended = 0
    for request in range(len(requests.steps)):
        if log.left[request] == 0:
            log.waiting[log.state[WAITING]] = request
            log.state[WAITING] += 1
    while True:
        batch, start = _next(requests, log)
        if start == NEVER:
            return ended
        _admit(requests, log, batch, start)
        ended += _step(requests, levels, log, batch, start)


@kernel
def _ready(requests: Requests, log: Log, request: int) -> int:
    ready: int = log.open_ps[request] + requests.tool_ps[request] + requests.prefill_ps[request]
    return ready


@kernel
def _next(requests: Requests, log: Log) -> tuple[int, int]:
    """Return the micro-batch that begins a step next, and when."""
    earliest = NEVER
    for index in range(log.state[WAITING]):
        earliest = min(earliest, _ready(requests, log, log.waiting[index]))
    chosen, start = 0, NEVER
    for batch in range(len(log.free_ps)):
        begins = log.free_ps[batch] if log.busy[batch] else max(log.free_ps[batch], earliest)
        if begins < start:
            chosen, start = batch, begins
    return chosen, start


@kernel
def _admit(requests: Requests, log: Log, batch: int, start: int) -> int:
    """Give free places to those who are ready, whoever was first; return how many."""
    given = 0
    for place in range(log.users.shape[1]):
        if log.state[WAITING] == 0 or log.busy[batch] == log.users.shape[1]:
            break
        if log.users[batch, place] != NONE:
            continue
        best, since = NONE, start + 1
        for index in range(log.state[WAITING]):
            ready = _ready(requests, log, log.waiting[index])
            if ready < since or (ready == since and best != NONE and log.waiting[index] < log.waiting[best]):
                best, since = index, ready
        if best == NONE:
            break
        request = log.waiting[best]
        log.state[WAITING] -= 1
        log.waiting[best] = log.waiting[log.state[WAITING]]
        log.users[batch, place] = request
        log.busy[batch] += 1
        log.placed_ps[request] = start
        given += 1
    return given


@kernel
def _step(requests: Requests, levels: Levels, log: Log, batch: int, start: int) -> int:
    """Let the users of a micro-batch take one step; return for how many it was the last."""
    context = 0
    for place in range(log.users.shape[1]):
        user = log.users[batch, place]
        if user != NONE:
            seen = requests.context[user] + log.done[user] * levels.tokens // levels.parts + 1
            context = max(context, seen)
    level, last = 0, len(levels.context) - 1
    while level < last and levels.context[level] < context:
        level += 1
    further = max(0, context - levels.context[last]) * levels.further_ps
    pick = levels.picks[log.state[STEPS] % len(levels.picks)]
    log.state[STEPS] += 1
    log.free_ps[batch] = start + levels.step_ps[level, pick] + further
    left = 0
    for place in range(log.users.shape[1]):
        user = log.users[batch, place]
        if user == NONE:
            continue
        log.done[user] += 1
        log.assumed_ps[user] += levels.assumed_ps[level] + further
        log.beyond[user] += context > levels.context[last]
        if log.done[user] == requests.steps[user]:
            log.users[batch, place] = NONE
            log.busy[batch] -= 1
            _end(requests, log, user, log.free_ps[batch])
            left += 1
    return left


@kernel
def _end(requests: Requests, log: Log, user: int, end_ps: int) -> int:
    """End a request, and let those wait that waited for it alone; return how many."""
    log.end_ps[user] = end_ps
    begun = 0
    for index in range(requests.first[user], requests.first[user + 1]):
        follower = requests.following[index]
        log.open_ps[follower] = max(log.open_ps[follower], end_ps)
        log.left[follower] -= 1
        if log.left[follower] == 0:
            log.waiting[log.state[WAITING]] = follower
            log.state[WAITING] += 1
            begun += 1
    return begun

"""What happens next: events by time, those of one time in the order in which they were noted.

Most events lie in buckets of time, unsorted; those of the bucket that is open are in a heap, which so stays small. What
is too far away for a bucket of its own waits in the last one, and again when that is opened.
"""

from __future__ import annotations

from lpxsched.compiled.kernels import kernel
from lpxsched.contention.state import BUCKET_BITS, BUCKETS, FREE, IN_BUCKETS, IN_HEAP, NOTED, OPEN, State
from lpxsched.units import NONE


@kernel
def is_over(state: State) -> bool:
    """Return whether nothing happens any more."""
    return bool(state.counters[IN_HEAP] == 0 and state.counters[IN_BUCKETS] == 0)


@kernel
def note(state: State, time: int, what: int) -> None:
    """Note what happens at a time, which is not before what was taken last."""
    number = state.counters[NOTED]
    state.counters[NOTED] = number + 1
    _put(state, time, number, what)


@kernel
def take_first(state: State) -> tuple[int, int]:
    """Take what happens next: its time, and what it is."""
    while state.counters[IN_HEAP] == 0:
        _open_next(state)
    heap = state.heap
    first, what = heap[0, 0], heap[0, 2]
    size = state.counters[IN_HEAP] - 1
    state.counters[IN_HEAP] = size
    time, number, last = heap[size, 0], heap[size, 1], heap[size, 2]
    place = 0
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and not _is_before(heap[below, 0], heap[below, 1], heap[below + 1, 0], heap[below + 1, 1]):
            below += 1
        if _is_before(time, number, heap[below, 0], heap[below, 1]):
            break
        heap[place, 0], heap[place, 1], heap[place, 2] = heap[below, 0], heap[below, 1], heap[below, 2]
        place = below
    heap[place, 0], heap[place, 1], heap[place, 2] = time, number, last
    return first, what


@kernel
def _is_before(time: int, number: int, other_time: int, other_number: int) -> bool:
    return bool(time < other_time or (time == other_time and number < other_number))


@kernel
def _put(state: State, time: int, number: int, what: int) -> None:
    """Put an event into the heap, or into its bucket."""
    counters, places = state.counters, state.place
    ahead = min((time >> BUCKET_BITS) - counters[OPEN], BUCKETS - 1)
    if ahead <= 0:
        _push(state, time, number, what)
        return
    bucket = (counters[OPEN] + ahead) % BUCKETS
    place = counters[FREE]
    counters[FREE] = places[place, 3]
    places[place, 0], places[place, 1], places[place, 2] = time, number, what
    places[place, 3] = state.bucket[bucket]
    state.bucket[bucket] = place
    counters[IN_BUCKETS] += 1


@kernel
def _open_next(state: State) -> None:
    """Open the next bucket."""
    counters, places = state.counters, state.place
    counters[OPEN] += 1
    bucket = counters[OPEN] % BUCKETS
    place = state.bucket[bucket]
    state.bucket[bucket] = NONE
    while place >= 0:
        following = places[place, 3]
        time, number, what = places[place, 0], places[place, 1], places[place, 2]
        places[place, 3] = counters[FREE]
        counters[FREE] = place
        counters[IN_BUCKETS] -= 1
        _put(state, time, number, what)
        place = following


@kernel
def _push(state: State, time: int, number: int, what: int) -> None:
    heap, place = state.heap, state.counters[IN_HEAP]
    state.counters[IN_HEAP] = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if _is_before(heap[above, 0], heap[above, 1], time, number):
            break
        heap[place, 0], heap[place, 1], heap[place, 2] = heap[above, 0], heap[above, 1], heap[above, 2]
        place = above
    heap[place, 0], heap[place, 1], heap[place, 2] = time, number, what

"""Search forward in time: whenever a lane is free it takes the most urgent block that waits for it.

Steps read for a whole batch before they act on it: then no read waits for the one before.
``tests/schedule/plain_transfers.py`` has the plain twin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import AHEAD, BATCH, MOST_ASIDE
from lpxsched.schedule.problem.wires import Wires
from lpxsched.schedule.routes.matching.queues import (
    BUNDLE_BITS,
    BUNDLE_MASK,
    CLASSES,
    Queues,
    empty_queues,
    grown,
    has_room,
    lowest_bit,
    second_entry,
    wait,
)
from lpxsched.schedule.routes.matching.tables import (
    BEGUN,
    BLOCK,
    BUNDLE,
    CELL,
    CYCLE,
    DIRTY,
    DIRTY_COUNT,
    FIRST,
    FREE,
    HELD,
    LAST_EVENT,
    MAKESPAN,
    MISSING,
    ORDER,
    RESOURCE,
    ROW,
    SOURCE,
    TOUCHED,
    URGENCY,
    USED,
    Job,
    State,
    Tables,
    serve,
    tables_of,
)
from lpxsched.units import NEVER, NONE

SEED_FACTOR, SEED_OFFSET = 2654435761, 88172645463325252
# How a run ends.
DONE, GIVEN_UP, NO_ROOM = range(3)


@kernel
def _mark(state: State, resource: int) -> None:
    """Note that a resource is to be served in this cycle."""
    if not state.lanes[resource, DIRTY]:
        state.lanes[resource, DIRTY] = 1
        state.dirty[state.counts[DIRTY_COUNT]] = resource
        state.counts[DIRTY_COUNT] += 1


@kernel
def _tossed(random: NDArray[np.uint64]) -> bool:
    """Return a random bit (xorshift, Marsaglia 2003); always False for a state of 0."""
    state = random[0]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    random[0] = state
    return bool(state & np.uint64(1))


@kernel
def _find_exits(tables: Tables, state: State, rows: int, block: int, node: int, arrived: int) -> int:
    """Add the exits by which a block may go on from a node to a batch of so many rows; return how many it has then."""
    passable, exits, rank, batch = tables.passable, tables.exits, tables.rank, state.batch
    row = tables.blocks[block, ROW]
    order = tables.blocks[block, ORDER] if arrived >= 0 else NONE
    first_cell = (block if tables.everyone else row) * tables.nodes
    if not tables.everyone:
        state.position[block] = node
    index, end = tables.offsets[node], tables.offsets[node + 1]
    while index < end:
        width = min(64 - (index & 63), end - index)
        word = passable[row, index >> 6] >> np.uint64(index & 63)
        while word:
            step = lowest_bit(word)
            if step >= width:
                break
            word &= word - np.uint64(1)
            bundle, other, resource = exits[index + step]
            if order < 0 or rank[order, bundle] >= rank[order, arrived]:
                batch[rows, BLOCK], batch[rows, BUNDLE], batch[rows, RESOURCE] = block, bundle, resource
                batch[rows, CELL] = first_cell + other
                rows += 1
        index += width
    return rows


@kernel
def _queue_up(state: State, queues: Queues, rows: int) -> None:
    """Let the blocks of a batch wait where they are not held yet; rows without a block are resources to be served."""
    batch, reached, touched = state.batch, state.reached, 0
    for row in range(rows):
        batch[row, URGENCY] = reached[batch[row, CELL]] if batch[row, BLOCK] >= 0 else HELD
    for row in range(rows):
        if not batch[row, URGENCY] & HELD:
            batch[row, CELL] = queues.ends[batch[row, RESOURCE] * CLASSES + batch[row, URGENCY], 1]
    for row in range(rows):
        if not batch[row, URGENCY] & HELD:
            touched ^= queues.cells[batch[row, CELL]]
    state.counts[TOUCHED] = touched
    for row in range(rows):
        block, resource, urgency = batch[row, BLOCK], batch[row, RESOURCE], batch[row, URGENCY]
        if not urgency & HELD:
            wait(queues, resource, urgency, block, batch[row, BUNDLE], _tossed(state.random))
            _mark(state, resource)
        elif block < 0:
            _mark(state, resource)


@kernel
def _pop_events(tables: Tables, state: State, slots: Integers, place: int) -> int:
    """Take events of a cycle off their list, as many as fit a batch, and return how many."""
    events, head, touched, count = state.events, state.head, np.uint64(0), 0
    while head[place] >= 0 and count < len(events):
        event = int(head[place])
        head[place] = state.following[event]
        events[count] = event
        count += 1
    for number in range(count):
        event = events[number]
        if event < slots.shape[1]:
            node = tables.ends[slots[1, event], 1]
            touched ^= tables.passable[tables.blocks[slots[0, event], ROW], tables.offsets[node] >> 6]
    state.counts[TOUCHED] = np.int64(touched)
    return count


@kernel
def _happen(tables: Tables, state: State, slots: Integers, events: int) -> int:
    """Let events happen: blocks come to nodes, lanes are free again; return how many rows the batch has then."""
    batch, rows = state.batch, 0
    for number in range(events):
        event = int(state.events[number])
        lane = event - slots.shape[1]
        if lane < 0:
            arrived = slots[1, event]
            rows = _find_exits(tables, state, rows, slots[0, event], int(tables.ends[arrived, 1]), arrived)
            continue
        resource = lane - len(state.free)
        if resource < 0:
            resource = int(state.lane_resource[lane])
            first_lane = state.lanes[resource, FIRST]
            state.free[first_lane + state.lanes[resource, FREE]] = lane - first_lane
            state.lanes[resource, FREE] += 1
        batch[rows, BLOCK], batch[rows, RESOURCE] = NONE, resource
        rows += 1
    return rows


@kernel
def _read_ahead(tables: Tables, state: State, queues: Queues, first: int, last: int) -> None:
    """Read what some of the resources will read that are to be served next: of each the first two blocks."""
    batch, touched, rows = state.batch, 0, 0
    for number in range(first, last):
        resource = int(state.dirty[number])
        if queues.waiting[resource] and state.lanes[resource, FREE] > 0:
            place = resource * CLASSES + lowest_bit(queues.waiting[resource])
            batch[rows, BLOCK], batch[rows, BUNDLE] = queues.ends[place, 0], queues.ends[place, 1]
            rows += 1
    for row in range(rows):
        begin, end = batch[row, BLOCK], batch[row, BUNDLE]
        batch[row, BLOCK], batch[row, BUNDLE] = queues.cells[begin], queues.cells[second_entry(begin, end)]
    for row in range(rows):
        for column in range(2):
            block, bundle = batch[row, column] >> BUNDLE_BITS, batch[row, column] & BUNDLE_MASK
            if tables.everyone:
                touched ^= state.reached[block * tables.nodes + tables.ends[bundle, 1]]
            else:
                touched ^= state.position[block]
    state.counts[TOUCHED] = touched


@kernel
def run(wires: Wires, tables: Tables, state: State, queues: Queues, slots: Integers, limit: int) -> int:
    """Go forward until everything is delivered, nothing more can happen, or queues must grow."""
    counts, head, most = state.counts, state.head, len(state.batch)
    while counts[BEGUN] < len(tables.blocks):
        if not has_room(queues, most):
            return NO_ROOM
        block = counts[BEGUN]
        counts[BEGUN] += 1
        _queue_up(state, queues, _find_exits(tables, state, 0, block, int(tables.blocks[block, SOURCE]), NONE))
    while counts[MISSING] > 0:
        cycle = counts[CYCLE]
        place = cycle & (len(head) - 1)
        while head[place] >= 0:
            if not has_room(queues, most):
                return NO_ROOM
            events = _pop_events(tables, state, slots, place)
            _queue_up(state, queues, _happen(tables, state, slots, events))
        for number in range(counts[DIRTY_COUNT]):
            if number % AHEAD == 0:
                _read_ahead(tables, state, queues, number, min(number + AHEAD, counts[DIRTY_COUNT]))
            resource = int(state.dirty[number])
            state.lanes[resource, DIRTY] = 0
            serve(wires, tables, state, queues, slots, resource, cycle)
        counts[DIRTY_COUNT] = 0
        if counts[MAKESPAN] > limit or (counts[MISSING] > 0 and cycle > counts[LAST_EVENT]):
            return GIVEN_UP
        counts[CYCLE] = cycle + 1
    return DONE


def match(wires: Wires, job: Job, noise: int, most_slots: int, limit: int) -> tuple[Integers, int]:
    """Schedule blocks forward in time.

    Noise 0 serves equal urgency in the order of waiting; else it seeds a random choice between the ends of the queue.
    The search gives up once a read is later than `limit`.

    Returns
    -------
    slots : ndarray of int64, shape (4, slots)
        Block, bundle, lane, departure, in the order of departures; empty when the limit was passed.
    makespan : int
    """
    tables = tables_of(wires, job)
    state, queues = _beginnings(wires, tables, most_slots, noise), empty_queues(len(wires.lanes))
    # Where all lanes are the first, their column stays memory that nobody has asked for.
    slots = np.zeros((4, most_slots), dtype=np.int64)
    while (end := run(wires, tables, state, queues, slots, limit)) == NO_ROOM:
        queues = grown(queues, len(state.batch))
    if end == GIVEN_UP:
        return slots[:, :0], NEVER
    return slots[:, : state.counts[USED]], int(state.counts[MAKESPAN])


def _beginnings(wires: Wires, tables: Tables, most_slots: int, noise: int) -> State:
    """Return the state before anything has moved."""
    blocks, lanes, resources = len(tables.blocks), int(wires.lanes.sum()), len(wires.lanes)
    reached, missing = tables.urgency, blocks
    if tables.everyone:
        reached = tables.urgency[tables.blocks[:, ROW]]
        source = tables.blocks[:, SOURCE]
        reached[np.arange(blocks), source] |= HELD
        missing = blocks * wires.width - int((source < wires.width).sum())
    # A power of two above the number of cycles that any event lies ahead.
    hold = -(-int(tables.vectors.max(initial=1)) * wires.numerator // wires.denominator)
    span = 1 << (int((2 * hold + wires.hop).max(initial=0)) + wires.turnaround + 2).bit_length()
    port_cells = (2, int(wires.node_orbit.max()) + 1, span) if wires.inject or wires.eject else (1, 1, 1)
    counts = np.zeros(TOUCHED + 1, dtype=np.int64)
    counts[MISSING] = missing
    number = np.arange(lanes) - np.repeat(wires.first_lane, wires.lanes)
    return State(
        reached=reached.ravel(),
        position=np.full(blocks, NONE, dtype=np.int32),
        random=np.array([(noise * SEED_FACTOR + SEED_OFFSET) % 2**64 if noise else 0], dtype=np.uint64),
        ports=np.zeros(port_cells, dtype=np.int64),
        port_cycle=np.full(port_cells, NONE, dtype=np.int64),
        lanes=np.stack([wires.lanes, wires.first_lane, 0 * wires.lanes], axis=1).astype(np.int32),
        free=(np.repeat(wires.lanes, wires.lanes) - 1 - number).astype(np.int32),
        lane_resource=np.repeat(np.arange(resources, dtype=np.int32), wires.lanes),
        dirty=np.empty(resources, dtype=np.int32),
        aside=np.empty((MOST_ASIDE, 3), dtype=np.int64),
        head=np.full(span, NONE, dtype=np.int32),
        following=np.empty(most_slots + lanes + resources, dtype=np.int32),
        events=np.empty(max(1, BATCH // tables.degree), dtype=np.int32),
        batch=np.empty((max(BATCH, tables.degree), CELL + 1), dtype=np.int64),
        counts=counts,
    )

"""Compiled steps of the search forward in time; ``tests/schedule/plain_transfers.py`` has the plain twin of the search.

Nearly all of the time goes on reading memory in no order. So what is read together lies together, in few bytes, and
steps read for a whole batch before they act on it: then no read waits for the one before.

Whatever a kernel calls, and its constants, stand in one module: a cache of compiled code knows of no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.wires import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.wires import Wires
    from lpxsched.schedule.routes.kernels import Integers
    from lpxsched.schedule.routes.matching.state import Queues, State
    from lpxsched.schedule.routes.matching.tables import Tables

# The value of units: compiled code names globals of its own module only.
NONE = -1
# Classes of urgency.
CLASSES = 63
# Columns of `Tables.blocks`, `State.lanes` and `State.batch`, places in `State.counts`, sides of ports.
SOURCE, TARGET, ROW, ORDER = range(4)
FREE, FIRST, DIRTY = range(3)
BLOCK, BUNDLE, RESOURCE, URGENCY, CELL = range(5)
USED, CYCLE, MAKESPAN, MISSING, BEGUN, LAST_EVENT, DIRTY_COUNT, TOUCHED = range(8)
INJECTED, EJECTED = range(2)
# How a run ends.
DONE, GIVEN_UP, NO_ROOM = range(3)
# Flag beside a class of urgency: the node has the block, or was sent it.
HELD = 128
# Blocks that one resource sets aside in a cycle since ports are full.
MOST_ASIDE = 64
# Resources for which memory is read ahead.
AHEAD = 32
# Cells of a chunk of a queue: one line of the cache.
CHUNK = 8
BUNDLE_BITS = 32
BUNDLE_MASK = (1 << BUNDLE_BITS) - 1
# The lowest bit of a word, times this, has its position in its six highest bits (Leiserson, Prokop and Randall 1998).
DE_BRUIJN = 0x03F79D71B4CB0A89
SHIFT = 58
BIT_POSITIONS = np.argsort([(DE_BRUIJN << bit) % 2**64 >> SHIFT for bit in range(64)]).astype(np.int64)


@kernel
def lead(wires: Wires, arrived: int, bundle: int, vectors: int) -> int:
    """Return how much later a relay sends a stream on where the wire in is slower than the wire out."""
    if arrived < 0:
        return 0
    slower = wires.numerator[arrived] * wires.denominator[bundle] - wires.numerator[bundle] * wires.denominator[arrived]
    if slower <= 0:
        return 0
    return int(-(-(vectors - 1) * slower // (wires.denominator[bundle] * wires.denominator[arrived])))


@kernel
def slowest_lead(wires: Wires, arrived: int, vectors: int) -> int:
    """Return the largest lead of a stream over the bundles by which it may go on."""
    longest = 0
    if vectors > 1:
        node = wires.destination[arrived]
        for index in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            longest = max(longest, lead(wires, arrived, wires.out[index], vectors))
    return longest


@kernel
def has_room(queues: Queues, chunks: int) -> bool:
    """Return whether so many chunks may be begun."""
    return bool((queues.chunks[0] + chunks) * CHUNK <= len(queues.cells))


@kernel
def lowest_bit(word: np.uint64) -> int:
    """Return the position of the lowest set bit of a word that is not 0."""
    lowest = word & (~word + np.uint64(1))
    return int(BIT_POSITIONS[(lowest * np.uint64(DE_BRUIJN)) >> np.uint64(SHIFT)])


@kernel
def second_entry(begin: int, end: int) -> int:
    """Return the cell of the second entry of a list, or of its first where that is its only one in its chunk."""
    return begin + 1 if begin + 1 < end and begin % CHUNK < CHUNK - 2 else begin


@kernel
def _new_chunk(queues: Queues) -> int:
    """Return the first cell of a chunk that nobody uses."""
    chunk = queues.chunks[1]
    if chunk >= 0:
        queues.chunks[1] = queues.cells[chunk]
        return int(chunk)
    queues.chunks[0] += 1
    return int((queues.chunks[0] - 1) * CHUNK)


@kernel
def _free_chunk(queues: Queues, cell: int) -> None:
    """Give back the chunk in which a cell is."""
    chunk = cell // CHUNK * CHUNK
    queues.cells[chunk] = queues.chunks[1]
    queues.chunks[1] = chunk


@kernel
def wait(queues: Queues, resource: int, urgency: int, block: int, bundle: int, front: bool) -> None:
    """Put a block into the queue of a resource; low urgency numbers go first."""
    waiting, ends, cells = queues.waiting, queues.ends, queues.cells
    entry = block << BUNDLE_BITS | bundle
    place = resource * CLASSES + urgency
    bit = np.uint64(1) << np.uint64(urgency)
    if not waiting[resource] & bit:
        waiting[resource] |= bit
        # What is put back in front, last entry first, so takes no more chunks than it had.
        begin = _new_chunk(queues) + (CHUNK - 2 if front else 0)
        cells[begin] = entry
        ends[place, 0], ends[place, 1] = begin, begin + 1
    elif front:
        begin = ends[place, 0]
        if begin % CHUNK == 0:
            chunk = _new_chunk(queues)
            cells[chunk + CHUNK - 1] = begin
            begin = chunk + CHUNK - 1
        cells[begin - 1] = entry
        ends[place, 0] = begin - 1
    else:
        end = ends[place, 1]
        if end % CHUNK == CHUNK - 1:
            chunk = _new_chunk(queues)
            cells[end] = chunk
            end = chunk
        cells[end] = entry
        ends[place, 1] = end + 1


@kernel
def take(queues: Queues, resource: int) -> tuple[int, int, int]:
    """Take the most urgent entry of a resource: block, bundle, urgency."""
    waiting, ends, cells = queues.waiting, queues.ends, queues.cells
    urgency = lowest_bit(waiting[resource])
    place = resource * CLASSES + urgency
    begin = ends[place, 0]
    entry = cells[begin]
    following = begin + 1
    if following == ends[place, 1]:
        waiting[resource] &= ~(np.uint64(1) << np.uint64(urgency))
        _free_chunk(queues, begin)
    elif following % CHUNK == CHUNK - 1:
        following = cells[following]
        _free_chunk(queues, begin)
    ends[place, 0] = following
    return entry >> BUNDLE_BITS, entry & BUNDLE_MASK, urgency


@kernel
def _push_event(state: State, cycle: int, event: int) -> None:
    """Enter an event into the list of its cycle."""
    place = cycle & (len(state.head) - 1)
    state.counts[LAST_EVENT] = max(state.counts[LAST_EVENT], cycle)
    state.following[event] = state.head[place]
    state.head[place] = event


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
def _serve(
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
        slots[0, slot], slots[1, slot], slots[2, slot], slots[3, slot] = block, bundle, lane, cycle
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
            _serve(wires, tables, state, queues, slots, resource, cycle)
        counts[DIRTY_COUNT] = 0
        if counts[MAKESPAN] > limit or (counts[MISSING] > 0 and cycle > counts[LAST_EVENT]):
            return GIVEN_UP
        counts[CYCLE] = cycle + 1
    return DONE

"""Queues of blocks that wait for a resource, by urgency.

Nearly all of the time of a search goes on reading memory in no order. So what is read together lies together, in few
bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import FIRST_CHUNKS
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Classes of urgency.
CLASSES = 63
# Cells of a chunk of a queue: one line of the cache.
CHUNK = 8
BUNDLE_BITS = 32
BUNDLE_MASK = (1 << BUNDLE_BITS) - 1
# The lowest bit of a word, times this, has its position in its six highest bits (Leiserson, Prokop and Randall 1998).
DE_BRUIJN = 0x03F79D71B4CB0A89
SHIFT = 58
BIT_POSITIONS = np.argsort([(DE_BRUIJN << bit) % 2**64 >> SHIFT for bit in range(64)]).astype(np.int64)


class Queues(NamedTuple):
    """First-in first-out lists, one for each resource and class of urgency.

    A list is a chain of chunks of one cache line: `CHUNK` - 1 entries, each a block and the bundle that it wants in one
    word, then where the next chunk begins. `waiting` has a bit for each class of a resource, `ends`, shape (resources x
    `CLASSES`, 2), the first cell of each list and the one behind its last, `cells` the chunks, `chunks` how many were
    ever used, and the first that is free again, which holds where the next of these begins.
    """

    waiting: NDArray[np.uint64]
    ends: NDArray[np.int32]
    cells: Integers
    chunks: Integers


def empty_queues(resources: int) -> Queues:
    """Return queues in which nobody waits."""
    return Queues(
        np.zeros(resources, dtype=np.uint64),
        np.zeros((resources * CLASSES, 2), dtype=np.int32),
        np.empty(FIRST_CHUNKS * CHUNK, dtype=np.int64),
        np.array([0, NONE], dtype=np.int64),
    )


def grown(queues: Queues, chunks: int) -> Queues:
    """Return queues with at least twice the room, and that for some chunks more."""
    more = np.empty(len(queues.cells) + chunks * CHUNK, dtype=np.int64)
    return queues._replace(cells=np.append(queues.cells, more))


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

"""What a search forward in time remembers, and who waits: the columns that `matching` changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers

# Columns of `Tables.blocks`, `State.lanes` and `State.batch`, places in `State.counts`, sides of ports.
SOURCE, TARGET, ROW, ORDER = range(4)
FREE, FIRST, DIRTY = range(3)
BLOCK, BUNDLE, RESOURCE, URGENCY, CELL = range(5)
USED, CYCLE, MAKESPAN, MISSING, BEGUN, LAST_EVENT, DIRTY_COUNT, TOUCHED = range(8)
INJECTED, EJECTED = range(2)
# Flag beside a class of urgency: the node has the block, or was sent it.
HELD = 128


class State(NamedTuple):
    """Columns of a search.

    `reached` has the class of a block at each node, and `HELD` once that was sent it, in a row for each block that
    everyone reads; of blocks with one reader, in a row for each reader, the class alone: where each is stands in
    `position`, `NONE` on a link. `random` is the state of the generator (0: no chance). `ports` counts what was
    injected and ejected by orbit of nodes and cycle modulo its length, `port_cycle` tells of which cycle.

    `lanes` has for each resource how many lanes are free, its first lane, and whether it is to be served in this cycle,
    as those in `dirty` are; `free` are stacks of free lanes. `aside` is room for what is set aside.

    `head` and `following` are lists of events for each cycle modulo the length of `head`, a power of two. Events below
    the number of slots are slots whose block can go on, then come lanes that are free again, then resources to be
    looked at again. `events` and `batch` have room for those that are dealt with at once, `counts` for all numbers.
    """

    reached: NDArray[np.uint8]
    position: NDArray[np.int32]
    random: NDArray[np.uint64]
    ports: Integers
    port_cycle: Integers
    lanes: NDArray[np.int32]
    free: NDArray[np.int32]
    lane_resource: NDArray[np.int32]
    dirty: NDArray[np.int32]
    aside: Integers
    head: NDArray[np.int32]
    following: NDArray[np.int32]
    events: NDArray[np.int32]
    batch: Integers
    counts: Integers

"""Search forward in time: whenever a lane is free it takes the most urgent block that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import BATCH, MOST_ASIDE
from lpxsched.schedule.routes.matching.queues import empty_queues, grown
from lpxsched.schedule.routes.matching.steps import GIVEN_UP, NO_ROOM, run
from lpxsched.schedule.routes.matching.tables import (
    CELL,
    HELD,
    MAKESPAN,
    MISSING,
    ROW,
    TOUCHED,
    USED,
    Job,
    State,
    Tables,
    tables_of,
)
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.wires import Wires

SEED_FACTOR, SEED_OFFSET = 2654435761, 88172645463325252


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
    state, queues = beginnings(wires, job, tables, most_slots, noise), empty_queues(len(wires.lanes))
    # Where all lanes are the first, their column stays memory that nobody has asked for.
    slots = np.zeros((4, most_slots), dtype=np.int64)
    while (end := run(wires, tables, state, queues, slots, limit)) == NO_ROOM:
        queues = grown(queues, len(state.batch))
    if end == GIVEN_UP:
        return slots[:, :0], NEVER
    return slots[:, : state.counts[USED]], int(state.counts[MAKESPAN])


def beginnings(wires: Wires, job: Job, tables: Tables, most_slots: int, noise: int) -> State:
    """Return the state before anything has moved."""
    blocks, lanes, resources = len(job.source), int(wires.lanes.sum()), len(wires.lanes)
    reached, missing = tables.urgency, blocks
    if tables.everyone:
        reached = tables.urgency[tables.blocks[:, ROW]]
        reached[np.arange(blocks), job.source] |= HELD
        missing = blocks * wires.width - int((job.source < wires.width).sum())
    span = _span(wires, job.vectors)
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


def _span(wires: Wires, vectors: Integers) -> int:
    """Return a power of two above the number of cycles that any event lies ahead."""
    most = int(vectors.max(initial=1))
    hold = -(-most * wires.numerator // wires.denominator)
    longest = int((2 * hold + wires.hop).max(initial=0)) + wires.turnaround + 2
    return 1 << longest.bit_length()

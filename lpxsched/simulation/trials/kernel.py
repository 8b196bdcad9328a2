"""What happens to every vector of a build on given clocks; compiled, and nothing is judged here but arrival and room.

Slots come link by link, of each link session by session in the order in which they leave: a link delivers in order.
A session is a segment on demand, or the iterations of a frame that repeats between two deskews.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.simulation.draws import cut_off, mixed, part_of, spread_within
from lpxsched.simulation.trials.iterations import iterations

if TYPE_CHECKING:
    from lpxsched.simulation.limits import Limits
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.timetable.build import Build

Floats = NDArray[np.float64]
# What float64 rounds in a slack stays below.
TOLERANCE_CYCLES = 1e-6


class Slots(NamedTuple):
    """Columns of the slots that lead to chips, queue by queue, and of the queues: what a link delivers in a session.

    Slots of queue q are those from `first[q]` up to `first[q + 1]`; `depth` is that of the buffer at the end of its
    link, which is `roomy` where it holds them all. What a queue has in common stands there once: a run passes over all
    slots, and waits for memory.
    """

    row: Integers
    vectors: Integers
    src_deskew: Integers
    dst_deskew: Integers
    depart: Integers
    read: Integers
    first: Integers
    src: Integers
    dst: Integers
    latency: Floats
    vector_time: Floats
    pitch: Floats
    delay: Integers
    depth: Integers
    roomy: Flags


class Run(NamedTuple):
    """Clocks of a run, and how its links jitter: at random from a seed, or by a part of their range where that is told.

    `late` and `tail` (`cut_off`) are by place in `Limits.delays_cycles`; `part` is below 0 where it is drawn.
    """

    aligned: Floats
    slowness: Floats
    phase: Floats
    ramp: Floats
    spread_rate: float
    swing: float
    crossing: float
    early: float
    late: Floats
    tail: Floats
    deviation: float
    part: float
    seed: int


class Seen(NamedTuple):
    """What a run showed: slots with a late vector, vectors that found their buffer full, and the first of both.

    `least` is the least slack, `at` the slot that has it, and its vector; `slack` that of each slot,
    where it was asked for.
    """

    late: Integers
    overflows: Integers
    first: Integers
    least: Floats
    at: Integers
    slack: Floats
    reads: Floats


@kernel
def swung(turns: float, cycles: float) -> float:
    """Return by how much a clock is behind its mean."""
    turns = turns - np.floor(turns)
    if turns < 0.5:
        return cycles * (turns - 2 * turns * turns)
    turns -= 0.5
    return -cycles * (turns - 2 * turns * turns)


@kernel
def time_of(run: Run, deskew: int, node: int, passed: float) -> float:
    """Return the true time at which a node has counted so many cycles after a deskew."""
    phase = run.phase[deskew, node]
    moved = 0.0
    if run.swing > 0:
        moved = swung(phase + run.spread_rate * passed, run.swing) - swung(phase, run.swing)
    ramped = run.ramp[node] * passed * passed / 2
    time: float = run.aligned[deskew, node] + passed * run.slowness[deskew, node] + moved - ramped
    return time


@kernel
def deliver(slots: Slots, run: Run, seen: Seen) -> None:
    """Move all vectors, and note who is late and who finds no room.

    A slot of which no vector can be late, or tighter than all before, however late the link is, is left out; it is
    moved after all where a vector behind it might have to wait for it.
    """
    for queue in range(len(slots.src)):
        arrived, latest, begin, number = -np.inf, -np.inf, slots.first[queue], 0
        may_skip = slots.roomy[queue] and not len(seen.slack)
        for slot in range(slots.first[queue], slots.first[queue + 1]):
            if may_skip:
                earliest, last, slack = at_latest(slots, run, queue, slot, max(arrived, latest))
                if slack >= max(seen.least[0], -TOLERANCE_CYCLES):
                    latest = last
                    continue
                if latest <= earliest:
                    begin = slot
            for moved in range(begin, slot + 1):
                arrived = move(slots, run, seen, queue, moved, arrived, number)
                number += slots.vectors[moved]
            latest, begin = -np.inf, slot + 1


@kernel
def at_latest(slots: Slots, run: Run, queue: int, slot: int, arrived: float) -> tuple[float, float, float]:
    """Return when a slot comes at the earliest, when it has come at the latest, and its least slack then.

    `arrived` is when all before have.
    """
    src, dst, latency, pitch = slots.src[queue], slots.dst[queue], slots.latency[queue], slots.pitch[queue]
    from_deskew, to_deskew, depart = slots.src_deskew[slot], slots.dst_deskew[slot], slots.depart[slot]
    rate, least, earliest = 1 / run.slowness[to_deskew, dst], np.inf, np.inf
    for vector in range(slots.vectors[slot]):
        passed = vector * pitch
        through = time_of(run, from_deskew, src, depart + passed + slots.vector_time[queue])
        earliest = min(earliest, through + latency - run.early)
        arrived = max(arrived, through + latency + run.late[slots.delay[queue]])
        due = time_of(run, to_deskew, dst, slots.read[slot] + passed - run.crossing)
        least = min(least, rate * (due - arrived))
    return earliest, arrived, least


@kernel
def move(slots: Slots, run: Run, seen: Seen, queue: int, slot: int, arrived: float, number: int) -> float:
    """Move the vectors of a slot, before which `number` of the queue have arrived; return when the last has."""
    src, dst, depth = slots.src[queue], slots.dst[queue], slots.depth[queue]
    latency, vector_time, pitch = slots.latency[queue], slots.vector_time[queue], slots.pitch[queue]
    low, high, tail = -run.early, run.late[slots.delay[queue]], run.tail[slots.delay[queue]]
    from_deskew, to_deskew = slots.src_deskew[slot], slots.dst_deskew[slot]
    row, depart, read = slots.row[slot], slots.depart[slot], slots.read[slot]
    rate, worst, worst_vector = 1 / run.slowness[to_deskew, dst], np.inf, 0
    of_row = mixed(np.uint64(run.seed), row)
    for vector in range(slots.vectors[slot]):
        passed = vector * pitch
        part = run.part if run.part >= 0 else part_of(mixed(of_row, vector))
        jitter = spread_within(low, high, run.deviation, tail, part)
        through = time_of(run, from_deskew, src, depart + passed + vector_time)
        arrived = max(arrived, through + latency + jitter)
        due = read + passed
        slack = rate * (time_of(run, to_deskew, dst, due - run.crossing) - arrived)
        if slack < worst:
            worst, worst_vector = slack, vector
        if slots.roomy[queue]:
            continue
        # A vector finds no room while the one that came so many before it still waits.
        place = (number + vector) % depth
        if number + vector >= depth and arrived < seen.reads[place] - TOLERANCE_CYCLES:
            seen.overflows[0] += 1
            if seen.first[2] < 0:
                seen.first[2], seen.first[3] = row, vector
        seen.reads[place] = time_of(run, to_deskew, dst, due)
    if len(seen.slack):
        seen.slack[slot] = worst
    if worst < seen.least[0]:
        seen.least[0], seen.at[0], seen.at[1] = worst, row, worst_vector
    if worst < -TOLERANCE_CYCLES:
        seen.late[0] += 1
        if seen.first[0] < 0:
            seen.first[0], seen.first[1] = row, worst_vector
    return arrived


def columns_of(build: Build, timeline: Timeline) -> Slots:
    """Return the slots of a build for the kernel, those of a frame that repeats in all iterations that are run."""
    slot, earlier = iterations(build, timeline)
    frame = build.segments.frame[timeline.segment[slot]]
    session = np.where(build.frames.period_cycles[frame] > 0, -1 - frame, timeline.segment[slot])
    depart = timeline.depart_cycles[0, slot] - earlier
    order = np.lexsort((depart, timeline.src_deskew[0, slot], session, timeline.link[slot]))
    slot, depart, session = slot[order], depart[order], session[order]
    link = timeline.link[slot]
    begins = np.flatnonzero(np.append(True, (link[1:] != link[:-1]) | (session[1:] != session[:-1])))
    queue = slot[begins]
    depth = np.maximum(build.chips.deskew_buffer_vectors[timeline.dst[queue]], 1)
    return Slots(
        row=timeline.row[slot],
        vectors=timeline.vectors[slot],
        src_deskew=timeline.src_deskew[0, slot],
        dst_deskew=timeline.dst_deskew[0, slot],
        depart=depart,
        read=timeline.read_cycles[0, slot] - earlier[order],
        first=np.append(begins, len(slot)),
        src=timeline.src[queue],
        dst=timeline.dst[queue],
        latency=timeline.latency_cycles[queue].astype(np.float64),
        vector_time=timeline.vector_time_cycles[queue],
        pitch=timeline.pitch_cycles[queue],
        delay=timeline.delay[queue],
        depth=depth,
        roomy=np.add.reduceat(timeline.vectors[slot], begins) <= depth,
    )


def run_on(
    slots: Slots,
    clocks: NodeClocks,
    limits: Limits,
    *,
    deviation_cycles: float,
    seed: int,
    part: float = -1.0,
    each: bool = False,
) -> Seen:
    """Return what a run shows.

    Parameters
    ----------
    slots : Slots
    clocks : NodeClocks
    limits : Limits
    deviation_cycles : float
        Standard deviation of the latency of links; 0: uniform.
    seed : int
    part : float
        Part of their range by which all links jitter; below 0: drawn.
    each : bool
        Whether to tell the slack of each slot.
    """
    deviation = 0.0 if part >= 0 else deviation_cycles
    early, late = float(limits.early_cycles), [float(delay) for delay in limits.delays_cycles]
    run = Run(
        clocks.aligned_cycles,
        clocks.slowness,
        clocks.phase,
        clocks.ramp,
        clocks.spread_rate,
        clocks.swing_cycles,
        float(limits.crossing_cycles),
        early,
        np.array(late),
        np.array([cut_off(-early, high, deviation) for high in late]),
        deviation,
        part,
        seed,
    )
    seen = _unseen(len(slots.row) if each else 0, int(slots.depth.max(initial=1)))
    deliver(slots, run, seen)
    return seen


def _unseen(slots: int, depth: int) -> Seen:
    """Return what is seen before a run: slacks of so many slots, and reads in buffers of so many vectors."""
    return Seen(
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.full(4, -1, dtype=np.int64),
        np.full(1, np.inf),
        np.full(2, -1, dtype=np.int64),
        np.empty(slots),
        np.zeros(depth),
    )

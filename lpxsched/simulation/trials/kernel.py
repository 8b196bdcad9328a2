"""What happens to every vector of a build on given clocks; compiled, and nothing is judged here but arrival and room.

Slots come link by link, of each link segment by segment in the order in which they leave: a link delivers in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import kernel
from lpxsched.simulation.draws import cut_off, spread_within, uniform

if TYPE_CHECKING:
    from lpxsched.simulation.limits import Limits
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.timetable.build import Build

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
# What float64 rounds in a slack stays below.
TOLERANCE_CYCLES = 1e-6


class Slots(NamedTuple):
    """Columns of the slots that lead to chips; `depth` is that of the buffer at the end of the link."""

    row: Integers
    link: Integers
    segment: Integers
    vectors: Integers
    src: Integers
    dst: Integers
    src_deskew: Integers
    dst_deskew: Integers
    depart: Integers
    read: Integers
    latency: Floats
    vector_time: Floats
    pitch: Floats
    late: Floats
    depth: Integers


class Run(NamedTuple):
    """Clocks of a run, and how its links jitter: at random from a seed, or by a part of their range where that is told.

    `early` and `deviation` are those of all links, `part` is below 0 where it is drawn.
    """

    aligned: Floats
    slowness: Floats
    phase: Floats
    ramp: Floats
    spread_rate: float
    swing: float
    crossing: float
    early: float
    deviation: float
    part: float
    seed: int


class Seen(NamedTuple):
    """What a run showed: slots with a late vector, vectors that found their buffer full, and the first of both.

    `least` is the least slack, `at` the slot that has it, and its vector; `slack` that of each slot.
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
    """Move all vectors, and note who is late and who finds no room."""
    arrived, number = -np.inf, 0
    for slot in range(len(slots.row)):
        src, dst, depth = slots.src[slot], slots.dst[slot], slots.depth[slot]
        if slot == 0 or slots.link[slot] != slots.link[slot - 1] or slots.segment[slot] != slots.segment[slot - 1]:
            arrived, number = -np.inf, 0
        from_deskew, to_deskew = slots.src_deskew[slot], slots.dst_deskew[slot]
        rate, worst, worst_vector = 1 / run.slowness[to_deskew, dst], np.inf, 0
        low, high = -run.early, slots.late[slot]
        tail = cut_off(low, high, run.deviation)
        for vector in range(slots.vectors[slot]):
            passed = vector * slots.pitch[slot]
            part = run.part if run.part >= 0 else uniform(run.seed, slots.row[slot], vector)
            jitter = spread_within(low, high, run.deviation, tail, part)
            through = time_of(run, from_deskew, src, slots.depart[slot] + passed + slots.vector_time[slot])
            arrived = max(arrived, through + slots.latency[slot] + jitter)
            due = slots.read[slot] + passed
            slack = rate * (time_of(run, to_deskew, dst, due - run.crossing) - arrived)
            if slack < worst:
                worst, worst_vector = slack, vector
            # A vector finds no room while the one that came so many before it still waits.
            place = number % depth
            if number >= depth and arrived < seen.reads[place] - TOLERANCE_CYCLES:
                seen.overflows[0] += 1
                if seen.first[2] < 0:
                    seen.first[2], seen.first[3] = slots.row[slot], vector
            seen.reads[place] = time_of(run, to_deskew, dst, due)
            number += 1
        seen.slack[slot] = worst
        if worst < seen.least[0]:
            seen.least[0], seen.at[0], seen.at[1] = worst, slots.row[slot], worst_vector
        if worst < -TOLERANCE_CYCLES:
            seen.late[0] += 1
            if seen.first[0] < 0:
                seen.first[0], seen.first[1] = slots.row[slot], worst_vector


def columns_of(build: Build, timeline: Timeline, limits: Limits) -> Slots:
    """Return the slots of a build for the kernel."""
    delays = np.array([float(delay) for delay in limits.delays_cycles])
    order = np.lexsort((build.slots.depart[timeline.row], timeline.segment, timeline.link))
    depth = build.chips.deskew_buffer_vectors[timeline.dst]
    return Slots(
        row=timeline.row[order],
        link=timeline.link[order],
        segment=timeline.segment[order],
        vectors=timeline.vectors[order],
        src=timeline.src[order],
        dst=timeline.dst[order],
        src_deskew=timeline.src_deskew[0, order],
        dst_deskew=timeline.dst_deskew[0, order],
        depart=timeline.depart_cycles[0, order],
        read=timeline.read_cycles[0, order],
        latency=timeline.latency_cycles[order].astype(np.float64),
        vector_time=timeline.vector_time_cycles[order],
        pitch=timeline.pitch_cycles[order],
        late=delays[timeline.delay[order]],
        depth=np.maximum(depth, 1)[order],
    )


def run_on(
    slots: Slots, clocks: NodeClocks, limits: Limits, *, deviation_cycles: float, seed: int, part: float = -1.0
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
    """
    run = Run(
        clocks.aligned_cycles,
        clocks.slowness,
        clocks.phase,
        clocks.ramp,
        clocks.spread_rate,
        clocks.swing_cycles,
        float(limits.crossing_cycles),
        float(limits.early_cycles),
        0.0 if part >= 0 else deviation_cycles,
        part,
        seed,
    )
    seen = Seen(
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.full(4, -1, dtype=np.int64),
        np.full(1, np.inf),
        np.full(2, -1, dtype=np.int64),
        np.empty(len(slots.row)),
        np.zeros(int(slots.depth.max(initial=1))),
    )
    deliver(slots, run, seen)
    return seen

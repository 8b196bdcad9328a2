"""What each node of a segment, or of a frame that repeats, does when: its program, in millionths of a cycle.

A session is what runs between starts: a segment on demand with its deskews, or the iterations of a frame between two
deskews. Times are those of the session, which begins at 0 with a deskew where clocks are aligned at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.reference.actions import BRANCH, DEPART, DESKEW, END, RANK, READ, Action
from lpxsched.simulation.reference.oscillator import PARTS
from lpxsched.simulation.reference.passes import Polling, polling_of
from lpxsched.timetable.derived import pitch_numerators, polled_segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

# Rows of all iterations beyond which the first iterations of a frame that repeats are left out.
MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Session:
    """Parts of a program that run after one start.

    Attributes
    ----------
    segments, zeros : tuple of int
        Segment of each iteration and its time zero, in cycles.
    deskews : tuple of tuple of int
        Cycle and stall of each.
    waiting_cycles : int
        Longest time from the event to the start.
    polled : bool
        Chips poll for rows; others are started.
    repeats : bool
    """

    segments: tuple[int, ...]
    zeros: tuple[int, ...]
    deskews: tuple[tuple[int, int], ...]
    waiting_cycles: int
    polled: bool
    repeats: bool


def sessions(build: Build) -> Iterator[Session]:
    """Yield the sessions of a build: each segment on demand, each frame that repeats."""
    deskews, frames, polled = build.deskews, build.frames, polled_segments(build)
    for segment, frame in enumerate(build.segments.frame.tolist()):
        if frames.period_cycles[frame]:
            continue
        mine = np.flatnonzero(deskews.frame == frame)
        order = mine[np.argsort(deskews.cycle[mine], kind="stable")]
        spans = tuple(zip(deskews.cycle[order].tolist(), deskews.stall[order].tolist(), strict=True))
        waiting = int(build.segments.waiting_cycles[segment])
        yield Session((segment,), (0,), spans, waiting, bool(polled[segment]), repeats=False)
    for frame in np.flatnonzero(frames.period_cycles > 0).tolist():
        yield _repeating(build, frame)


def _repeating(build: Build, frame: int) -> Session:
    """Return the iterations between the two deskews that lie farthest apart; three of each segment without any."""
    deskews, frames, period = build.deskews, build.frames, int(build.frames.period_cycles[frame])
    windows, mine = int(frames.windows[frame]), np.flatnonzero(deskews.frame == frame)
    if len(mine) and (deskews.every_periods[mine] == 1).all():
        return _around_deskews(build, frame, mine)
    begins = sorted(
        (int(deskews.cycle[row]) + turn, int(deskews.stall[row]))
        for row in mine.tolist()
        for turn in range(0, windows * period, int(deskews.every_periods[row]) * period)
    )
    ends = [*begins[1:], (begins[0][0] + windows * period, 0)] if begins else []
    first, last, stall = max(
        ((one[0], other[0], one[1]) for one, other in zip(begins, ends, strict=True)),
        key=lambda span: span[1] - span[0],
        default=(0, 3 * period, 0),
    )
    gaps = set(frames.gaps[frame].tolist())
    runs = [
        (int(build.segments.phase_cycles[segment]) + window * period - first, segment)
        for segment in np.flatnonzero(build.segments.frame == frame).tolist()
        for window in range(2 * windows if begins else 3)
        if window % windows not in gaps
        and first + stall <= int(build.segments.phase_cycles[segment]) + window * period < last
    ]
    rows = max(1, len(build.slots) * len(set(build.segments.frame.tolist())) // max(len(build.frames), 1))
    kept = sorted(runs)[-max(3, MOST_ROWS // rows) :]
    zeros, segments = zip(*kept, strict=True)
    return Session(segments, zeros, ((0, stall),) if begins else (), period, polled=False, repeats=True)


def _around_deskews(build: Build, frame: int, mine: Integers) -> Session:
    """Return iterations one after the other of a frame that deskews in every period, from one of its deskews on."""
    deskews, period = build.deskews, int(build.frames.period_cycles[frame])
    segments = np.flatnonzero(build.segments.frame == frame).tolist()
    runs = max(3, min(int(build.frames.windows[frame]), MOST_ROWS // max(1, len(build.slots))))
    first = int(deskews.cycle[mine].min())
    after = [int(build.segments.phase_cycles[segment] - first) % period for segment in segments]
    lasts = max(int(build.segments.makespan_cycles[segment]) + at for segment, at in zip(segments, after, strict=True))
    spans = sorted(
        (int(deskews.cycle[row]) - first + number * period, int(deskews.stall[row]))
        for row in mine.tolist()
        for number in range(runs + lasts // period + 1)
    )
    ats = list(zip(after, segments, strict=True))
    zeros, of = zip(*sorted((at + run * period, segment) for at, segment in ats for run in range(runs)), strict=True)
    return Session(of, zeros, tuple(spans), period, polled=False, repeats=True)


@dataclass(frozen=True, slots=True, eq=False)
class SessionActions:
    """The actions of all nodes of a session.

    Attributes
    ----------
    actions : dict of int to list of Action
        Of chips and lanes of hosts, in time.
    slots : Integers
        Rows of the timetable that take part.
    polling : Polling or None
        How chips poll; None where they do not, or begin with a pass that is not void.
    """

    actions: dict[int, list[Action]]
    slots: Integers
    polling: Polling | None = None


def program_of(
    build: Build, session: Session, parent: Integers, sender: Integers, row_segments: Integers
) -> SessionActions:
    """Return what the nodes of a session do.

    Parameters
    ----------
    build : Build
    session : Session
    parent : ndarray of int64, shape (nodes,)
        In the tree of counters.
    sender : ndarray of int64, shape (links,)
        Node that sends on each link: its source, or the lane of a host.
    row_segments : ndarray of int64, shape (slots,)
        Segment of each row of the timetable.
    """
    actions: dict[int, list[Action]] = {}
    pitch = pitch_numerators(build)
    rows = np.flatnonzero(np.isin(row_segments, session.segments))
    of_segment = {number: rows[row_segments[rows] == number].tolist() for number in set(session.segments)}
    for number, (segment, zero) in enumerate(zip(session.segments, session.zeros, strict=True)):
        for row in of_segment[segment]:
            link, vectors = int(build.slots.link[row]), int(build.slots.vectors[row])
            parts = int(build.links.vector_time_denominator[link])
            depart, read = (zero + int(column[row]) for column in (build.slots.depart, build.slots.read))
            to, to_host = int(build.links.dst[link]), bool(build.chips.host[build.links.dst[link]])
            leaving = actions.setdefault(int(sender[link]), [])
            reading = [] if to_host else actions.setdefault(to, [])
            for vector in range(vectors):
                passed, which = vector * int(pitch[link]) * PARTS // parts, number * vectors + vector
                leaving.append(Action(depart * PARTS + passed, DEPART, row, which))
                if not to_host:
                    reading.append(Action(read * PARTS + passed, READ, row, which))
    polling = None if session.repeats else polling_of(build, session.segments[0], rows)
    for chip, cycle in (polling.branch if polling else {}).items():
        actions.setdefault(chip, []).append(Action(cycle * PARTS, BRANCH, NONE, 0))
    _add_ends(build, session, actions)
    return SessionActions(in_order(session, actions, parent), rows, polling)


def in_order(session: Session, actions: dict[int, list[Action]], parent: Integers) -> dict[int, list[Action]]:
    """Return the actions of nodes in time, with the deskews of all."""
    for node in list(actions):
        # Chips above pass counters on, and deskew with the others.
        above = int(parent[node])
        while above != NONE and above not in actions:
            actions[above] = []
            above = int(parent[above])
    for of_node in actions.values():
        of_node += [Action(cycle * PARTS, DESKEW, number, 0) for number, (cycle, _) in enumerate(session.deskews)]
        of_node.sort(key=lambda action: (action.when, RANK[action.kind]))
    return actions


def _add_ends(build: Build, session: Session, actions: dict[int, list[Action]]) -> None:
    """Let chips note when operators that end a segment on demand start; hosts have their vectors when they come."""
    if session.repeats:
        return
    kinds = {(operator.layer, operator.kind) for operator in build.graph.operators if operator.ends}
    operators, segment = build.operators, session.segments[0]
    for row in np.flatnonzero((operators.segment == segment) & ~build.chips.host[operators.chip]).tolist():
        if (int(operators.layer[row]), str(operators.kind[row])) in kinds:
            end = Action(int(operators.start[row]) * PARTS, END, row, 0)
            actions.setdefault(int(operators.chip[row]), []).append(end)

"""What the programs of all nodes make the reference machine do in a session.

A link brings vectors in the order in which they were sent: the first RECEIVE of its end takes those of its first SEND.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.instructions.streams import ADD, COMPUTE, IN, NO_UNIT, OUT
from lpxsched.simulation.reference.actions import DEPART, END, FINISH, READ, START, Action
from lpxsched.simulation.reference.oscillator import PARTS
from lpxsched.timetable.derived import pitch_numerators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.instructions.streams import Instruction, NodeProgram, Piece, Section
    from lpxsched.simulation.reference.chosen import Reference
    from lpxsched.simulation.reference.program import Session
    from lpxsched.timetable.build import Build


class Transfer(NamedTuple):
    """What one link carries at once: from where at its source, to where at its end."""

    source: int
    sent: Piece
    to: int
    received: Piece


class Tape(NamedTuple):
    """The programs of a session: actions, what their numbers mean, and what is wrong with them.

    Attributes
    ----------
    actions : dict of int to list of Action
    transfers : dict of int to Transfer
    runs : list of (int, Instruction, int)
        Node, what it runs, and in which segment.
    faults : list of str
    """

    actions: dict[int, list[Action]]
    transfers: dict[int, Transfer]
    runs: list[tuple[int, Instruction, int]]
    faults: list[str]


def tape_of(build: Build, reference: Reference, programs: Sequence[NodeProgram], session: Session) -> Tape:
    """Return the actions of programs in a session; receivers take what links bring in the order of the senders."""
    tape = Tape({}, {}, [], [])
    sections = [(program.node, section) for program in programs for section in program.sections]
    for segment in dict.fromkeys(session.segments):
        zeros = [
            (number, zero)
            for number, (of, zero) in enumerate(zip(session.segments, session.zeros, strict=True))
            if of == segment
        ]
        mine = [(node, section) for node, section in sections if section.segment == segment]
        _add_transfers(reference, segment, mine, zeros, tape)
        # What reads at once comes after what makes at once.
        for node, section in sorted(mine, key=lambda one: (one[1].unit == NO_UNIT, one[1].unit)):
            for one in section.instructions:
                if one.code in (COMPUTE, ADD):
                    _add_run(node, one, zeros, tape, segment, host=bool(build.chips.host[node]))
        if not session.repeats:
            _add_ends(build, mine, tape)
    return tape


def _add_ends(build: Build, sections: Sequence[tuple[int, Section]], tape: Tape) -> None:
    """Let chips note when operators that end a segment on demand start."""
    for node, section in sections:
        for one in section.instructions:
            if one.code == COMPUTE and build.graph.operators[one.operator].ends and not build.chips.host[node]:
                end = Action(one.cycle * PARTS, END, one.operator, one.shard)
                tape.actions.setdefault(node, []).append(end)


def _add_transfers(
    reference: Reference,
    segment: int,
    sections: Sequence[tuple[int, Section]],
    zeros: Sequence[tuple[int, int]],
    tape: Tape,
) -> None:
    ends: dict[tuple[int, int], tuple[int, Section]] = {
        (section.link, section.unit): (node, section) for node, section in sections if section.link != NONE
    }
    build = reference.build
    pitch, links = pitch_numerators(build), build.links
    rows: defaultdict[int, list[int]] = defaultdict(list)
    mine = np.flatnonzero(reference.row_segments == segment)
    for row, link in zip(mine.tolist(), build.slots.link[mine].tolist(), strict=True):
        rows[link].append(row)
    for link in sorted({link for link, _ in ends}):
        sides = [ends.get((link, unit)) for unit in (OUT, IN)]
        lists = [[one for one in side[1].instructions if one.pieces] if side is not None else [] for side in sides]
        nodes = [int(column[link]) for column in (links.src, links.dst)]
        if any(side is not None and side[0] != node for side, node in zip(sides, nodes, strict=True)):
            tape.faults.append(f"link {link} does not join the nodes whose units serve it")
            continue
        if [one.pieces[0][2:4] for one in lists[0]] != [one.pieces[0][2:4] for one in lists[1]]:
            tape.faults.append(f"link {link}: what is received is not what is sent")
            continue
        if len(lists[0]) != len(rows[link]):
            problem = f"carries {len(lists[0])} times something in segment {segment}, its build {len(rows[link])} times"
            tape.faults.append(f"link {link} {problem}")
        # The machine knows a wire by a row of the timetable that takes it.
        for row, sent, received in zip(rows[link], *lists, strict=False):
            tape.transfers[row] = Transfer(nodes[0], sent.pieces[0], nodes[1], received.pieces[0])
            step = (int(pitch[link]), int(links.vector_time_denominator[link]))
            leaving = tape.actions.setdefault(int(reference.alignment.sender[link]), [])
            _add_vectors(leaving, DEPART, row, sent, zeros, step)
            if not build.chips.host[nodes[1]]:
                _add_vectors(tape.actions.setdefault(nodes[1], []), READ, row, received, zeros, step)


def _add_vectors(
    actions: list[Action],
    kind: int,
    row: int,
    one: Instruction,
    zeros: Sequence[tuple[int, int]],
    step: tuple[int, int],
) -> None:
    numerator, denominator = step
    vectors = one.pieces[0].vectors
    for number, zero in zeros:
        for vector in range(vectors):
            passed = vector * numerator * PARTS // denominator
            actions.append(Action((zero + one.cycle) * PARTS + passed, kind, row, number * vectors + vector))


def _add_run(
    node: int, one: Instruction, zeros: Sequence[tuple[int, int]], tape: Tape, segment: int, *, host: bool
) -> None:
    run = len(tape.runs)
    tape.runs.append((node, one, segment))
    if host:
        return
    actions = tape.actions.setdefault(node, [])
    for number, zero in zeros:
        actions.append(Action((zero + one.cycle) * PARTS, START, run, number))
        if one.cycles:
            actions.append(Action((zero + one.cycle + one.cycles) * PARTS, FINISH, run, number))

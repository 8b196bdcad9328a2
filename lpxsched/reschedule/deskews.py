"""Deskews within a segment as tasks of a repair: what is before one ends before it, what is after one waits for it.

So where rows before a deskew come later than it can wait, it comes later itself, and all that follows shifts as a
whole: each row keeps its distance to the deskew before it, unless it has slack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.times.placement import Precedences
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes


class Stalls(NamedTuple):
    """Deskews that may come later, shape (deskews,), in order: when, for how long, and for how long before."""

    cycle: Integers
    stall: Integers
    stall_before: Integers


def around_deskews(
    moves: Moves, work: Work, wires: WireTimes, was: Integers, stalls: Stalls, waits: Precedences
) -> Precedences:
    """Return what deskews (numbered behind slots and operators) wait for, and what waits for them.

    A slot may fly across a deskew: it leaves before and is read after it. What lasted into one may do so again.

    Parameters
    ----------
    moves : Moves
    work : Work
    wires : WireTimes
    was : ndarray of int64, shape (slots,)
        When slots departed before, or those in whose place they are.
    stalls : Stalls
    waits : Precedences
        Of slots and operators among each other.
    """
    tasks = len(moves.tensor) + len(work.start)
    begin = np.concatenate([was, work.start])
    passed = wires.hold_cycles(moves.link, moves.vectors - 1)
    held = np.concatenate([wires.hold_cycles(moves.link, moves.vectors), work.cycles])
    done = np.concatenate([moves.hop + passed + 1, work.cycles])
    reading = np.concatenate([moves.hop, np.zeros_like(work.start)])
    # A slot on a detour may leave earlier than the one in whose place it is.
    arrived = np.concatenate([np.minimum(was, moves.depart) + moves.hop, work.start])
    section, read_in = _sections(begin, arrived, waits, stalls)
    rows = [Precedences(*np.zeros((3, 0), dtype=np.int64))]
    for number, (cycle, stall, stalled) in enumerate(zip(*(column.tolist() for column in stalls), strict=True)):
        before = np.flatnonzero(section == number)
        across = before[read_in[before] > number]
        ends = np.setdiff1d(before, across)
        after = np.flatnonzero(section == number + 1)
        rows += [
            _waits(ends, tasks + number, np.minimum(done[ends], cycle - begin[ends])),
            _waits(across, tasks + number, np.minimum(held[across], cycle - begin[across])),
            _waits(tasks + number, across, stall - reading[across]),
            _waits(tasks + number, after, _behind(begin[after] - cycle, stall, stalled)),
        ]
        if number:
            apart = stalls.stall[number - 1 : number]
            rows.append(_waits(tasks + number - 1, np.array([tasks + number]), apart))
    return Precedences(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _sections(begin: Integers, arrived: Integers, waits: Precedences, stalls: Stalls) -> tuple[Integers, Integers]:
    """Return how many deskews come before each row starts, and before its first vector is read.

    On a detour vectors may come behind a deskew before which they were needed: then who waits for them is behind it
    too, and so is whoever waits for that.
    """
    first = np.searchsorted(stalls.cycle, begin, side="right")
    over = np.append(stalls.cycle + stalls.stall_before, NEVER)
    read_in = first + (arrived >= over[first])
    section, is_late = first.copy(), begin[waits.after] < begin[waits.before] + waits.delay
    while True:
        moved = is_late | (section > first)[waits.before]
        raised = section.copy()
        np.maximum.at(raised, waits.after[moved], np.maximum(section, read_in)[waits.before[moved]])
        if (raised == section).all():
            return section, np.maximum(section, read_in)
        section = raised


def _behind(since: Integers, stall: int, stalled: int) -> Integers:
    """Return how long after a deskew rows start that started so long after it, or before it if that is below 0."""
    return np.where((since >= 0) & (since < stalled), since, stall)


def _waits(before: Integers | int, after: Integers | int, delay: Integers) -> Precedences:
    return Precedences(*(np.broadcast_to(column, delay.shape).astype(np.int64) for column in (before, after, delay)))

"""Deskews within a segment as tasks of a repair: what is before one ends before it, what is after one waits for it.

So where rows before a deskew come later than it can wait, it comes later itself, and all that follows shifts as a
whole: each row keeps its distance to the deskew before it, unless it has slack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.times.placement import Precedences

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes


class Stalls(NamedTuple):
    """Deskews that may come later, shape (deskews,), in order: when, for how long, and for how long before."""

    cycle: Integers
    stall: Integers
    stall_before: Integers


def around_deskews(moves: Moves, work: Work, wires: WireTimes, was: Integers, stalls: Stalls) -> Precedences:
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
    """
    slots, tasks = len(moves.tensor), len(moves.tensor) + len(work.start)
    begin = np.concatenate([was, work.start])
    passed = wires.hold_cycles(moves.link, moves.vectors - 1)
    held = np.concatenate([wires.hold_cycles(moves.link, moves.vectors), work.cycles])
    done = np.concatenate([moves.hop + passed + 1, work.cycles])
    reading = np.concatenate([moves.hop, np.zeros_like(work.start)])
    section = np.searchsorted(stalls.cycle, begin, side="right")
    rows = [Precedences(*np.zeros((3, 0), dtype=np.int64))]
    for number, (cycle, stall, stalled) in enumerate(zip(*(column.tolist() for column in stalls), strict=True)):
        before = np.flatnonzero(section == number)
        across = before[(before < slots) & (begin[before] + reading[before] >= cycle + stalled)]
        ends = np.setdiff1d(before, across)
        after = np.flatnonzero(section == number + 1)
        rows += [
            _waits(ends, tasks + number, np.minimum(done[ends], cycle - begin[ends])),
            _waits(across, tasks + number, np.minimum(held[across], cycle - begin[across])),
            _waits(tasks + number, across, stall - reading[across]),
            _waits(tasks + number, after, np.where(begin[after] - cycle < stalled, begin[after] - cycle, stall)),
        ]
        if number:
            apart = stalls.stall[number - 1 : number]
            rows.append(_waits(tasks + number - 1, np.array([tasks + number]), apart))
    return Precedences(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _waits(before: Integers | int, after: Integers | int, delay: Integers) -> Precedences:
    return Precedences(*(np.broadcast_to(column, delay.shape).astype(np.int64) for column in (before, after, delay)))

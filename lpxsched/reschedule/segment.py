"""One segment without what is down: what is lost, ways round it, and later times where those are not in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.detours import Detours, Room
from lpxsched.reschedule.free_time import busy
from lpxsched.reschedule.needs import runs_in_use, users_of
from lpxsched.reschedule.shifts import Rows, shifted
from lpxsched.reschedule.tasks import Moves
from lpxsched.schedule.times.calendars import calendars_of, united

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.reschedule.detours import Hop
    from lpxsched.reschedule.shifts import Beside
    from lpxsched.reschedule.tasks import Work
    from lpxsched.reschedule.wires import WireTimes


@dataclass(frozen=True, slots=True, eq=False)
class Repaired:
    """The rows of a segment after a repair.

    Attributes
    ----------
    moves : Moves
        Slots that stay, then new ones.
    row : ndarray of int64, shape (slots,)
        Place of each among the slots before the repair; of new ones that of the lost slot which they replace.
    stays : ndarray of bool, shape (slots,)
        Which are those that were there before.
    start : ndarray of int64, shape (operators,)
    deskew : ndarray of int64, shape (deskews that may come later,)
    nowhere : tuple of int
        Lost slots that no way replaces.
    must_move : int
        Slots that move in every timetable on these links.
    earliest : ndarray of int64, shape (operators,) or (0,)
        No timetable on these links lets operators start before, whatever its deskews.
    """

    moves: Moves
    row: Integers
    stays: Flags
    start: Integers
    deskew: Integers
    nowhere: tuple[int, ...]
    must_move: int = 0
    earliest: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def repaired(moves: Moves, work: Work, wires: WireTimes, lost: Flags, room: Room, beside: Beside) -> Repaired:
    """Return a segment whose lost slots are replaced.

    Parameters
    ----------
    moves : Moves
    work : Work
    wires : WireTimes
    lost : ndarray of bool, shape (slots,)
    room : Room
        Where new slots may go.
    beside : Beside

    Raises
    ------
    NothingFoundError
        When a period has no room for what must move.
    """
    first = _attempt(moves, work, wires, lost, np.zeros_like(lost), (room, beside))
    gives_way = np.zeros_like(lost)
    gives_way[first.row[first.stays]] = (first.moves.depart > moves.depart[first.row])[first.stays]
    if first.nowhere or not gives_way.any():
        return first
    # What moves anyway leaves its old place to what is lost.
    second = _attempt(moves, work, wires, lost, gives_way, (room, beside))
    return first if second.nowhere else min(first, second, key=lambda found: _worth(found, moves))


def _worth(found: Repaired, moves: Moves) -> tuple[int, int]:
    """Return how many slots moved that were not lost, and when the last operator starts."""
    later = found.moves.depart[found.stays] != moves.depart[found.row[found.stays]]
    return len(moves.tensor) - int(found.stays.sum()) + int(later.sum()), int(found.start.max(initial=0))


def _attempt(
    moves: Moves, work: Work, wires: WireTimes, lost: Flags, gives_way: Flags, around: tuple[Room, Beside]
) -> Repaired:
    """Return a segment whose lost slots are replaced beside those that do not give way."""
    room, beside = around
    while True:
        stays = moves.taken(np.flatnonzero(~lost & ~gives_way))
        closed = united([beside.closed, busy(stays, wires, room.shifts)])
        calendars = calendars_of(closed, np.ones(len(wires.hop) + 2 * len(wires.host), dtype=np.int64))
        start = np.concatenate([moves.depart, work.start]).tolist()
        runs = runs_in_use(users_of(moves, work), ~lost)
        detours = Detours(moves, work, wires, lost, runs, room, calendars, start)
        detours.search()
        onward = _passed_on(moves, detours.nowhere) & ~lost
        if not onward.any():
            break
        lost = lost | onward
    whole, row, kept = _with_hops(moves, wires, lost, detours.hops)
    whole, row, kept = _in_use(whole, wires, work, row, kept)
    begin = np.concatenate([whole.depart, work.start, beside.stalls.cycle])
    if not detours.nowhere:
        begin = shifted(Rows(whole, moves.depart[row], ~kept, gives_way[row] & kept), work, wires, beside)
    depart, start, deskew = np.split(begin, np.cumsum([len(whole.tensor), len(work.start)]))
    return Repaired(whole._replace(depart=depart), row, kept, start, deskew, tuple(detours.nowhere))


def _passed_on(moves: Moves, nowhere: list[int]) -> Flags:
    """Return the slots that pass on what some slots brought: their readers may be reached the other way instead."""
    passed = np.zeros(len(moves.tensor), dtype=np.bool_)
    for slot in nowhere:
        end = moves.first[slot] + moves.vectors[slot]
        passed |= (
            (moves.tensor == moves.tensor[slot])
            & (moves.source == moves.destination[slot])
            & (moves.first < end)
            & (moves.first + moves.vectors > moves.first[slot])
        )
    return passed


def _with_hops(moves: Moves, wires: WireTimes, lost: Flags, hops: Sequence[Hop]) -> tuple[Moves, Integers, Flags]:
    """Return slots that stay and new ones, the place of what each was, and which stay."""
    kept = np.flatnonzero(~lost)
    columns = np.array(hops, dtype=np.int64).reshape(-1, 6).T
    tensor, first, end, link, depart, instead_of = columns
    new = Moves(tensor, first, end - first, link, depart, wires.hop[link], wires.source[link], wires.destination[link])
    whole = Moves(*(np.concatenate(pair) for pair in zip(moves.taken(kept), new, strict=True)))
    stays = np.arange(len(whole.tensor)) < len(kept)
    return whole, np.concatenate([kept, instead_of]), stays


def _in_use(moves: Moves, wires: WireTimes, work: Work, row: Integers, stays: Flags) -> tuple[Moves, Integers, Flags]:
    """Leave out what nobody takes any more, run by run."""
    everything = np.ones(len(row), dtype=np.bool_)
    while True:
        runs = runs_in_use(users_of(moves, work), everything[: len(row)])
        kept = np.ones(len(row), dtype=np.bool_)
        parts: list[tuple[int, int, int]] = []
        for slot, (first, vectors) in enumerate(zip(moves.first.tolist(), moves.vectors.tolist(), strict=True)):
            if runs.get(slot) != [(first, first + vectors)]:
                kept[slot] = False
                parts += [(slot, *run) for run in runs.get(slot, ())]
        if kept.all():
            return moves, row, stays
        of_slot, first, end = np.array(parts, dtype=np.int64).reshape(-1, 3).T
        cut = moves.taken(of_slot)
        later = wires.hold_cycles(cut.link, first - cut.first)
        cut = cut._replace(first=first, vectors=end - first, depart=cut.depart + later)
        rest = moves.taken(np.flatnonzero(kept))
        moves = Moves(*(np.concatenate(pair) for pair in zip(rest, cut, strict=True)))
        row = np.concatenate([row[kept], row[of_slot]])
        stays = np.concatenate([stays[kept], np.zeros(len(of_slot), dtype=np.bool_)])

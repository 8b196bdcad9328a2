"""The segments that what is down touches, repaired one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.reschedule.earliest import earliest_times
from lpxsched.reschedule.room import closed_to, room_of
from lpxsched.reschedule.segment import repaired
from lpxsched.reschedule.tasks import work_of

if TYPE_CHECKING:
    from lpxsched.reschedule.around import Around
    from lpxsched.reschedule.segment import Repaired

REMEDY = "compile on the fabric that is left"


def repaired_segments(around: Around) -> dict[int, Repaired]:
    """Return each segment that lost slots, or whose vectors must be read later, repaired.

    Raises
    ------
    InfeasibleError
        When no way leads from where a result is to where it is needed.
    NothingFoundError
    """
    return {segment: _repaired(around, segment) for segment in around.touched}


def _repaired(around: Around, segment: int) -> Repaired:
    """Repair a segment over its own chips, and where those are not enough over others as well."""
    build = around.build
    rows = np.flatnonzero(around.segment == segment)
    moves, lost, work = around.moves.taken(rows), around.lost[rows], work_of(build, segment)
    closed = closed_to(around, segment)
    for relays in (False, True):
        room = room_of(around, segment, relays=relays)
        found = repaired(moves, work, around.wires, lost, room, closed)
        if not found.nowhere:
            break
    if found.nowhere:
        _refuse(around, segment, int(found.nowhere[0]))
    if not around.on_demand(segment) and found.is_later(moves, work):
        effort = f"no ways in time in segment {segment}, which repeats: others would have to move"
        raise NothingFoundError(effort, remedy=REMEDY)
    earliest = earliest_times(moves, work, around.bare, room.open.link)
    must_move = int((lost | (moves.depart < earliest.depart)).sum())
    return replace(found, row=rows[found.row], must_move=must_move, earliest=earliest.start)


def _refuse(around: Around, segment: int, slot: int) -> None:
    """Say why a lost slot has no way: infeasible where none leads from a result to an operator that needs it."""
    rows = np.flatnonzero(around.segment == segment)
    moves, up = around.moves.taken(rows), np.flatnonzero(around.fabric.link_up)
    cut_off = earliest_times(moves, work_of(around.build, segment), around.bare, up).cut_off
    name = around.fabric.position
    # Another spare might do.
    if cut_off and around.original == around.build.graph:
        one, other = cut_off
        raise InfeasibleError(
            f"segment {segment}: no way that is up leads from {_named(around, one)} to {_named(around, other)}, "
            "which needs its result"
        )
    ends = f"{name(int(moves.source[slot]))} to {name(int(moves.destination[slot]))}"
    raise NothingFoundError(f"no way for what segment {segment} sent from {ends}", remedy=REMEDY)


def _named(around: Around, node: int) -> str:
    host = bool(around.wires.host[node])
    return around.fabric.position(node) if host else f"chip {node} ({around.fabric.position(node)})"

"""The segments that what is down touches, repaired one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.reschedule.earliest import earliest_times
from lpxsched.reschedule.room import beside_of, room_of
from lpxsched.reschedule.segment import repaired
from lpxsched.reschedule.tasks import work_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    done: dict[int, Repaired] = {}
    for segment in around.touched:
        done[segment] = _repaired(around, segment, done)
    return done


def _repaired(around: Around, segment: int, done: Mapping[int, Repaired]) -> Repaired:
    """Repair a segment over its own chips, and where those are not enough over others as well."""
    build = around.build
    rows = np.flatnonzero(around.segment == segment)
    moves, lost, work = around.moves.taken(rows), around.lost[rows], work_of(build, segment)
    beside = beside_of(around, segment, done)
    for relays in (False, True):
        room = room_of(around, segment, relays=relays)
        found = repaired(moves, work, around.wires, lost, room, beside)
        if not found.nowhere:
            break
    if found.nowhere:
        _refuse(around, segment, int(found.nowhere[0]))
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

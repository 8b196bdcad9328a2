"""What of a build is exported: slots and operators of some layers, chips and cycles, on the timeline of the token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.token import token_time
from lpxsched.timetable.wires import pitch_numerators

if TYPE_CHECKING:
    from collections.abc import Collection

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows of a build with their times, in cycles of the token.

    Attributes
    ----------
    build : Build
    slots, slot_start, slot_end, slot_read : ndarray of int64, shape (slots,)
        Rows; departure, end of the hold, and read. In the order of links and departures.
    operators, operator_start, operator_end : ndarray of int64, shape (operators,)
        Rows, start, end.
    """

    build: Build
    slots: Integers
    slot_start: Integers
    slot_end: Integers
    slot_read: Integers
    operators: Integers
    operator_start: Integers
    operator_end: Integers


def select(
    build: Build,
    layers: Collection[int] | None = None,
    chips: Collection[int] | None = None,
    cycles: tuple[int, int] | None = None,
) -> Selection:
    """Return what belongs to any of the layers, at any of the chips, in any of the cycles; None asks for all.

    A slot belongs to the chips at both ends of its link, and to the layers of its segment.
    """
    token, slots, operators = token_time(build), build.slots, build.operators
    ends = [build.links.src[slots.link], build.links.dst[slots.link]]
    start = token.start_cycles[token.slot_segment] + slots.depart
    held = -(-slots.vectors * pitch_numerators(build)[slots.link] // build.links.vector_time_denominator[slots.link])
    begin = token.start_cycles[operators.segment] + operators.start
    slot_rows, operator_rows = np.ones(len(slots), dtype=np.bool_), np.ones(len(operators), dtype=np.bool_)
    if layers is not None:
        inside = np.array([any(layer in layers for layer in members) for members in token.layers], dtype=np.bool_)
        slot_rows &= inside[token.slot_segment]
        operator_rows &= np.isin(operators.layer, sorted(layers))
    if chips is not None:
        wanted = np.isin(np.arange(len(build.chips)), sorted(chips))
        slot_rows &= wanted[ends[0]] | wanted[ends[1]]
        operator_rows &= wanted[operators.chip]
    if cycles is not None:
        slot_rows &= (start < cycles[1]) & (start + held > cycles[0])
        operator_rows &= (begin < cycles[1]) & (begin + np.maximum(operators.cycles, 1) > cycles[0])
    chosen, run = np.flatnonzero(slot_rows), np.flatnonzero(operator_rows)
    return Selection(
        build=build,
        slots=chosen,
        slot_start=start[chosen],
        slot_end=(start + held)[chosen],
        slot_read=(start + slots.read - slots.depart)[chosen],
        operators=run,
        operator_start=begin[run],
        operator_end=(begin + operators.cycles)[run],
    )

"""What follows each other on one link or unit: in time, or around a period that repeats.

Rows of a timetable that repeats are those of iteration 0; iteration i does the same, i periods later. So all iterations
of all segments of a frame lie on one circle, and if any two of them meet, two that follow each other do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.verify.replay.placement import axes

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


class Pairs(NamedTuple):
    """Rows that follow each other on what they hold, and the cycles between their starts.

    Attributes
    ----------
    one, other, apart : ndarray of int64, shape (pairs,)
        The only row of a circle follows itself, a period later.
    """

    one: Integers
    other: Integers
    apart: Integers


def followers(build: Build, rows: Integers, held: Integers, segment: Integers, start: Integers) -> Pairs:
    """Return pairs of rows that follow each other on one thing.

    Parameters
    ----------
    build : Build
    rows : ndarray of int64, shape (rows,)
        Numbers of the rows that are told of.
    held : ndarray of int64, shape (rows,)
        The thing that each of them holds.
    segment : ndarray of int64, shape (rows,)
        Its segment; the last number stands for none, which has a time of its own.
    start : ndarray of int64, shape (rows,)
        Cycle of its segment.
    """
    axis, phase, period = (np.append(column, 0)[segment] for column in axes(build))
    begin = np.where(period > 0, (start + phase) % np.maximum(period, 1), start)
    order = np.lexsort((begin, axis, held))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (held[order][1:] != held[order][:-1]) | (axis[order][1:] != axis[order][:-1])
    one, other = order[~last], order[np.flatnonzero(~last) + 1]
    # The last one of a circle is followed by the first one of the next iteration.
    ends, opens = order[last], order[np.flatnonzero(np.append(True, last[:-1])[: len(order)])]
    around = period[ends] > 0
    ends, opens = ends[around], opens[around]
    apart = np.concatenate([begin[other] - begin[one], begin[opens] + period[opens] - begin[ends]])
    return Pairs(rows[np.concatenate([one, ends])], rows[np.concatenate([other, opens])], apart)

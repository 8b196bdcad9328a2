"""Intervals of time that must not overlap, in a timetable that runs once or repeats with a period.

All rows of a repeating timetable are of iteration 0; iteration i is the same, i periods later. Two intervals
meet in some pair of iterations when they meet modulo the period, on a circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.blocks import sorted_rows

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers


def clashes(holder: Integers, start: Integers, length: Integers, period: Integers) -> tuple[Integers, Integers]:
    """Return pairs (one, other): `other` begins while `one` still lasts, both of one holder.

    Neighbours alone are compared. If any two intervals of a holder overlap, two neighbours do. An interval longer
    than the period overlaps its own next iteration: it is its own pair.

    Parameters
    ----------
    holder, start, length : ndarray of int64, shape (intervals,)
        Interval i is ``[start, start + length)``; an empty one overlaps nothing.
    period : ndarray of int64, shape (intervals,)
        The same for all intervals of one holder; 0: runs once.
    """
    lasting = np.flatnonzero(length > 0)
    one, other, apart = neighbours(holder[lasting], start[lasting], period[lasting])
    wrong = apart < length[lasting[one]]
    return lasting[one[wrong]], lasting[other[wrong]]


def neighbours(holder: Integers, start: Integers, period: Integers) -> tuple[Integers, Integers, Integers]:
    """Return pairs (one, other) of what follows each other at one holder, and the cycles from one start to the other.

    Parameters
    ----------
    holder, start : ndarray of int64, shape (rows,)
    period : ndarray of int64, shape (rows,)
        The same for all rows of one holder; 0: runs once. Else its last row is followed by the first one of its next
        iteration.
    """
    begin = np.where(period > 0, start % np.maximum(period, 1), start)
    order = sorted_rows(holder, begin)
    last = np.append(holder[order][1:] != holder[order][:-1], True)[: len(order)]
    one, other = order[~last], order[np.flatnonzero(~last) + 1]
    ends, opens = order[last], order[np.append(True, last[:-1])[: len(order)]]
    ends, opens = ends[period[ends] > 0], opens[period[opens] > 0]
    after = np.concatenate([begin[other], begin[opens] + period[opens]])
    one, other = np.concatenate([one, ends]), np.concatenate([other, opens])
    return one, other, after - begin[one]


def modulo(period: int) -> str:
    """Return what a message about a repeating timetable adds."""
    return f", modulo the period {period}" if period else ""

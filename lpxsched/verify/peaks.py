"""How much lies somewhere at once, in a timetable that runs once or repeats with a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The most that each holder holds at once, and the first time at which it does; sorted by holder."""

    holder: Integers
    most: Integers
    time: Integers


def peaks(holder: Integers, begin: Integers, end: Integers, period: Integers) -> Peaks:
    """Return the largest number of intervals of one holder that hold one time.

    Where the timetable repeats, an interval that lasts q periods and a rest counts q times always, and once more
    during its rest.

    Parameters
    ----------
    holder : ndarray of int64, shape (intervals,)
    begin, end : ndarray of int64, or of whole numbers of Python, shape (intervals,)
        Interval i is ``[begin, end)``; empty ones hold nothing.
    period : ndarray of int64, or of whole numbers of Python, shape (intervals,)
        The same for all intervals of one holder; 0: runs once.
    """
    kept = begin < end
    holder, begin, end, period = holder[kept], begin[kept], end[kept], period[kept]
    repeats = period > 0
    if not repeats.any():
        return _swept(holder, begin, end, np.zeros_like(holder))
    whole = np.where(repeats, period, 1)
    always = np.where(repeats, (end - begin) // whole, 0)
    begin, end = np.where(repeats, begin % whole, begin), np.where(repeats, begin % whole + (end - begin) % whole, end)
    # What reaches beyond the period is there when it begins.
    again = np.flatnonzero(repeats & (end > period))
    # What is there always is there from 0 on.
    every = np.unique(holder[repeats])
    nothing = np.zeros(len(again) + len(every), dtype=np.int64)
    return _swept(
        np.concatenate([holder, holder[again], every]),
        np.concatenate([begin, nothing]),
        np.concatenate([np.where(repeats, np.minimum(end, period), end), (end - period)[again], np.zeros_like(every)]),
        np.concatenate([always, nothing]).astype(np.int64),
    )


def _swept(holder: Integers, begin: Integers, end: Integers, always: Integers) -> Peaks:
    who = np.concatenate([holder, holder])
    time, change = np.concatenate([begin, end]), np.repeat([1, -1], len(holder))
    # Times beyond int64 are ordered as Python orders them.
    moment = np.unique(time, return_inverse=True)[1] if time.dtype == object else time
    order = np.lexsort((change, moment, who))
    who, time = who[order], time[order]
    # All intervals of a holder end, so that the count is 0 where the next one begins.
    count = np.cumsum(change[order])
    first = np.flatnonzero(np.append(True, who[1:] != who[:-1])[: len(who)])
    most = np.maximum.reduceat(count, first) if len(first) else count
    number = np.cumsum(np.append(True, who[1:] != who[:-1])[: len(who)]) - 1
    at = np.flatnonzero(count == most[number])
    at = at[np.unique(number[at], return_index=True)[1]]
    total = np.zeros(1 + int(holder.max(initial=0)), dtype=np.int64)
    np.add.at(total, holder, always)
    return Peaks(who[first], most + total[who[first]], time[at])

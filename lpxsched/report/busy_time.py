"""For how long things are busy in equal bins of time, in whole ticks: the one count behind every utilisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal bins of time.

    Attributes
    ----------
    first, width : int
        Start of the first bin and width of each, in ticks.
    count : int
    kind : type
        ``int64``, or ``object`` where sums leave 64 bits.
    """

    first: int
    width: int
    count: int
    kind: Any

    @property
    def edges(self) -> NDArray[Any]:
        """The count + 1 edges, in ticks."""
        return self.first + self.width * np.arange(self.count + 1).astype(self.kind)


def busy_ticks(group: Integers, groups: int, start: NDArray[Any], end: NDArray[Any], bins: Bins) -> NDArray[Any]:
    """Return the ticks that spans of each group share with each bin, summed; shape (groups, bins).

    Parameters
    ----------
    group : ndarray of int64, shape (spans,)
        From 0 to `groups` - 1.
    groups : int
    start, end : ndarray, shape (spans,)
        In ticks. Spans of a group may overlap: each counts.
    bins : Bins
    """
    return np.asarray(_passed(group, groups, start, bins) - _passed(group, groups, end, bins))


def _passed(group: Integers, groups: int, since: NDArray[Any], bins: Bins) -> NDArray[Any]:
    """Return the time that passes in each bin since each of the given moments, summed over the moments of a group."""
    after = np.clip(since - bins.first, 0, bins.width * bins.count)
    # A moment behind the last bin falls into one more, which is cut off.
    column = (after // max(bins.width, 1)).astype(np.int64)
    place = group * (bins.count + 1) + column
    begun = np.zeros(groups * (bins.count + 1), dtype=np.int64)
    ticks = np.zeros(groups * (bins.count + 1), dtype=bins.kind)
    np.add.at(begun, place, 1)
    np.add.at(ticks, place, (column.astype(bins.kind) + 1) * bins.width - after)
    begun, ticks = begun.reshape(groups, -1)[:, :-1], ticks.reshape(groups, -1)[:, :-1]
    whole = np.cumsum(begun, axis=1) - begun
    return np.asarray(ticks + whole.astype(bins.kind) * bins.width)

"""How many of a chip's links are held by slots at each moment of a segment, by link class and direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.token_time import token_time
from lpxsched.timetable.derived import held_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True, eq=False)
class LanesInUse:
    """A step function: `share[i]` of the links are held from `moment_cycles[i]` to `moment_cycles[i + 1]`.

    Attributes
    ----------
    link_class, direction : str
        ``in`` towards the chip, ``out`` from it.
    links : int
        Links of the class and direction between the chip and other nodes of its segment.
    vectors : int
        Vectors that they carry.
    moment_cycles : ndarray of int64, shape (steps,)
    share : ndarray of float, shape (steps,)
        From 0 to 1.
    """

    link_class: str
    direction: str
    links: int
    vectors: int
    moment_cycles: Integers
    share: NDArray[np.float64]


def lanes_in_use(build: Build, segment: int, chip: int, shifts: Sequence[int] = (0,)) -> list[LanesInUse]:
    """Return the used classes and directions of a chip's links: what comes in, what goes to chips, then to hosts.

    Parameters
    ----------
    build : Build
    segment, chip : int
    shifts : sequence of int
        How much later passes begin than the segment's time zero, in cycles; slots of all of them count.
    """
    token = token_time(build)
    inside = np.zeros(len(build.links), dtype=np.bool_)
    inside[token.link[token.link_segment == segment]] = True
    own, found = token.slot_segment == segment, list[LanesInUse]()
    for direction, ends in ((IN, build.links.dst), (OUT, build.links.src)):
        mine = (ends == chip) & inside & ~build.links.down
        for link_class in sorted(set(build.links.link_class[mine].tolist())):
            of_class = mine & (build.links.link_class == link_class)
            found.append(_in_use(build, (link_class, direction), of_class, own, shifts))
    return sorted((row for row in found if row.vectors), key=_reading_order)


def _reading_order(row: LanesInUse) -> tuple[int, str]:
    to_host = row.direction == OUT and row.link_class == "host"
    return (2 if to_host else 1 if row.direction == OUT else 0, row.link_class)


def _in_use(
    build: Build, name: tuple[str, str], links: NDArray[np.bool_], slots: NDArray[np.bool_], shifts: Sequence[int]
) -> LanesInUse:
    rows = np.flatnonzero(links[build.slots.link] & slots)
    start = build.slots.depart[rows]
    # Whole cycles: slots that follow each other leave no gap in the picture.
    end = start + held_cycles(build, rows)
    start, end = (np.add.outer(np.array(shifts, dtype=np.int64), ends).ravel() for ends in (start, end))
    moments = np.concatenate([start, end])
    changes = np.concatenate([np.ones(len(start)), -np.ones(len(end))])
    distinct, inverse = np.unique(moments, return_inverse=True)
    level = np.cumsum(np.bincount(inverse, weights=changes, minlength=len(distinct)))
    count = int(links.sum())
    return LanesInUse(*name, count, int(build.slots.vectors[rows].sum()), distinct, level / count)

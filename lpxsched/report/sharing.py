"""For how long links and chips belong to the segments that share them, and whose layers these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def shared_cycles(build: Build) -> Integers:
    """Return the time in which each segment uses its links and units once: the period of its frame, else its makespan.

    Returns
    -------
    ndarray of int64, shape (segments,)
        At least 1.
    """
    period = build.frames.period_cycles[build.segments.frame]
    return np.maximum(np.where(period > 0, period, build.segments.makespan_cycles), 1)


def turn_cycles(build: Build, owner: Integers, segment: Integers, owners: int) -> Integers:
    """Return the time in which links or chips are used once by all segments that use them, at least 1.

    Segments of a frame that repeats share its period, those on demand run one after the other.

    Parameters
    ----------
    build : Build
    owner, segment : ndarray of int64, shape (uses,)
        A link or chip, and a segment that uses it.
    owners : int
        How many links or chips there are.
    """
    pairs = distinct_pairs(owner, segment)
    cycles, repeats = shared_cycles(build), build.frames.period_cycles[build.segments.frame] > 0
    total, most = np.zeros(owners, dtype=np.int64), np.zeros(owners, dtype=np.int64)
    np.add.at(total, pairs[0], np.where(repeats, 0, cycles)[pairs[1]])
    np.maximum.at(most, pairs[0], np.where(repeats, cycles, 0)[pairs[1]])
    return np.maximum(np.maximum(total, most), 1)


def distinct_pairs(owner: Integers, segment: Integers) -> tuple[Integers, Integers]:
    """Return each pair of an owner and a segment once, sorted."""
    segments = int(segment.max(initial=0)) + 1
    used = np.zeros((int(owner.max(initial=-1)) + 1) * segments, dtype=np.bool_)
    used[owner * segments + segment] = True
    return np.divmod(np.flatnonzero(used), segments)


def layers_of(token: TokenTime, owner: Integers, segment: Integers) -> dict[int, tuple[int, ...]]:
    """Return the layers of all segments that use each link or chip; parameters as of `turn_cycles`."""
    found: dict[int, set[int]] = {}
    for row, of_segment in zip(*(column.tolist() for column in distinct_pairs(owner, segment)), strict=True):
        found.setdefault(row, set()).update(token.layers[of_segment])
    return {row: tuple(sorted(layers)) for row, layers in found.items()}

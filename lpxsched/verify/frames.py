"""Frames: which iterations of which segments are in the machine at once, and what the rules take for granted of them.

Segments that share a chip or a link are of one frame. On demand (period 0) they run one at a time, each from its own
time zero. A frame that repeats begins iteration i of each of its segments at phase + i P, but for the windows that it
leaves as gaps: those whose number modulo `windows` is in `gaps`. All its rows are judged at their phases modulo P.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.bounds import LARGEST_WINDOWS
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """When segments run; the last place stands for what belongs to none (`NONE`).

    Attributes
    ----------
    owner : ndarray of int64, shape (segments + 1,)
        Equal for segments that are judged together: those of one frame that repeats.
    period, phase : ndarray of int64, shape (segments + 1,)
    """

    owner: Integers
    period: Integers
    phase: Integers

    def holders(self, thing: Integers, segment: Integers) -> Integers:
        """Return things (links, units, nodes) as those of them that segments hold at once."""
        return np.asarray(thing * len(self.owner) + self.owner[segment])

    def of(self, segment: Integers) -> tuple[Integers, Integers]:
        """Return the period and the owner of some segments."""
        return self.period[segment], self.owner[segment]


@lru_cache(maxsize=1)
def turns(build: Build) -> Turns:
    """Return when the segments of a build without `faults_of_frames` run."""
    segments, frames = build.segments, build.frames
    count, period = len(segments), np.append(frames.period_cycles, 0)[segments.frame]
    first = np.full(len(frames), count, dtype=np.int64)
    np.minimum.at(first, segments.frame, np.arange(count))
    return Turns(
        owner=np.append(np.where(period > 0, first[segments.frame], np.arange(count)), count),
        period=np.append(period, 0),
        phase=np.append(segments.phase_cycles, 0),
    )


def repeating(build: Build) -> Integers:
    """Return the frames that repeat."""
    return np.flatnonzero(build.frames.period_cycles > 0)


def faults_of_frames(build: Build) -> list[Violation]:
    """Return frames of which nothing can be judged, and chips of several frames."""
    return [*_on_demand(build), *_windows(build), *_phases(build), *_deskews(build), *_shared_chips(build)]


def _on_demand(build: Build) -> Iterator[Violation]:
    frames, gaps = build.frames, np.array([len(gaps) for gaps in build.frames.gaps], dtype=np.int64)
    told = (frames.windows != 0) | (frames.lower_bound_cycles != 0) | (gaps != 0)
    for row in np.flatnonzero((frames.period_cycles == 0) & told).tolist():
        message = f"frame {row} runs on demand, but has windows, gaps or a lower bound of its period"
        yield Violation("R1", message, rows_of(frames, row))
    for row in np.flatnonzero(np.bincount(build.segments.frame, minlength=len(frames)) == 0).tolist():
        yield Violation("R1", f"frame {row} holds no segment", rows_of(frames, row))


def _windows(build: Build) -> Iterator[Violation]:
    frames = build.frames
    for row in repeating(build).tolist():
        windows, gaps = int(frames.windows[row]), frames.gaps[row]
        if not 1 <= windows <= LARGEST_WINDOWS:
            message = f"frame {row} repeats with {windows} windows, must be 1 to {LARGEST_WINDOWS}"
            yield Violation("R1", message, rows_of(frames, row))
        elif len(gaps) and (gaps[0] < 0 or gaps[-1] >= windows or (np.diff(gaps) <= 0).any() or len(gaps) == windows):
            message = f"frame {row} has gaps {gaps.tolist()}, must be some of its {windows} windows in order, not all"
            yield Violation("R9", message, rows_of(frames, row))


def _phases(build: Build) -> Iterator[Violation]:
    segments = build.segments
    period = build.frames.period_cycles[segments.frame]
    for row in np.flatnonzero((segments.phase_cycles < 0) | (segments.phase_cycles >= np.maximum(period, 1))).tolist():
        message = f"segment {row} has phase {segments.phase_cycles[row]}, must be 0 to {max(int(period[row]), 1) - 1}"
        yield Violation("R1", message, rows_of(segments, row))


def _deskews(build: Build) -> Iterator[Violation]:
    deskews, frames = build.deskews, build.frames
    period, windows = frames.period_cycles[deskews.frame], frames.windows[deskews.frame]
    every = deskews.every_periods
    for row in np.flatnonzero((period == 0) & (every != 0)).tolist():
        message = f"deskew {row} repeats every {every[row]} periods of frame {deskews.frame[row]}, which runs on demand"
        yield Violation("R9", message, rows_of(deskews, row))
    for row in np.flatnonzero((period > 0) & ((every < 1) | (windows % np.maximum(every, 1) != 0))).tolist():
        message = f"deskew {row} repeats every {every[row]} periods, must be a divisor of the {windows[row]} windows"
        yield Violation("R9", message, rows_of(deskews, row))
    for row in np.flatnonzero((period > 0) & (deskews.cycle >= np.maximum(every, 1) * period)).tolist():
        message = (
            f"deskew {row} begins at {deskews.cycle[row]}, must be before {every[row] * period[row]}, when it repeats"
        )
        yield Violation("R9", message, rows_of(deskews, row))


def _shared_chips(build: Build) -> Iterator[Violation]:
    frame_of: dict[int, int] = {}
    for row, frame in enumerate(build.segments.frame.tolist()):
        for chip in sorted({chip for group in build.graph.groups_of(row) for chip in group.members}):
            if frame_of.setdefault(chip, frame) != frame:
                both = f"{frame_of[chip]} and {frame}"
                message = f"{named(build, chip)} is in frames {both}; segments that share a chip are of one frame"
                yield Violation("R1", message, rows_of(build.segments, row))

"""What frames of a build repeat: their period, their windows, and the deskews that a pass sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def only_period(build: Build) -> int:
    """Return the period of a build whose frames all repeat with the same one, else 0."""
    first, *others = np.unique(build.frames.period_cycles).tolist()
    return 0 if others else int(first)


def deskew_rows(build: Build, frame: int) -> Integers:
    """Return the rows of the deskews that a pass of a frame sees: others lie between its periods."""
    return np.flatnonzero((build.deskews.frame == frame) & (build.deskews.every_periods == 0))


class Windows(NamedTuple):
    """How many windows of a frame there are, how many of them no deskew takes, and how many of those are owned."""

    owned: int
    free: int
    every: int

    @property
    def owned_share(self) -> float:
        """What share of the longest step their owners compute in."""
        return self.owned / self.every


def windows_of(build: Build) -> Windows | None:
    """Return the windows of a model in flight; None of what runs on demand or counts none, and of a collective."""
    owned = build.manifest.results.get("in_flight")
    windows = int(build.frames.windows[0]) if only_period(build) else 0
    if owned is None or not windows:
        return None
    # A micro-batch owns the same window of all frames.
    return Windows(int(owned), windows - max(len(gaps) for gaps in build.frames.gaps), windows)

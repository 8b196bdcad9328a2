"""R10 deadlines: segments meet the latency asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

RULE = "R10"


def deadline_violations(build: Build) -> list[Violation]:
    """Return every segment that takes longer than its deadline; -1 is none."""
    makespan, deadline = build.segments.makespan_cycles, build.segments.deadline_cycles
    late = np.flatnonzero((deadline >= 0) & (makespan > deadline))
    return [
        Violation(
            RULE,
            f"segment {row}: makespan_cycles is {makespan[row]}, its deadline {deadline[row]}",
            rows_of(build.segments, row),
        )
        for row in late.tolist()
    ]

"""R10 deadlines: segments meet the latency asked for, which is that of the options where they tell one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

RULE = "R10"


def deadline_violations(build: Build) -> list[Violation]:
    """Return every segment that takes longer than its deadline, or has another than was asked for; -1 is none."""
    makespan, deadline = build.segments.makespan_cycles, build.segments.deadline_cycles
    late = np.flatnonzero((deadline >= 0) & (makespan > deadline))
    found = [(row, f"makespan_cycles is {makespan[row]}, its deadline {deadline[row]}") for row in late.tolist()]
    asked = build.manifest.options.get("deadline")
    if asked is not None:
        other = [row for row, cycles in enumerate(deadline.tolist()) if cycles != asked]
        found += [(row, f"deadline_cycles is {deadline[row]}, options ask for {asked!r}") for row in other]
    return [Violation(RULE, f"segment {row}: {message}", rows_of(build.segments, row)) for row, message in found]

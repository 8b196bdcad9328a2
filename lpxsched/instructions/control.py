"""Control units: when chips deskew, and whether their other units wait meanwhile.

All chips execute RUNTIME_DESKEW at the same scheduled time (Abts et al., ISCA 2022), so all programs of a frame say the
same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.instructions.streams import CONTROL, DESKEW, NOTIFY, SYNC, UNITS
from lpxsched.timetable.columns import Deskews
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.instructions.streams import NodeProgram, Section
    from lpxsched.timetable.build import Build

# Cycle, stall, periods from one to the next.
Stall = tuple[int, int, int]


def with_deskews(build: Build, programs: Sequence[NodeProgram]) -> tuple[Build, list[str]]:
    """Return a build that deskews as programs say, and where they do not agree or a frame cannot follow them."""
    told: defaultdict[int, dict[tuple[Stall, ...], int]] = defaultdict(dict)
    for program in programs:
        mine = defaultdict[tuple[int, int], list[Stall]](list)
        for section in program.sections:
            # In a frame that repeats segments have no deskews of their own.
            stalls = mine[section.frame, NONE if section.period_cycles else section.segment]
            if section.unit == CONTROL:
                stalls += [(one.cycle, one.cycles, one.every) for one in section.instructions if one.code == DESKEW]
        for (frame, _), stalls in mine.items():
            told[frame].setdefault(tuple(sorted(stalls)), program.node)
    rows = sorted((frame, *stall) for frame, found in told.items() for stall in next(iter(found)))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    faults = [
        f"frame {frame}: nodes {', '.join(map(str, found.values()))} do not deskew in the same cycles"
        for frame, found in sorted(told.items())
        if len(found) > 1
    ]
    faults += [problem for row in rows if (problem := _impossible(build, *row))]
    aligned = {row[0] for row in rows if build.frames.period_cycles[row[0]] or not row[1]}
    # Where the clock asks for it.
    faults += [
        f"frame {frame} does not open with DESKEW" for frame in sorted({*build.deskews.frame.tolist()} - aligned)
    ]
    return replace(build, deskews=Deskews(*(column.copy() for column in columns))), faults


def _impossible(build: Build, frame: int, cycle: int, stall: int, every: int) -> str:
    """Return why a frame cannot deskew so; empty where it can."""
    period, windows = int(build.frames.period_cycles[frame]), int(build.frames.windows[frame])
    right = every == 0 if not period else 0 < every <= windows and windows % every == 0 and cycle < every * period
    return "" if right else f"frame {frame} cannot deskew in cycle {cycle} for {stall}, every {every} periods"


def waiting_faults(programs: Sequence[NodeProgram]) -> Iterator[str]:
    """Yield which units do not wait for the control unit, at the start of a segment and while it deskews."""
    for program in programs:
        of_segment: defaultdict[int, list[Section]] = defaultdict(list)
        for section in program.sections:
            if section.segment != NONE:
                of_segment[section.segment].append(section)
        for segment, mine in sorted(of_segment.items()):
            where = f"node {program.node}, segment {segment}"
            yield from (f"{where}, {problem}" for problem in _of_segment(mine))


def _of_segment(sections: Sequence[Section]) -> Iterator[str]:
    control = [one for section in sections if section.unit == CONTROL for one in section.instructions]
    stalls = [(one.cycle, one.cycle + one.cycles) for one in control if one.code == DESKEW]
    notified = [one.cycle for one in control if one.code == NOTIFY]
    if any(begin <= cycle < end for cycle in notified for begin, end in stalls):
        yield "control: units are notified while the chip deskews"
    for section in sections:
        if section.unit != CONTROL:
            yield from (f"{UNITS[section.unit]}: {problem}" for problem in _waits(section, stalls, notified))


def _waits(section: Section, stalls: Sequence[tuple[int, int]], notified: Sequence[int]) -> Iterator[str]:
    waits = {one.cycle for one in section.instructions if one.code == SYNC}
    for cycle in sorted({0, *(begin for begin, _ in stalls)} - waits):
        yield f"does not wait in cycle {cycle}"
    until = 0
    for one in section.instructions:
        if one.code == SYNC:
            going = [cycle for cycle in notified if cycle >= one.cycle]
            if not going:
                yield f"waits from cycle {one.cycle} on, and is never notified"
            until = min(going, default=until)
        elif one.cycle < until:
            yield f"acts in cycle {one.cycle}, before it is notified in {until}"

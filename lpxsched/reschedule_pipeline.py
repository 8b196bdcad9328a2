"""From a build folder and what is down to a timetable round it; only wires the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.flags import without_flag_rows
from lpxsched.fabric.down import without
from lpxsched.fabric.schema import DownFile
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import validate
from lpxsched.reschedule.around import around_of
from lpxsched.reschedule.clocks import aligned_cycles, clocks_hold
from lpxsched.reschedule.difference import difference
from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule.flags import lost_flags
from lpxsched.reschedule.rebuilt import rebuilt
from lpxsched.reschedule.segments import repaired_segments
from lpxsched.reschedule.spares import spare_roles

# How often guards and deskews may turn out too short for what they made later.
TRIES = 4

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build


def fabric_without(build: Build, file: Path | None) -> Fabric:
    """Return the fabric of a build without what a file names, if there is one.

    Raises
    ------
    InputError
        When the file is wrong, or names what is not there.
    """
    if file is None:
        return fabric_of(build)
    document = read_yaml(file)
    return without(fabric_of(build), validate(document, DownFile), document)


def rescheduled(build: Build, fabric: Fabric) -> tuple[Build, dict[str, Any]]:
    """Return a build on what is left of its fabric, and what changed.

    Raises
    ------
    InfeasibleError, NothingFoundError
    """
    bare, longest = without_flag_rows(build), 0
    role = spare_roles(bare, fabric)
    for _ in range(TRIES):
        around = around_of(bare, fabric, role, longest)
        segments = repaired_segments(around)
        after = rebuilt(around, segments)
        if clocks_hold(after):
            break
        # What comes later is read longer after a deskew.
        longest = aligned_cycles(after)
    changed = difference(build, after, role)
    must_move = sum(found.must_move for found in segments.values()) + lost_flags(build, fabric)
    fewest = changed["rows_moved"] + changed["rows_dropped"] == must_move
    told = {
        "makespan_before_cycles": int(build.segments.makespan_cycles.sum()),
        **changed,
        "rows_lower_bound": must_move,
        "rows_status": "optimal" if fewest else "feasible",
        "segments_touched": len(segments),
        "spares": {str(chip): int(role[chip]) for chip in np.flatnonzero(role != np.arange(fabric.nodes)).tolist()},
    }
    return after, told

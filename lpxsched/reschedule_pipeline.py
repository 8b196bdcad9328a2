"""From a build folder and what is down to a timetable round it; only wires the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.fabric.down import without
from lpxsched.fabric.schema import DownFile
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import validate
from lpxsched.reschedule.difference import difference
from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule.rebuilt import rebuilt
from lpxsched.reschedule.rescheduled import around_of, repaired_segments

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build


def fabric_without(build: Build, file: Path) -> Fabric:
    """Return the fabric of a build without what a file names.

    Raises
    ------
    InputError
        When the file is wrong, or names what is not there.
    """
    document = read_yaml(file)
    return without(fabric_of(build), validate(document, DownFile), document)


def rescheduled(build: Build, fabric: Fabric) -> tuple[Build, dict[str, int]]:
    """Return a build on what is left of its fabric, and what changed.

    Raises
    ------
    InfeasibleError, NothingFoundError
    """
    around = around_of(build, fabric)
    after = rebuilt(around, repaired_segments(around))
    told = {"makespan_before_cycles": int(build.segments.makespan_cycles.sum()), **difference(build, after)}
    return after, told

"""Small collectives whose links fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.collective_pipeline import compile_collective
from lpxsched.fabric.down import without
from lpxsched.fabric.schema import DownFile
from lpxsched.files.document import Document
from lpxsched.options import CollectiveOptions
from lpxsched.reschedule.fabric import fabric_of
from tests.fabric.examples import write_family

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build

# Of links of `tests.fabric.examples` at 1 GHz: ceil(320 x 8 / 100) for a vector, and a latency of 5.
HOP_CYCLES = 26 + 5


def collective(topology: str, kind: str, vectors: int, **options: Any) -> Build:
    """Return the build of a collective."""
    return compile_collective(CollectiveOptions(kind=kind, topology=topology, vectors=vectors, **options))[0]


def full_mesh(folder: Path, chips: int) -> str:
    """Write a full mesh, in which a chip sends on without delay what it has read, and return its file."""
    return write_family(folder, "full-mesh", chips=chips)


def fabric_without(build: Build, **down: Any) -> Fabric:
    """Return the fabric of a build without some links, chips or trays."""
    return without(fabric_of(build), DownFile(**down), Document("down.yaml", {}, {}))

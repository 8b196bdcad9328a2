"""A build in memory: its tables, its graph and its manifest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lpxsched.timetable.columns import TABLES
from lpxsched.timetable.content import content_sha256

if TYPE_CHECKING:
    from lpxsched.timetable.columns import (
        Chips,
        Deskews,
        Frames,
        Links,
        Operands,
        Operators,
        Segments,
        Slots,
        Table,
        Tensors,
    )
    from lpxsched.timetable.documents import GraphFile, ManifestFile


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """Everything that a build folder holds.

    Attributes
    ----------
    slots, operators, operands, tensors, chips, links, segments, frames, deskews : Table
        In the order of `TABLES`.
    graph : GraphFile
    manifest : ManifestFile
    graph_json : bytes
        ``graph.json`` as it stands on disk, for the content hash.
    """

    slots: Slots
    operators: Operators
    operands: Operands
    tensors: Tensors
    chips: Chips
    links: Links
    segments: Segments
    frames: Frames
    deskews: Deskews
    graph: GraphFile
    manifest: ManifestFile
    graph_json: bytes

    @property
    def tables(self) -> tuple[Table, ...]:
        """The nine tables in the order of the content hash, that of `TABLES`."""
        return tuple(getattr(self, field.name) for field in fields(self)[: len(TABLES)])

    def content_sha256(self) -> str:
        """Return the hash of what was read, to be compared with the manifest's."""
        return content_sha256(self.tables, self.graph_json)

"""A build in memory: its tables, its graph and its manifest, which signs them by a hash of what they hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import (
    COLUMN_NAMES,
    TABLES,
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
    text_runs,
)
from lpxsched.timetable.documents import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.documents import GraphFile, ManifestFile


def content_sha256(tables: Sequence[Table], graph_json: bytes) -> str:
    """Return the SHA-256 of tables and graph as ``docs/build-folder.md`` lays them out, in hexadecimal."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(_text(table.file))
        for field in fields(table):
            column = getattr(table, field.name)
            digest.update(_text(COLUMN_NAMES.get(field.name, field.name)) + _integers([len(column)]))
            digest.update(_bytes(column))
    digest.update(graph_json)
    return digest.hexdigest()


def _bytes(column: np.ndarray | tuple[np.ndarray, ...]) -> bytes | memoryview:
    if isinstance(column, tuple):
        return b"".join(_integers([len(part)]) + _integers(part) for part in column)
    if column.dtype.kind == "U":
        return b"".join(_text(value) * times for value, times in text_runs(column))
    if column.dtype.kind == "b":
        return column.astype(np.uint8).tobytes()
    # Its own memory is hashed, not a copy of it.
    return np.ascontiguousarray(column, dtype="<f8" if column.dtype.kind == "f" else "<i8").data


def _integers(values: np.ndarray | list[int]) -> bytes:
    return np.asarray(values, dtype="<i8").tobytes()


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _integers([len(encoded)]) + encoded


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """Everything that a build folder holds: tables in the order of `TABLES`, and ``graph.json`` as it is on disk."""

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


def signed(build: Build) -> Build:
    """Return a build with the bytes of its graph, and in its manifest the content hash of these and of its tables."""
    build = replace(build, graph_json=canonical_json(build.graph))
    update = {"content_sha256": build.content_sha256()}
    return replace(build, manifest=build.manifest.model_copy(update=update))

"""Read a build folder; every fault of it is an `InputError` that names the file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lpxsched.errors import InputError
from lpxsched.files.document import read_json, read_text
from lpxsched.files.schema import validate
from lpxsched.timetable.columns import (
    COLUMN_NAMES,
    TABLES,
    Chips,
    Deskews,
    Links,
    Operands,
    Operators,
    Segments,
    Slots,
    Table,
    Tensors,
)
from lpxsched.timetable.content import content_sha256
from lpxsched.timetable.documents import GraphFile, ManifestFile

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

MANIFEST, GRAPH = "manifest.json", "graph.json"

AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """Everything that a build folder holds.

    Attributes
    ----------
    slots, operators, operands, tensors, chips, links, segments, deskews : Table
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
    deskews: Deskews
    graph: GraphFile
    manifest: ManifestFile
    graph_json: bytes

    @property
    def tables(self) -> tuple[Table, ...]:
        """The eight tables in the order of the content hash."""
        return (
            self.slots,
            self.operators,
            self.operands,
            self.tensors,
            self.chips,
            self.links,
            self.segments,
            self.deskews,
        )

    def content_sha256(self) -> str:
        """Return the hash of what was read, to be compared with the manifest's."""
        return content_sha256(self.tables, self.graph_json)


def is_build(folder: Path) -> bool:
    """Return whether a folder was written by ``lpxsched compile``: its manifest and all its tables are there."""
    names = [MANIFEST, GRAPH, *(table.file for table in TABLES)]
    return all((folder / name).is_file() for name in names)


def read_build(folder: Path) -> Build:
    """Read a build folder.

    Raises
    ------
    InputError
        When the folder is no build, a file is missing or malformed, or a row points at another that is not there.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "no such folder; write one with lpxsched compile")
    for name in (MANIFEST, GRAPH, *(table.file for table in TABLES)):
        if not (folder / name).is_file():
            raise InputError(str(folder), f"{name} is missing; this is no build folder of lpxsched compile")
    build = Build(
        slots=_read(folder, Slots),
        operators=_read(folder, Operators),
        operands=_read(folder, Operands),
        tensors=_read(folder, Tensors),
        chips=_read(folder, Chips),
        links=_read(folder, Links),
        segments=_read(folder, Segments),
        deskews=_read(folder, Deskews),
        graph=validate(read_json(folder / GRAPH), GraphFile),
        manifest=validate(read_json(folder / MANIFEST), ManifestFile),
        graph_json=read_text(folder / GRAPH).encode(),
    )
    _check_references(folder, build)
    return build


def _read(folder: Path, table: type[AnyTable]) -> AnyTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / table.file
    try:
        data = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(str(path), f"not readable as Parquet: {str(error).splitlines()[0]}") from error
    columns: dict[str, Any] = {}
    names = {field.name: COLUMN_NAMES.get(field.name, field.name) for field in fields(table)}
    if data.column_names != list(names.values()):
        problem = f"columns are {', '.join(data.column_names)}; expected {', '.join(names.values())}"
        raise InputError(str(path), problem)
    for field in fields(table):
        columns[field.name] = _column(path, data.column(names[field.name]), str(field.type), names[field.name])
    return table(**columns)


def _column(path: Path, column: pa.ChunkedArray, kind: str, name: str) -> Any:
    import pyarrow as pa

    expected = {
        "Integers": pa.int64(),
        "Text": pa.string(),
        "Flags": pa.bool_(),
        "Lists": pa.list_(pa.int64()),
    }[kind]
    if column.null_count or not column.type.equals(expected):
        problem = f"must be {expected} without nulls, is {column.type} with {column.null_count} nulls"
        raise InputError(str(path), problem, key=name)
    if kind == "Lists":
        return tuple(np.asarray(part, dtype=np.int64) for part in column.to_pylist())
    if kind == "Text":
        return np.asarray(column.to_pylist(), dtype=np.str_)
    return column.to_numpy().copy()


def _check_references(folder: Path, build: Build) -> None:
    sizes = {table: len(table) for table in build.tables}
    counted: tuple[tuple[Table, str], ...] = (
        (build.operators, "operator"),
        (build.tensors, "tensor"),
        (build.chips, "chip"),
        (build.links, "link"),
        (build.segments, "segment"),
    )
    for table, name in counted:
        if not np.array_equal(getattr(table, name), np.arange(sizes[table])):
            raise InputError(str(folder / table.file), "must count from 0 without gaps", key=name)
    references: tuple[tuple[Table, str, Table, int], ...] = (
        (build.slots, "tensor", build.tensors, 0),
        (build.slots, "link", build.links, 0),
        (build.operators, "segment", build.segments, 0),
        (build.operators, "chip", build.chips, 0),
        (build.operands, "operator", build.operators, 0),
        (build.operands, "tensor", build.tensors, 0),
        (build.tensors, "chip", build.chips, 0),
        (build.tensors, "producer", build.operators, -1),
        (build.chips, "hac_parent", build.chips, 0),
        (build.links, "src", build.chips, 0),
        (build.links, "dst", build.chips, 0),
        (build.deskews, "segment", build.segments, 0),
    )
    for table, name, target, lowest in references:
        wrong = np.flatnonzero((getattr(table, name) < lowest) | (getattr(table, name) >= sizes[target]))
        if len(wrong):
            row = int(wrong[0])
            problem = f"row {row} says {getattr(table, name)[row]}, {target.file} has rows 0 to {sizes[target] - 1}"
            raise InputError(str(folder / table.file), problem, key=name)

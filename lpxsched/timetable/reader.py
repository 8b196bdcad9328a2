"""Read a build folder; every fault of it is an `InputError` that names the file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.errors import InputError
from lpxsched.files.document import Document, read_bytes, read_json
from lpxsched.files.schema import short, validate
from lpxsched.timetable.build import Build
from lpxsched.timetable.columns import COLUMN_NAMES, TABLES, AnyTable
from lpxsched.timetable.consistency import check_consistency
from lpxsched.timetable.documents import FORMAT, GraphFile, ManifestFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq


def read_table(path: Path, table: type[AnyTable]) -> AnyTable:
    """Return a file's columns as a table, whose fields say which columns it must have, of which types.

    Raises
    ------
    InputError
        When the file is not Parquet, is damaged, has other columns, or holds a null.
    """
    kinds = {COLUMN_NAMES.get(field.name, field.name): field for field in fields(table)}
    try:
        columns = {
            field.name: _column(path, column, str(field.type), name)
            for (name, field), column in zip(kinds.items(), _columns(path, list(kinds)), strict=True)
        }
        return table(**columns)
    except MemoryError as error:
        raise InputError(str(path), "does not fit into memory") from error


def _columns(path: Path, names: list[str]) -> Iterator[pa.ChunkedArray]:
    """Yield the columns of a file one after the other: of a large one no two are held in two forms."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Python opens the file: the names of pyarrow's files must be UTF-8.
        with path.open("rb") as opened:
            file = pq.ParquetFile(opened)
            if file.schema_arrow.names != names:
                problem = f"columns are {', '.join(file.schema_arrow.names)}; expected {', '.join(names)}"
                raise InputError(str(path), problem)
            for name in names:
                yield _whole(file, name)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(str(path), f"not readable as Parquet: {reason}") from error


def _whole(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    column = file.read(columns=[name]).column(0)
    # A damaged file may still be read, with text that is not UTF-8 or lists that end before they begin.
    column.validate(full=True)
    if len(column) != file.metadata.num_rows:
        raise ValueError(f"column {name} has {len(column)} of {file.metadata.num_rows} rows")
    return column


def _column(path: Path, column: pa.ChunkedArray, kind: str, name: str) -> Any:
    import pyarrow as pa

    expected = {
        "Integers": pa.int64(),
        "Text": pa.string(),
        "Flags": pa.bool_(),
        "Floats": pa.float64(),
        "Lists": pa.list_(pa.int64()),
    }[kind]
    if column.null_count or not column.type.equals(expected):
        problem = f"must be {expected} without nulls, is {column.type} with {column.null_count} nulls"
        raise InputError(str(path), problem, key=name)
    if kind == "Lists":
        return _lists(path, column, name)
    if kind == "Text":
        return _text(path, column, name)
    if kind == "Flags":
        return _numbers(column.cast(pa.uint8()), np.uint8).astype(np.bool_)
    return _numbers(column, np.float64 if kind == "Floats" else np.int64)


def _numbers(column: pa.ChunkedArray, dtype: type) -> np.ndarray:
    """Return whole numbers or floats: DLPack knows no flags, to_numpy() loads pandas, which takes longer than this."""
    return np.concatenate([np.zeros(0, dtype=dtype), *map(np.from_dlpack, column.chunks)])


def _lists(path: Path, column: pa.ChunkedArray, name: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    lists = column.to_pylist()
    for row, values in enumerate(lists):
        if None in values:
            raise InputError(str(path), f"row {row} has a null in its list", key=name)
    return tuple(np.array(values, dtype=np.int64) for values in lists)


def _text(path: Path, column: pa.ChunkedArray, name: str) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    # Few texts differ: Python's own are made of those alone.
    encoded = column.combine_chunks().dictionary_encode()
    texts: list[str] = encoded.dictionary.to_pylist()
    number = np.from_dlpack(encoded.indices)
    # numpy drops a NUL at the end of a text, and two different files would get one content hash.
    with_nul = np.array(["\0" in text for text in texts], dtype=np.bool_)
    if with_nul.any():
        raise InputError(str(path), f"row {with_nul[number].argmax()} holds a NUL character", key=name)
    whole: np.ndarray[tuple[int], np.dtype[np.str_]] = np.array(texts, dtype=np.str_)[number]
    return whole


MANIFEST, GRAPH = "manifest.json", "graph.json"
FILES = (MANIFEST, GRAPH, *(table.file for table in TABLES))


def read_sound_build(folder: Path) -> Build:
    """Read a build folder whose tables are those that its manifest was signed for.

    Raises
    ------
    InputError
        As `read_build`, and when the content hash differs.
    """
    build = read_build(folder)
    if build.content_sha256() != build.manifest.content_sha256:
        problem = "does not match the tables and graph.json of this folder; lpxsched check tells more"
        raise InputError(str(folder / MANIFEST), problem, key="content_sha256")
    return build


def is_build(folder: Path) -> bool:
    """Return whether a folder was written by ``lpxsched compile``: its manifest and all its tables are there."""
    return not _missing(folder)


def read_build(folder: Path) -> Build:
    """Read a build folder.

    Raises
    ------
    InputError
        When the folder is no build, a file is missing or malformed, or a row contradicts another.
    """
    manifest = _read_manifest(folder)
    names = [field.name for field in fields(Build)[: len(TABLES)]]
    tables: dict[str, Any] = {
        name: read_table(folder / kind.file, kind) for name, kind in zip(names, TABLES, strict=True)
    }
    build = Build(
        **tables,
        graph=validate(read_json(folder / GRAPH), GraphFile),
        manifest=manifest,
        graph_json=read_bytes(folder / GRAPH),
    )
    check_consistency(folder, build)
    return build


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if not (folder / name).is_file()]


def _read_manifest(folder: Path) -> ManifestFile:
    """Read the manifest of a complete folder; another format is told first, since anything else may follow from it."""
    try:
        missing = _missing(folder) if folder.is_dir() else None
    except OSError as error:
        raise InputError(str(folder), f"cannot be read: {error.strerror}") from error
    if missing is None:
        problem = "is a file, name the folder of a build" if folder.exists() else "no such folder"
        raise InputError(str(folder), f"{problem}; write one with lpxsched compile or collective")
    document = Document(MANIFEST, {}, {}) if MANIFEST in missing else read_json(folder / MANIFEST)
    _check_format(document)
    if missing:
        has_manifest = MANIFEST not in missing
        what = (
            "this build is not whole, write it again" if has_manifest else "this is no build folder of lpxsched compile"
        )
        raise InputError(str(folder), f"{missing[0]} is missing; {what}")
    return validate(document, ManifestFile)


def _check_format(document: Document) -> None:
    written = document.data.get("format", FORMAT) if isinstance(document.data, dict) else FORMAT
    # 2.0 equals 2 in Python, not in a manifest.
    if type(written) is not int or written != FORMAT:
        raise document.error(("format",), f"format {short(written)}, this version reads {FORMAT}; compile it again")

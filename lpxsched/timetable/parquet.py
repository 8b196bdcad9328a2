"""Read one Parquet file into its table; every fault of it is an `InputError` that names file and column."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lpxsched.errors import InputError
from lpxsched.timetable.columns import COLUMN_NAMES, Table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

AnyTable = TypeVar("AnyTable", bound=Table)


def read_table(path: Path, table: type[AnyTable]) -> AnyTable:
    """Return a file's columns as a table.

    Parameters
    ----------
    path : Path
    table : type of Table
        Its fields say which columns the file must have, in which order, and of which types.

    Raises
    ------
    InputError
        When the file is not Parquet, is damaged, has other columns, or holds a null.
    """
    names = {field.name: COLUMN_NAMES.get(field.name, field.name) for field in fields(table)}
    try:
        data = _read(path)
        if data.column_names != list(names.values()):
            problem = f"columns are {', '.join(data.column_names)}; expected {', '.join(names.values())}"
            raise InputError(str(path), problem)
        columns = {
            field.name: _column(path, data.column(names[field.name]), str(field.type), names[field.name])
            for field in fields(table)
        }
    except MemoryError as error:
        raise InputError(str(path), "does not fit into memory") from error
    return table(**columns)


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Python opens the file: the names of pyarrow's files must be UTF-8.
        with path.open("rb") as file:
            data = pq.ParquetFile(file).read()
        # A damaged file may still be read, with text that is not UTF-8 or lists that end before they begin.
        data.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(str(path), f"not readable as Parquet: {reason}") from error
    return data


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
    # DLPack knows no flags of one bit; to_numpy() would load pandas first, which takes longer than all the rest.
    whole = (column.cast(pa.uint8()) if kind == "Flags" else column).combine_chunks()
    values = np.from_dlpack(whole)
    return values.astype(np.bool_) if kind == "Flags" else values.copy()


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
    number = np.from_dlpack(encoded.indices).astype(np.int64)
    # numpy drops a NUL at the end of a text, and two different files would get one content hash.
    with_nul = np.array(["\0" in text for text in texts], dtype=np.bool_)
    if with_nul.any():
        raise InputError(str(path), f"row {with_nul[number].argmax()} holds a NUL character", key=name)
    return np.array(texts, dtype=np.str_)[number]

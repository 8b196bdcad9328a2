"""Write a build folder."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.files.folder import refuse_folder, write_folder
from lpxsched.timetable.columns import COLUMN_NAMES, Table, text_runs
from lpxsched.timetable.documents import canonical_json
from lpxsched.timetable.reader import FILES, GRAPH, MANIFEST, is_build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build

ROW_GROUP_ROWS = 1 << 19


def refuse_foreign_folder(folder: Path) -> None:
    """Raise an `InputError` when the target exists and is not a build folder (an empty folder may be taken)."""
    refuse_folder(folder, "a build folder", is_build, FILES.__contains__)


def write_build(folder: Path, build: Build) -> None:
    """Write a build folder beside its target and put it in place in one step; an older build is exchanged atomically.

    Raises
    ------
    InputError
        When the target is something else than a build, or the disk refuses.
    """

    def fill(scratch: Path) -> None:
        for table in build.tables:
            write_table(scratch / table.file, table)
        (scratch / GRAPH).write_bytes(build.graph_json)
        (scratch / MANIFEST).write_bytes(canonical_json(build.manifest))

    write_folder(folder, fill, refuse_foreign_folder)


def write_table(path: Path, table: Table) -> None:
    """Write one table as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {COLUMN_NAMES.get(field.name, field.name): _array(getattr(table, field.name)) for field in fields(table)}
    integers = [name for name, array in arrays.items() if array.type.equals(pa.int64())]
    # Python opens the file: the names of pyarrow's files must be UTF-8.
    with path.open("wb") as file:
        pq.write_table(
            pa.table(arrays),
            file,
            compression="zstd",
            use_dictionary=[name for name in arrays if name not in integers],
            column_encoding=dict.fromkeys(integers, "BYTE_STREAM_SPLIT"),
            row_group_size=ROW_GROUP_ROWS,
        )


def _array(column: np.ndarray | tuple[np.ndarray, ...]) -> pa.Array:
    """Return a column for Parquet.

    Arrays are made of their buffers: pa.array() asks pandas what its input is, where there is one, and so loads it,
    which takes longer than all the rest.
    """
    import pyarrow as pa

    if isinstance(column, tuple):
        values = np.concatenate([np.zeros(0, dtype=np.int64), *column])
        return pa.ListArray.from_arrays(_array(_offsets([*map(len, column)])), _array(values))
    if column.dtype.kind == "U":
        runs = [(text.encode(), times) for text, times in text_runs(column)]
        sizes = np.repeat([len(text) for text, _ in runs], [times for _, times in runs])
        whole = b"".join(text * times for text, times in runs)
        return pa.StringArray.from_buffers(len(column), pa.py_buffer(_offsets(sizes)), pa.py_buffer(whole))
    held = np.packbits(column, bitorder="little") if column.dtype.kind == "b" else np.ascontiguousarray(column)
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(held)])


def _offsets(sizes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int32]:
    return np.append(0, np.cumsum(sizes)).astype(np.int32)

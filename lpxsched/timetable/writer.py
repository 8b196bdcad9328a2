"""Write a build folder in one step, never over anything that is not one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.timetable.columns import COLUMN_NAMES, Table
from lpxsched.timetable.documents import canonical_json
from lpxsched.timetable.reader import GRAPH, MANIFEST, Build, is_build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

ROW_GROUP_ROWS = 1 << 19
SUFFIX = ".lpxsched"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def refuse_foreign_folder(folder: Path) -> None:
    """Raise an `InputError` when the target exists and is not a build folder (an empty folder may be taken)."""
    if folder.is_symlink() and not folder.exists():
        raise InputError(str(folder), "is a broken link; name another folder")
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not is_build(folder):
        raise InputError(str(folder), "exists and is not a build folder; name another or remove it")


def write_build(folder: Path, build: Build) -> None:
    """Write a build folder beside its target and put it in place in one step.

    Parameters
    ----------
    folder : Path
        The target; an older build there is exchanged atomically.
    build : Build

    Raises
    ------
    InputError
        When the target is something else than a build, or the disk refuses.
    """
    refuse_foreign_folder(folder)
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch_folder(target) as scratch:
            for table in build.tables:
                _write_table(scratch / table.file, table)
            (scratch / GRAPH).write_bytes(build.graph_json)
            (scratch / MANIFEST).write_bytes(canonical_json(build.manifest))
            _flush(scratch)
            _put_in_place(scratch, target)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written: {error.strerror}") from error


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
    """Make a locked hidden sibling; remove what killed runs left, which nobody holds a lock on any more."""
    for leftover in sorted(target.parent.glob(f".{target.name}.*{SUFFIX}")):
        with _lock(leftover) as free:
            if free:
                shutil.rmtree(leftover)
    scratch = target.parent / f".{target.name}.{os.getpid()}{SUFFIX}"
    scratch.mkdir()
    with _lock(scratch):
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _put_in_place(scratch: Path, target: Path) -> None:
    if not target.exists():
        scratch.rename(target)
    elif not any(target.iterdir()):
        # rename(2) replaces an empty folder.
        scratch.rename(target)
    else:
        _exchange(scratch, target)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders atomically (renameat2 of Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "this system cannot exchange folders atomically; remove the old build")
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if libc.renameat2(*paths):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _flush(folder: Path) -> None:
    for path in [*sorted(folder.iterdir()), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_table(path: Path, table: Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {COLUMN_NAMES.get(field.name, field.name): _array(getattr(table, field.name)) for field in fields(table)}
    integers = [name for name, array in arrays.items() if array.type.equals(pa.int64())]
    pq.write_table(
        pa.table(arrays),
        path,
        compression="zstd",
        use_dictionary=[name for name in arrays if name not in integers],
        column_encoding=dict.fromkeys(integers, "BYTE_STREAM_SPLIT"),
        row_group_size=ROW_GROUP_ROWS,
    )


def _array(column: np.ndarray | tuple[np.ndarray, ...]) -> pa.Array:
    import pyarrow as pa

    if isinstance(column, tuple):
        return pa.array([part.tolist() for part in column], type=pa.list_(pa.int64()))
    if column.dtype.kind == "U":
        return pa.array(column.tolist(), type=pa.string())
    return pa.array(column)

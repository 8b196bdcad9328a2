"""Build folders that somebody changed: cells, columns, rows, whole files, and what stands in place of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lpxsched.timetable.build import content_sha256
from lpxsched.timetable.columns import TABLES
from lpxsched.timetable.reader import FILES, GRAPH, MANIFEST, read_build
from tests.attack.grammar import hostile, spoiled

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from lpxsched.timetable.build import Build

TABLE_FILES = tuple(table.file for table in TABLES)
INTEGERS = (0, 1, -1, 2, 3, 5, 100, -2, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63), 10**9, 10**12)
FLOATS = (0.0, -1.0, 0.5, 1e-300, 1e300, float("nan"), float("inf"), float("-inf"))
WORDS = (
    "",
    "copy",
    "reduce",
    "weight",
    "fp8",
    "none",
    "matrix",
    "vector",
    "host",
    "egress",
    "x" * 300,
    "é",
    "</script>",
    "a\0",
)
TYPES = (pa.int32(), pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.int64()), pa.null(), pa.uint64(), pa.binary())


def spoil_build(dice: random.Random, folder: Path) -> str:
    """Change one thing or a few in a sound build folder, and return the name of the file.

    Half of what can still be read is signed again, so that the faults lie behind the content hash.
    """
    way = dice.random()
    name = dice.choice(TABLE_FILES)
    if way < 0.7:
        for _ in range(dice.choice((1, 1, 2, 4))):
            _change_table(dice, folder / name)
    elif way < 0.9:
        name = dice.choice((MANIFEST, GRAPH))
        (folder / name).write_bytes(hostile(dice, (folder / name).read_text(), "json"))
    elif way < 0.97:
        (folder / name).write_bytes(spoiled(dice, (folder / name).read_bytes()))
    else:
        name = dice.choice(FILES)
        _replace_file(dice, folder / name)
    if way < 0.9 and dice.random() < 0.8:
        _sign(folder)
    return name


def _change_table(dice: random.Random, path: Path) -> None:
    with path.open("rb") as file:
        table = pq.ParquetFile(file).read()
    pq.write_table(_changed(dice, table), path)


def _changed(dice: random.Random, table: pa.Table) -> pa.Table:
    way = dice.randrange(30)
    if way == 0:
        return table.slice(0, dice.randrange(len(table) + 1))
    if way == 1:
        return pa.concat_tables([table] * dice.choice((2, 3, 1000)))
    if way == 2 and len(table):
        rows = [dice.randrange(len(table)) for _ in range(dice.randint(1, len(table)))]
        return table.take(rows)
    index = dice.randrange(table.num_columns)
    if way == 3:
        return table.remove_column(index)
    name, column = table.column_names[index], table.column(index)
    if way == 4:
        return table.set_column(index, name, pa.nulls(len(table), dice.choice((column.type, *TYPES))))
    if way == 5:
        kind = dice.choice(TYPES[:5])
        return table.set_column(index, name, pa.array([_cell(dice, kind) for _ in column], type=kind))
    if pa.types.is_null(column.type):
        return table
    cells = column.to_pylist()
    for _ in range(dice.choice((1, 1, 2, len(cells)))):
        if cells:
            cells[dice.randrange(len(cells))] = _cell(dice, column.type, cells)
    return table.set_column(index, name, pa.array(cells, type=column.type))


def _cell(dice: random.Random, kind: pa.DataType, cells: list[Any] = []) -> Any:  # noqa: B006
    if pa.types.is_integer(kind):
        near, most = (dice.choice(cells) if cells else None) or 0, 2 ** (kind.bit_width - 1) - 1
        far = dice.random() < 0.4
        return max(-most - 1, min(most, dice.choice(INTEGERS if far else (near, near + 1, near - 1, near + 7))))
    if pa.types.is_floating(kind):
        return dice.choice(FLOATS)
    if pa.types.is_boolean(kind):
        return dice.random() < 0.5
    if pa.types.is_list(kind):
        return dice.choice(([], [0], [-1, 5], [2**62, 2**62], [5, 3], list(range(10_000))))
    return dice.choice((*WORDS, *(cell for cell in cells if isinstance(cell, str))))


def _replace_file(dice: random.Random, path: Path) -> None:
    """Put a folder, a fifo, a link to elsewhere, to itself or to a device in place of a file, or nothing."""
    path.unlink()
    way = dice.randrange(6)
    if way == 0:
        path.mkdir()
    elif way == 1:
        os.mkfifo(path)
    elif way < 5:
        path.symlink_to(("/dev/zero", path.name, "/etc/passwd")[way - 2])


def _sign(folder: Path) -> None:
    try:
        build = read_build(folder)
    except Exception:
        # What the reader says of it is for the attack to see.
        return
    _write_hash(folder, build)


def _write_hash(folder: Path, build: Build) -> None:
    sha256 = content_sha256(build.tables, build.graph_json)
    text = (folder / MANIFEST).read_text(encoding="utf-8-sig")
    (folder / MANIFEST).write_text(text.replace(build.manifest.content_sha256 or "\0", sha256))

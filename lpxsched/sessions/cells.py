"""Tables of comma-separated values or Parquet, cell by cell, with the place of each for errors."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.files.document import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARQUET = ".parquet"
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is read.

    Attributes
    ----------
    path : Path
    header : list of str
    rows : list of list
        Text of a CSV without blanks around it; of Parquet values of their types, None for nothing.
    places : list of tuple of int
        Line and, of each cell, column in a CSV; empty of Parquet, whose rows are named by their number.
    """

    path: Path
    header: list[str]
    rows: list[list[Any]]
    places: list[tuple[int, list[int]]]

    def error(self, row: int, name: str, problem: str) -> InputError:
        """Return an error that points at the cell of a row (from 0) and a column."""
        if not self.places:
            return InputError(str(self.path), problem, key=f"row {row + 1}: {name}")
        line, columns = self.places[row]
        return InputError(str(self.path), problem, key=name, line=line, column=columns[self.header.index(name)])


def read_table(path: Path, names: Sequence[str]) -> Table:
    """Return a table that has the columns of some names, in any order, and no other.

    Raises
    ------
    InputError
        When it cannot be read, has no rows or too many, or other columns.
    """
    table = _parquet(path) if path.suffix.lower() == PARQUET else _csv(path)
    line = {"line": 1, "column": 1} if table.places or path.suffix.lower() != PARQUET else {}
    unknown = [name for name in table.header if name not in names]
    missing = [name for name in names if name not in table.header]
    if missing:
        problem = f"this column is missing; the columns are {', '.join(names)}"
        raise InputError(str(path), problem, key=missing[0], **line)
    if unknown:
        problem = f"unknown column; the columns are {', '.join(names)}"
        raise InputError(str(path), problem, key=unknown[0], **line)
    if len(set(table.header)) < len(table.header):
        twice = next(name for name in names if table.header.count(name) > 1)
        raise InputError(str(path), "this column stands twice; keep one", key=twice, **line)
    if not 1 <= len(table.rows) <= MOST_ROWS:
        problem = f"holds {len(table.rows):,} rows; from 1 to {MOST_ROWS:,} can be read"
        raise InputError(str(path), problem)
    return table


def _csv(path: Path) -> Table:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise InputError(str(path), f"not CSV: {error}", line=reader.line_num, column=1) from error
    if not lines:
        raise InputError(str(path), "an empty file; the first line names the columns", line=1, column=1)
    header = [name.strip() for name in lines[0][1]]
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            problem = f"{len(cells)} cells, the first line has {len(header)}"
            raise InputError(str(path), problem, line=line, column=1)
    places = [(line, _columns(cells)) for line, cells in lines[1:]]
    return Table(path, header, [[cell.strip() for cell in cells] for _, cells in lines[1:]], places)


def _columns(cells: Sequence[str]) -> list[int]:
    """Return where each cell of a line without quotes begins, from 1."""
    columns = [1]
    for cell in cells[:-1]:
        columns.append(columns[-1] + len(cell) + 1)
    return columns


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        problem = " ".join(str(error).split())
        raise InputError(str(path), f"not Parquet: {problem[:80]}") from error
    columns = [column.to_pylist() for column in table.columns]
    return Table(path, list(table.column_names), [list(row) for row in zip(*columns, strict=True)], [])

"""Tables of comma-separated values or Parquet, cell by cell, with the place of each for errors."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.files.document import read_text
from lpxsched.files.near import did_you_mean
from lpxsched.units import counted

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
        Line and, of each cell, column in a CSV, the header first; empty of Parquet, whose rows are named by their
        number.
    """

    path: Path
    header: list[str]
    rows: list[list[Any]]
    places: list[tuple[int, list[int]]]

    def error(self, row: int, name: str, problem: str) -> InputError:
        """Return an error that points at the cell of a row (from 0) and a column."""
        if not self.places:
            return InputError(str(self.path), problem, key=f"row {row + 1}: {name}")
        line, columns = self.places[row + 1]
        return InputError(str(self.path), problem, key=name, line=line, column=columns[self.header.index(name)])

    def header_error(self, name: str, problem: str) -> InputError:
        """Return an error that points at a column by its name, or at the header if it is not there."""
        if not self.places:
            return InputError(str(self.path), problem, key=name)
        line, columns = self.places[0]
        column = columns[self.header.index(name)] if name in self.header else 1
        return InputError(str(self.path), problem, key=name, line=line, column=column)


def read_table(path: Path, names: Sequence[str]) -> Table:
    """Return a table that has the columns of some names, in any order, and no other.

    Raises
    ------
    InputError
        When it cannot be read, has no rows or too many, or other columns.
    """
    table = _parquet(path) if path.suffix.lower() == PARQUET else _csv(path, names)
    for name in names:
        if name not in table.header:
            raise table.header_error(name, f"this column is missing; the columns are {', '.join(names)}")
        if table.header.count(name) > 1:
            raise table.header_error(name, "this column stands twice; keep one")
    for name in table.header:
        if name not in names:
            raise table.header_error(name, f"unknown column; {did_you_mean(name, names, 'known columns')}")
    if not 1 <= len(table.rows) <= MOST_ROWS:
        problem = f"holds {counted(len(table.rows), 'row')}; from 1 to {MOST_ROWS:,} can be read"
        raise InputError(str(path), problem)
    return table


def _csv(path: Path, names: Sequence[str]) -> Table:
    raw = list(io.StringIO(read_text(path), newline=""))
    reader = csv.reader(raw, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise InputError(str(path), f"not CSV: {error}", line=reader.line_num, column=1) from error
    if not rows:
        raise InputError(str(path), "an empty file; the first line names the columns", line=1, column=1)
    header = [name.strip() for name in rows[0][1]]
    if not set(header) & set(names):
        problem = f"no table of requests, the first line names no column of {', '.join(names)}"
        raise InputError(str(path), problem, line=rows[0][0], column=1)
    places = [(line, _columns(raw[line - 1])) for line, _ in rows]
    for (line, cells), (_, columns) in zip(rows, places, strict=True):
        if len(columns) != len(cells):
            raise InputError(str(path), "quotes must enclose whole cells within a line", line=line, column=1)
        if len(cells) != len(header):
            problem = f"{counted(len(cells), 'cell')}, the first line has {len(header)}"
            raise InputError(str(path), problem, line=line, column=1)
    return Table(path, header, [[cell.strip() for cell in cells] for _, cells in rows[1:]], places)


def _columns(line: str) -> list[int]:
    """Return where each cell of a line begins, from 1."""
    columns, quoted = [1], False
    for position, character in enumerate(line, start=1):
        quoted ^= character == '"'
        if character == "," and not quoted:
            columns.append(position + 1)
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

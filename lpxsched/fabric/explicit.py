"""Explicit topologies: a YAML file that names a CSV of links."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.files.near import did_you_mean
from lpxsched.files.schema import short
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpxsched.fabric.schema import ExplicitFile

COLUMNS = ("src", "dst", "lanes", "latency_ns", "gbps")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the CSV with the defaults filled in."""

    source: int
    destination: int
    lanes: int
    latency_ns: float
    gbps: float


def read_rows(path: Path, text: str, file: ExplicitFile) -> list[Row]:
    """Read the links of an explicit topology.

    Parameters
    ----------
    path : Path
        The CSV file, for messages.
    text : str
        What stands in it.
    file : ExplicitFile
        The topology, for the number of chips and the defaults.

    Raises
    ------
    InputError
        With the line of the first wrong row.
    """
    lines = _read_cells(path, text)
    line, names = next(lines, (1, []))
    header = [name.strip() for name in names]
    _check_header(path, line, header)
    rows: list[Row] = []
    seen: dict[tuple[int, int, float, float], int] = {}
    for line, cells in lines:
        row = _row(path, line, header, cells, file)
        key = (row.source, row.destination, row.latency_ns, row.gbps)
        if key in seen:
            problem = f"link {row.source} -> {row.destination} stands in line {seen[key]} already; use lanes"
            raise InputError(str(path), problem, line=line, column=1)
        seen[key] = line
        rows.append(row)
    if not rows and file.chips.value > 1:
        problem = f"names no link between {file.chips.value} chips; write a line for each below the first"
        raise InputError(str(path), problem, line=line, column=1)
    return rows


def _read_cells(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that is not empty, with its number."""
    reader = csv.reader(io.StringIO(text))
    try:
        yield from ((reader.line_num, cells) for cells in reader if cells)
    except csv.Error as error:
        raise InputError(str(path), f"not CSV: {error}", line=reader.line_num, column=1) from error


def _check_header(path: Path, line: int, header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in COLUMNS[:2] if name not in header]
    if unknown:
        problem = f"unknown column; {did_you_mean(unknown[0], COLUMNS, 'known columns')}"
        raise InputError(str(path), problem, key=unknown[0], line=line, column=1)
    if missing or len(set(header)) < len(header):
        raise InputError(str(path), "the first line must name src and dst, each column once", line=line, column=1)


def _row(path: Path, line: int, header: list[str], cells: list[str], file: ExplicitFile) -> Row:
    if len(cells) != len(header):
        raise InputError(str(path), f"{counted(len(cells), 'cell')}, the header has {len(header)}", line=line, column=1)
    given = {name: (cell.strip(), index) for index, (name, cell) in enumerate(zip(header, cells, strict=True))}

    def fault(name: str, problem: str) -> InputError:
        column = 1 + sum(len(cell) + 1 for cell in cells[: given[name][1]]) if name in given else 1
        return InputError(str(path), problem, key=name, line=line, column=column)

    def parsed(name: str, default: float | None) -> float:
        text = given.get(name, ("", 0))[0]
        if not text:
            if default is None:
                where = "" if name in COLUMNS[:2] else " and no default under link: in the YAML file"
                raise fault(name, f"no value here{where}")
            return default
        if not _NUMBER.fullmatch(text):
            raise fault(name, f"must be a number, got {short(text)}")
        return float(text)

    def number(name: str, default: float | None, lowest: float) -> float:
        value = parsed(name, default)
        if not lowest <= value <= 1e9:
            raise fault(name, f"must be from {lowest:g} to 1e9, got {short(given[name][0])}")
        return value

    def whole(name: str, default: int | None, lowest: int, highest: int) -> int:
        value = parsed(name, default)
        if not (lowest <= value <= highest and value == int(value)):
            raise fault(name, f"must be a whole number from {lowest} to {highest}, got {short(given[name][0])}")
        return int(value)

    last_chip = file.chips.value - 1
    row = Row(
        source=whole("src", None, 0, last_chip),
        destination=whole("dst", None, 0, last_chip),
        lanes=whole("lanes", file.link.lanes.value, 1, 1_000_000),
        latency_ns=number("latency_ns", file.link.latency_ns.value if file.link.latency_ns else None, 0),
        gbps=number("gbps", file.link.gbps.value if file.link.gbps else None, 1e-9),
    )
    if row.source == row.destination:
        raise fault("dst", f"a link from chip {row.source} to itself; name two chips")
    return row

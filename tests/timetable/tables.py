"""Random tables, tables compared, and build folders spoiled on purpose."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from lpxsched.timetable.columns import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.timetable.build import Build

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "Integers": INT64,
    "Text": TEXT,
    "Flags": st.booleans(),
    "Floats": st.floats(allow_nan=False),
    "Lists": st.lists(INT64, max_size=4),
}


def column(kind: str, cells: list[Any]) -> Any:
    """Return cells as a column of a kind: ``Integers``, ``Text``, ``Flags``, ``Floats`` or ``Lists``."""
    if kind == "Lists":
        return tuple(np.array(cell, dtype=np.int64) for cell in cells)
    return np.array(cells, dtype={"Integers": np.int64, "Text": np.str_, "Flags": np.bool_, "Floats": np.float64}[kind])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table of any class, of no row to five rows."""
    kind = draw(st.sampled_from(TABLES))
    rows = draw(st.integers(0, 5))
    cells = {field.name: draw(st.lists(CELLS[str(field.type)], min_size=rows, max_size=rows)) for field in fields(kind)}
    return kind(**{field.name: column(str(field.type), cells[field.name]) for field in fields(kind)})


def same(one: Table, other: Table) -> bool:
    """Return whether two tables are of one class and equal in every cell and every type of column."""
    return type(one) is type(other) and all(
        _same_column(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
    )


def _same_column(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same_column, one, other))
    return bool(one.dtype.kind == other.dtype.kind and np.array_equal(one, other))


def same_build(one: Build, other: Build) -> bool:
    """Return whether two builds hold the same."""
    documents = (one.graph, one.manifest, one.graph_json) == (other.graph, other.manifest, other.graph_json)
    return documents and all(map(same, one.tables, other.tables))


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite a Parquet file with something changed."""
    with path.open("rb") as file:
        table = pq.ParquetFile(file).read()
    pq.write_table(change(table), path)


def set_cells(path: Path, **cells: dict[int, Any]) -> None:
    """Change cells of a Parquet file; `cells` is, for each column, new values by row."""

    def change(table: pa.Table) -> pa.Table:
        for name, values in cells.items():
            old = table.column(name)
            new = [values.get(row, value) for row, value in enumerate(old.to_pylist())]
            table = table.set_column(table.column_names.index(name), name, pa.array(new, type=old.type))
        return table

    rewrite(path, change)

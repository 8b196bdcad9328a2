"""Tests of the content hash: it is the documented one, every cell counts, and the Parquet writer does not."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.timetable.build import content_sha256
from lpxsched.timetable.columns import TABLES, Operands
from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from tests.builds import ints, two_chip_build
from tests.timetable.tables import column, same, tables
from tests.verify.changes import change

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Table


def documented_sha256(folder: Path) -> str:
    """Return the hash as docs/build-folder.md tells it, from the files of a folder."""

    def number(value: int) -> bytes:
        return value.to_bytes(8, "little", signed=True)

    def cell(value: int | bool | float | str | list[int]) -> bytes:
        if isinstance(value, bool):
            return bytes([value])
        if isinstance(value, int):
            return number(value)
        if isinstance(value, float):
            return struct.pack("<d", value)
        if isinstance(value, str):
            return number(len(value.encode())) + value.encode()
        return number(len(value)) + b"".join(map(number, value))

    data = b""
    for name in ["timetable", "operators", "operands", "tensors", "chips", "links", "segments", "frames", "deskews"]:
        table = pq.read_table(folder / f"{name}.parquet")
        data += cell(f"{name}.parquet")
        for title in table.column_names:
            data += cell(title) + number(table.num_rows) + b"".join(map(cell, table[title].to_pylist()))
    return hashlib.sha256(data + (folder / "graph.json").read_bytes()).hexdigest()


def test_the_hash_is_the_documented_one(tmp_path: Path, small_build: Build) -> None:
    """Tests it against the lines above, which know nothing but the documentation and the files on disk."""
    for number, build in enumerate((two_chip_build(), small_build)):
        write_build(tmp_path / str(number), build)
        assert documented_sha256(tmp_path / str(number)) == build.content_sha256() == build.manifest.content_sha256


def test_the_hash_of_the_two_chip_build_stays(golden: Callable[[str, str], None]) -> None:
    """Tests that the hash of a fixed build is the same with every version, on every machine."""
    golden("two_chip_content.txt", f"{two_chip_build().content_sha256()}\n")


def changed_cell(table: Table, name: str, row: int) -> Table:
    """Return a table with one cell changed by as little as its type allows."""
    old: Any = getattr(table, name)
    if isinstance(old, tuple):
        return replace(table, **{name: (*old[:row], old[row] + 1, *old[row + 1 :])})
    cells = old.tolist()
    more: Any = {"i": lambda cell: cell + 1, "U": lambda cell: cell + "x", "b": lambda cell: not cell}
    cells[row] = (more | {"f": lambda cell: np.nextafter(cell, 2)})[old.dtype.kind](cells[row])
    return replace(table, **{name: np.array(cells)})


@pytest.mark.parametrize("index", range(len(TABLES)), ids=[table.file for table in TABLES])
def test_every_cell_changes_the_hash(index: int) -> None:
    """Tests each cell of each table of the two-chip build."""
    build = change(two_chip_build(), "frames", 0, gaps=[0])
    seen = {build.content_sha256()}
    cells = [(field.name, row) for field in fields(TABLES[index]) for row in range(len(build.tables[index]))]
    for name, row in cells:
        changed = list(build.tables)
        changed[index] = changed_cell(changed[index], name, row)
        seen.add(content_sha256(changed, build.graph_json))
    assert len(seen) == 1 + len(cells)


def test_every_byte_of_the_graph_changes_the_hash() -> None:
    """Tests the first, the last and one more byte of graph.json."""
    build = two_chip_build()
    graphs = [build.graph_json, b" " + build.graph_json[1:], build.graph_json[:-1], build.graph_json + b" "]
    assert len({content_sha256(build.tables, graph) for graph in graphs}) == 4


@given(st.data())
def test_different_tables_have_different_hashes(data: st.DataObject) -> None:
    """Tests random pairs of tables of one class and length, equal or not."""
    one = data.draw(tables())
    other = one
    if len(one):
        name = data.draw(st.sampled_from([field.name for field in fields(one)]))
        other = changed_cell(one, name, data.draw(st.integers(0, len(one) - 1))) if _changeable(one, name) else one
    assert (content_sha256([one], b"") == content_sha256([other], b"")) == same(one, other)


def _changeable(table: Table, name: str) -> bool:
    """Return whether one can be added to every number of a column."""
    values = getattr(table, name)
    parts = values if isinstance(values, tuple) else [values] if values.dtype.kind == "i" else []
    return all(len(part) == 0 or part.max() < 2**63 - 1 for part in parts)


@pytest.mark.parametrize(
    ("one", "other"),
    [(["ab", "c"], ["a", "bc"]), (["", "a"], ["a", ""]), (["é"], ["e\u0301"]), (["a"], ["A"])],
)
def test_text_does_not_run_together(one: list[str], other: list[str]) -> None:
    """Tests that lengths stand between texts, and that nothing is normalised."""

    def hashed(roles: list[str]) -> str:
        zeros = ints(*(0 for _ in roles))
        return content_sha256([Operands(zeros, zeros, zeros, zeros, column("Text", roles))], b"")

    assert hashed(one) != hashed(other)


def test_lists_do_not_run_together() -> None:
    """Tests that [0], [1] is not [0, 1], []."""
    frames = two_chip_build().frames
    twice = {field.name: np.tile(getattr(frames, field.name), 2) for field in fields(frames) if field.name != "gaps"}
    hashes = {
        content_sha256([type(frames)(gaps=gaps, **twice)], b"")
        for gaps in ((ints(0), ints(1)), (ints(0, 1), ints()), (ints(), ints(0, 1)))
    }
    assert len(hashes) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "none"},
        {"compression": "gzip", "row_group_size": 3},
        {"use_dictionary": False, "version": "1.0", "write_statistics": False},
        {"data_page_size": 16, "data_page_version": "2.0", "store_schema": False},
    ],
    ids=str,
)
def test_the_parquet_writer_does_not_enter(tmp_path: Path, options: dict[str, Any]) -> None:
    """Tests files written with other compression, row groups, encodings and pages: other bytes, equal hash."""
    write_build(tmp_path / "out", two_chip_build())
    for table in TABLES:
        path = tmp_path / "out" / table.file
        before = path.read_bytes()
        pq.write_table(pq.read_table(pa.BufferReader(before)), path, **options)
        assert path.read_bytes() != before
    build = read_build(tmp_path / "out")
    assert build.content_sha256() == two_chip_build().content_sha256()

"""Tests of reading one Parquet file: what was written is read, and every fault is one line with file and column."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from lpxsched.errors import InputError
from lpxsched.timetable.columns import Chips, Frames, Slots, Table
from lpxsched.timetable.reader import read_table
from lpxsched.timetable.writer import write_table
from tests.builds import two_chip_build
from tests.timetable.tables import rewrite, same, tables

if TYPE_CHECKING:
    from collections.abc import Callable


def written(folder: Path, table: Table) -> Path:
    """Write a table into a folder and return its file."""
    write_table(folder / table.file, table)
    return folder / table.file


def fault(path: Path, table: type[Table]) -> str:
    """Return what is told of a wrong file, after its name, which comes first."""
    with pytest.raises(InputError) as caught:
        read_table(path, table)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value).removeprefix(f"{path}: ")


@settings(deadline=None)
@given(tables())
def test_every_table_is_read_as_it_was_written(table: Table) -> None:
    """Tests random tables of every class, those without rows among them."""
    with TemporaryDirectory() as folder:
        assert same(read_table(written(Path(folder), table), type(table)), table)


def test_a_build_is_written_and_read_without_pandas(tmp_path: Path) -> None:
    """Tests that a process that writes and reads all tables of a build loads no pandas, even where there is one.

    To load it takes longer than all the rest of a small collective.
    """
    pytest.importorskip("pandas")
    code = (
        "import sys; from pathlib import Path; from lpxsched.timetable.reader import read_build;"
        "from lpxsched.timetable.writer import write_build; from tests.builds import two_chip_build;"
        f"folder = Path({str(tmp_path / 'build')!r}); write_build(folder, two_chip_build()); read_build(folder);"
        "print('pandas' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "False\n"


def test_a_table_of_many_row_groups_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that 8 rows in groups of 3 come back in their order."""
    monkeypatch.setattr("lpxsched.timetable.writer.ROW_GROUP_ROWS", 3)
    slots = two_chip_build().slots
    assert same(read_table(written(tmp_path, slots), Slots), slots)


@pytest.mark.parametrize("name", ["key=value", "s3:bucket", "a b", "\udcff", "naïve"])
def test_any_name_that_the_disk_takes_will_do(tmp_path: Path, name: str) -> None:
    """Tests that nothing is read from a path but the file: no partition key, no protocol, no encoding."""
    (tmp_path / name).mkdir()
    slots = two_chip_build().slots
    assert same(read_table(written(tmp_path / name, slots), Slots), slots)


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1", b"tensor,first_vector\n1,2\n", b"PAR1" + b"\xff" * 100 + b"PAR1", b"\0" * 5000],
    ids=["empty", "magic", "text", "garbage", "zeros"],
)
def test_what_is_not_parquet_is_told(tmp_path: Path, data: bytes) -> None:
    """Tests files that only bear the name."""
    (tmp_path / Slots.file).write_bytes(data)
    assert fault(tmp_path / Slots.file, Slots).startswith("not readable as Parquet: ")


@pytest.mark.parametrize("kept", [4, 100, -1, -8, -100])
def test_a_truncated_file_is_told(tmp_path: Path, kept: int) -> None:
    """Tests files that end too soon."""
    path = written(tmp_path, two_chip_build().slots)
    path.write_bytes(path.read_bytes()[:kept])
    assert fault(path, Slots).startswith("not readable as Parquet: ")


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    """Tests that the system's own words follow."""
    assert "No such file" in fault(tmp_path / "nothing", Slots)
    assert "directory" in fault(tmp_path, Slots)


SLOTS = "tensor, first_vector, vectors, link, depart, read"


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        (lambda table: table.drop_columns(["link"]), "tensor, first_vector, vectors, depart, read"),
        (lambda table: table.append_column("rate", table["read"]), f"{SLOTS}, rate"),
        (lambda table: table.append_column("read", table["read"]), f"{SLOTS}, read"),
        (lambda table: table.rename_columns([*"abcde", "read"]), "a, b, c, d, e, read"),
        (lambda table: table.select(table.column_names[::-1]), "read, depart, link, vectors, first_vector, tensor"),
    ],
    ids=["missing", "extra", "twice", "renamed", "reordered"],
)
def test_other_columns_are_told_beside_the_expected(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], columns: str
) -> None:
    """Tests columns that are missing, too many, there twice, renamed or in another order."""
    path = written(tmp_path, two_chip_build().slots)
    rewrite(path, change)
    assert fault(path, Slots) == f"columns are {columns}; expected {SLOTS}"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (pa.int32(), "int32 with 0"),
        (pa.uint64(), "uint64 with 0"),
        (pa.float64(), "double with 0"),
        (pa.string(), "string with 0"),
        (pa.list_(pa.int64()), "list<element: int64> with 0"),
        (pa.null(), "null with 8"),
    ],
    ids=str,
)
def test_a_column_of_another_type_is_told(tmp_path: Path, kind: pa.DataType, told: str) -> None:
    """Tests that nothing is converted: not even int32, which would fit."""
    path = written(tmp_path, two_chip_build().slots)
    cell: Any = {pa.string(): "1", pa.list_(pa.int64()): [1], pa.null(): None}.get(kind, 1)
    rewrite(path, lambda table: table.set_column(3, "link", pa.array([cell] * 8, type=kind)))
    assert fault(path, Slots) == f"link: must be int64 without nulls, is {told} nulls"


def test_a_null_is_told(tmp_path: Path) -> None:
    """Tests that one null of the right type is found."""
    path = written(tmp_path, two_chip_build().slots)
    rewrite(path, lambda table: table.set_column(5, "read", pa.array([1, None] * 4, type=pa.int64())))
    assert fault(path, Slots) == "read: must be int64 without nulls, is int64 with 4 nulls"


def test_a_null_inside_a_list_is_told_with_its_row(tmp_path: Path) -> None:
    """Tests that a list is looked into: a null in it is none of the column's."""
    path = written(tmp_path, two_chip_build().frames)
    rewrite(path, lambda table: table.set_column(4, "gaps", pa.array([[0, None]], type=pa.list_(pa.int64()))))
    assert fault(path, Frames) == "gaps: row 0 has a null in its list"


def test_text_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    """Tests that the bytes of text are looked at."""
    path = written(tmp_path, two_chip_build().chips)
    text = pa.array([b"0.0", b"\xff\xfe", b"h"]).view(pa.string())
    rewrite(path, lambda table: table.set_column(1, "position", text))
    assert "Invalid UTF8" in fault(path, Chips)


def test_a_column_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    """Tests that one flipped byte in the name of a column is no traceback."""
    path = written(tmp_path, two_chip_build().chips)
    data = path.read_bytes()
    # The first mention is the one in the schema of the footer.
    start = data.index(b"position")
    path.write_bytes(data[:start] + b"\xf4" + data[start + 1 :])
    assert "codec can't decode" in fault(path, Chips)


@pytest.mark.parametrize("text", ["0\0", "\0", "a\0b"])
def test_text_with_a_nul_is_told_with_its_row(tmp_path: Path, text: str) -> None:
    """Tests what numpy would cut off: two different files would then have one content hash."""
    path = written(tmp_path, two_chip_build().chips)
    rewrite(path, lambda table: table.set_column(1, "position", pa.array(["0.0", text, "h"])))
    assert fault(path, Chips) == "position: row 1 holds a NUL character"


def test_a_table_that_memory_cannot_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that running out of memory is a fault of the file, which says how much it needs."""
    path = written(tmp_path, two_chip_build().slots)

    def too_large(*_: object) -> pa.ChunkedArray:
        raise pa.ArrowMemoryError("malloc of size 1152921504606846976 failed")

    monkeypatch.setattr("lpxsched.timetable.reader._whole", too_large)
    assert fault(path, Slots) == "does not fit into memory"

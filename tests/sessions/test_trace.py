"""Tests of tables of requests: what they hold, and where each fault of one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lpxsched.errors import InputError
from lpxsched.sessions.trace import COLUMNS, read_session
from tests.sessions.small import HEADER, session_of

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, list[Any]] = {
    "request": ["a", "b", "c"],
    "agent": ["main", "sub", "main"],
    "after": ["", "a", "a b"],
    "context_tokens": [0, 5, 7],
    "tokens_in": [5, 1, 2],
    "tokens_out": [2, 3, 4],
    "tool_s": [0.0, 0.25, 1e-12],
}


def parquet(path: Path, **changes: Any) -> str:
    """Write a table with some columns changed as Parquet."""
    pq.write_table(pa.table(GOOD | changes), path)
    return str(path)


def test_a_table_is_read_cell_by_cell(tmp_path: Path) -> None:
    """Tests every column, and times in ps."""
    session = session_of(tmp_path, "a,main,,0,5,2,0", "b,sub,a,5,1,3,.25", "c,main, a b ,7,2,4,1e-12")
    assert (session.name, session.requests, session.agents) == ("small", ("a", "b", "c"), ("main", "sub", "main"))
    assert session.after == ((), (0,), (0, 1))
    assert session.context.tolist() == [0, 5, 7]
    assert session.tokens_in.tolist() == [5, 1, 2]
    assert session.tokens_out.tolist() == [2, 3, 4]
    assert session.tool_ps.tolist() == [0, 250_000_000_000, 1]
    assert session.longest_context == 13


def test_columns_may_stand_in_any_order_and_cells_in_quotes(tmp_path: Path) -> None:
    """Tests a table with its columns turned round, in quotes, from another system, with a byte order mark."""
    table = tmp_path / "turned.csv"
    lines = [",".join(reversed(COLUMNS)), '0,2,5,0,,"main, first","a"', "", '1,3,1,5,"a",sub,b']
    table.write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
    session = read_session(str(table))
    assert (session.requests, session.agents, session.after) == (("a", "b"), ("main, first", "sub"), ((), (0,)))


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    """Tests that a table as Parquet, also with lists of names, is the one as CSV."""
    rows = ["a,main,,0,5,2,0", "b,sub,a,5,1,3,.25", "c,main,a b,7,2,4,1e-12"]
    want = session_of(tmp_path, *rows)
    for number, after in enumerate((GOOD["after"], [None, ["a"], ["a", "b"]])):
        if number:
            after = pa.array(after, type=pa.list_(pa.string()))
        found = read_session(parquet(tmp_path / f"small{number}.parquet", after=after))
        assert (found.requests, found.agents, found.after) == (want.requests, want.agents, want.after)
        assert found.tool_ps.tolist() == want.tool_ps.tolist()
        assert found.tokens_out.tolist() == want.tokens_out.tolist()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["b,m,a,0,1,1,0", "a,m,b,0,1,1,0"], "2:5: after: a circle: b after a after b"),
        (["a,m,,0,1,1,0", "b,m,b,0,1,1,0"], "3:5: after: a circle: b after b"),
        (["a,m,x,0,1,1,0"], "2:5: after: 'x' is no request of this table"),
        (["a,m,,0,1,1,0", "b,m,a a,0,1,1,0"], "3:5: after: a stands twice here"),
        (["a,m,,0,-1,1,0"], "2:8: tokens_in: must be from 0 to 100,000,000, got '-1'"),
        (["a,m,,0,1,-4,0"], "2:10: tokens_out: must be from 1 to 100,000,000, got '-4'"),
        (["a,m,,0,1,1,-.5"], "2:12: tool_s: must be from 0 to 1,000,000, got '-.5'"),
        (["a,m,,0,1,1,nan"], "2:12: tool_s: must be a number"),
        (["a,m,,1_0,1,1,0"], "2:6: context_tokens: must be a number"),
        (["a,m,,0,1.5,1,0"], "2:8: tokens_in: must be a whole number from 0"),
        (["a,m,,0,1,0,0"], "2:10: tokens_out: must be from 1"),
        (["a,m,,0,,1,0"], "2:8: tokens_in: no value here"),
        (["a,,,0,1,1,0"], "2:3: agent: no name here"),
        (['"a","x,y",,0,1,nine,0'], "2:16: tokens_out: must be a number, got 'nine'"),
        (["a\0,m,,0,1,1,0"], "2:1: request: must be printable, got 'a\\x00'"),
        (["a b,m,,0,1,1,0"], "2:1: request: must be a name without blanks"),
        (["a,m,,0,1,1,0", "", "a,m,,0,1,1,0"], "4:1: request: a stands in line 2 already"),
        (["a,m,,0,1,1"], "2:1: 6 cells, the first line has 7"),
        (['a,"m', 'n",,0,1,1,0'], "3:1: quotes must enclose whole cells within a line"),
        (['a,m"n,,0,1,1,0'], "2:1: quotes must enclose whole cells within a line"),
        (['a,"m'], "2:1: not CSV"),
        ([], "holds 0 rows"),
    ],
)
def test_a_fault_is_told_at_its_cell(tmp_path: Path, rows: list[str], said: str) -> None:
    """Tests line, column and what is wrong of every kind of fault."""
    with pytest.raises(InputError) as caught:
        session_of(tmp_path, *rows)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "1:1: an empty file"),
        (HEADER.replace("agent,", ""), "1:1: agent: this column is missing"),
        (f"{HEADER},price", "1:64: price: unknown column"),
        (f"{HEADER},agent", "1:9: agent: this column stands twice"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, header: str, said: str) -> None:
    """Tests a table without one, with one more, with one twice, and an empty file."""
    (tmp_path / "t.csv").write_text(header)
    with pytest.raises(InputError) as caught:
        read_session(str(tmp_path / "t.csv"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens_in": [1, -1, 1]}, "row 2: tokens_in: must be from 0"),
        ({"tokens_in": [1, None, 1]}, "row 2: tokens_in: no value here"),
        ({"tokens_in": [True, True, True]}, "row 1: tokens_in: must be a number"),
        ({"request": [1, 2, 3]}, "row 1: request: must be text, got 1"),
        ({"request": ["a", "b", "a"]}, "row 3: request: a stands in row 1 already"),
        ({"after": ["", "c", "b"]}, "row 2: after: a circle: b after c after b"),
        ({"after": [1, 2, 3]}, "row 1: after: must be names of requests"),
        ({"price": [1, 2, 3]}, "price: unknown column"),
    ],
)
def test_a_fault_of_parquet_is_told_by_row(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """Tests rows, counted from 1, of a table that has no lines."""
    with pytest.raises(InputError) as caught:
        read_session(parquet(tmp_path / "t.parquet", **changes))
    assert f"t.parquet: {said}" in str(caught.value)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    """Tests text under the name of Parquet, a folder, a name that nobody knows, and JSON."""
    (tmp_path / "t.parquet").write_text(HEADER)
    for name in (str(tmp_path / "t.parquet"), str(tmp_path), "nobody"):
        with pytest.raises(InputError):
            read_session(name)
    (tmp_path / "manifest.json").write_text('{\n "a": [1, 2]\n}\n')
    with pytest.raises(InputError, match=r"manifest.json:1:1: no table of requests, the first line names no column"):
        read_session(str(tmp_path / "manifest.json"))

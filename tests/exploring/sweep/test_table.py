"""Tests of the table of a sweep."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq

from lpxsched.exploring.outcome import CompileOutcome
from lpxsched.exploring.sweep.table import CSV, PARQUET, rows_of, table_bytes

POINTS = [{"batch": 1, "weights": None}, {"batch": 8, "weights": None}]
OUTCOMES = [
    CompileOutcome(0, "", "", {"status": "feasible", "step_ns": 2, "verified": True, "fp8": {"b": 1, "a": [2]}}),
    CompileOutcome(0, "", "", {"status": "optimal", "step_ns": 2.5, "verified": False, "fp8": "does not fit"}),
    CompileOutcome(2, "a.yaml:1:2", "key: is wrong", {"status": "refused"}),
]


def test_a_row_has_options_exit_code_cause_and_all_that_was_told() -> None:
    """Tests one row of each kind."""
    rows = rows_of([*POINTS, {"batch": 9, "weights": None}], OUTCOMES)
    assert rows[0] | {"fp8": None} == {
        "option_batch": 1,
        "option_weights": None,
        "exit_code": 0,
        "cause": None,
        "status": "feasible",
        "step_ns": 2,
        "verified": True,
        "fp8": None,
    }
    assert (rows[2]["exit_code"], rows[2]["cause"]) == (2, "a.yaml:1:2: key: is wrong")


def test_csv_writes_one_type_a_column() -> None:
    """Tests fractions for a column that has one, JSON for one that has a mapping, nothing where there is nothing."""
    rows = rows_of([*POINTS, {"batch": 9, "weights": None}], OUTCOMES)
    read = list(csv.DictReader(io.StringIO(table_bytes(rows, CSV).decode())))
    assert [row["step_ns"] for row in read] == ["2.0", "2.5", ""]
    assert [row["verified"] for row in read] == ["true", "false", ""]
    assert [row["fp8"] for row in read] == ['{"a": [2], "b": 1}', '"does not fit"', ""]
    assert [row["option_batch"] for row in read] == ["1", "8", "9"]
    assert list(read[0])[:4] == ["option_batch", "option_weights", "exit_code", "cause"]


def test_parquet_holds_the_same_values() -> None:
    """Tests types and nulls; equal rows give equal bytes."""
    rows = rows_of([*POINTS, {"batch": 9, "weights": None}], OUTCOMES)
    data = table_bytes(rows, PARQUET)
    table = pq.read_table(io.BytesIO(data))
    assert table.column("step_ns").to_pylist() == [2.0, 2.5, None]
    assert table.column("verified").to_pylist() == [True, False, None]
    assert table.column("option_weights").to_pylist() == [None] * 3
    assert [str(table.schema.field(name).type) for name in ("option_batch", "cause", "fp8")] == [
        "int64",
        "string",
        "string",
    ]
    assert table_bytes(rows, PARQUET) == data

"""The table of a sweep: a row a point, as comma-separated values or Parquet.

Columns are the options of a point (`option_batch`, ..), its exit code and the cause of a failure, and every key that
``lpxsched compile --json`` tells of the build but those which differ from run to run (`seconds`, `output`). What is no
number, no flag and no text stands in its cell as JSON.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.exploring.outcome import CompileOutcome
    from lpxsched.exploring.sweep.points import Choices

OPTION = "option_"
CSV, PARQUET = ".csv", ".parquet"


def rows_of(points: Sequence[Choices], outcomes: Sequence[CompileOutcome]) -> list[dict[str, Any]]:
    """Return a row a point, by column."""
    return [
        {f"{OPTION}{name}": value for name, value in choices.items()}
        | {"exit_code": int(outcome.exit_code), "cause": _cause(outcome)}
        | outcome.told
        for choices, outcome in zip(points, outcomes, strict=True)
    ]


def _cause(outcome: CompileOutcome) -> str | None:
    return ": ".join(part for part in (outcome.place, outcome.cause) if part) or None


def table_bytes(rows: Sequence[dict[str, Any]], ending: str) -> bytes:
    """Return rows as the content of a file with some ending, equal for equal rows.

    Parameters
    ----------
    rows : sequence of dict
    ending : str
        ``.csv`` or ``.parquet``.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    return _csv(columns) if ending == CSV else _parquet(columns)


def _column(values: list[Any]) -> list[Any]:
    """Return values of one type: as they are, all as fractions, or all as JSON."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) <= 1 and not kinds & {list, dict}:
        return values
    return [None if value is None else json.dumps(value, sort_keys=True) for value in values]


def _csv(columns: dict[str, list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    # Flags as JSON writes them; nothing where there is nothing.
    cells = ([json.dumps(value) if isinstance(value, bool) else value for value in of] for of in columns.values())
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue().encode()


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    arrays = {}
    for name, values in columns.items():
        kind = next((type(value) for value in values if value is not None), str)
        arrays[name] = pa.array(values, type=kinds.get(kind, pa.string()))
    file = io.BytesIO()
    pq.write_table(pa.table(arrays), file, compression="zstd")
    return file.getvalue()

"""Tables that print each row as soon as it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSED = "no"


class Table(NamedTuple):
    """A title, the names of the columns, and rows of text; the last cell of a row says whether its target is met."""

    title: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[str, ...]]


def met(*conditions: bool) -> str:
    """Return whether all targets of a row are met, as its last cell says it."""
    return "yes" if all(conditions) else MISSED


def number(value: float) -> str:
    """Return a number with up to two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def print_table(table: Table) -> list[str]:
    """Print a table as Markdown and return the rows that miss their targets."""
    print(f"\n### {table.title}\n", flush=True)
    print(_line(table.columns))
    print("|" + "---|" * len(table.columns))
    missed = []
    for row in table.rows:
        print(_line(row), flush=True)
        if row[-1] == MISSED:
            missed.append(f"{table.title}: {_line(row)}")
    return missed


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"

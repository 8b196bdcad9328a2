"""Tables as plain text."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.rows import Rows

# Columns of a terminal that text keeps within.
WIDTH = 100


# A name is told by no less of its ends.
LEAST_CELL = 9


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, most: int | None = None) -> str:
    """Return rows under a header, the first `left` columns flush left, the others flush right.

    Names in the first columns lose their middles where lines would be wider than `most`.
    """
    lines = [list(line) for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for column in sorted(range(left), key=lambda column: -widths[column]):
        excess = 0 if most is None else 2 * len(widths) + sum(widths) - most
        if excess > 0:
            widths[column] = min(widths[column], max(widths[column] - excess, LEAST_CELL))
            for line in lines:
                line[column] = _without_middle(line[column], widths[column])

    def cell(text: str, column: int) -> str:
        return text.ljust(widths[column]) if column < left else text.rjust(widths[column])

    return "\n".join(
        "  " + "  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines
    )


def _without_middle(text: str, most: int) -> str:
    """Return a text of at most so many characters: its ends with dots between them where it is longer."""
    if len(text) <= most:
        return text
    first, last = (most - 1) // 2, (most - 2) // 2
    return f"{text[:first]}..{text[len(text) - last :]}"


def titled(title: str, rows: Rows, *, left: int = 1) -> str:
    """Return a table under its title, no wider than a terminal as far as names may be shortened."""
    return f"{fill(title, WIDTH)}\n\n{table(rows.header, rows.rows, left=left, most=WIDTH)}"

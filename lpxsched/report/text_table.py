"""Tables as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.rows import Rows

# Columns of a terminal that text keeps within.
WIDTH = 100


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows under a header, the first `left` columns flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def cell(text: str, column: int) -> str:
        return text.ljust(widths[column]) if column < left else text.rjust(widths[column])

    return "\n".join(
        "  " + "  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines
    )


def titled(title: str, rows: Rows, *, left: int = 1) -> str:
    """Return a table under its title."""
    return f"{title}\n\n{table(rows.header, rows.rows, left=left)}"

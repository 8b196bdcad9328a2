"""Tables as plain text."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.report.rows import Rows

# Columns of a terminal that text keeps within.
WIDTH = 100
# Numbers, names and what hyphens join stand on one line.
UNCUT: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
# No text is cut there while it is laid in lines.
JOINED = "\u00a0%"
# A name is told by no less of its ends.
LEAST_CELL = 9


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    phrases: Sequence[int] = (),
    most: int | None = WIDTH,
) -> str:
    """Return rows under a header, the first `left` columns and phrases flush left, the others flush right.

    Where lines would be wider than `most`, phrases go on in further lines, then names in the first columns lose their
    middles.
    """
    lines = [[_joined(text) for text in line] for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    least = {column: max(len(word) for line in lines for word in line[column].split(" ")) for column in phrases}

    def excess() -> int:
        return 0 if most is None else 2 * len(widths) + sum(widths) - most

    while excess() > 0 and (wide := [column for column in phrases if widths[column] > least[column]]):
        widths[max(wide, key=widths.__getitem__)] -= 1
    for column in sorted(set(range(left)) - set(phrases), key=lambda column: -widths[column]):
        if excess() > 0:
            widths[column] = min(widths[column], max(widths[column] - excess(), LEAST_CELL))
            for line in lines:
                line[column] = _without_middle(line[column], widths[column])

    def cell(text: str, column: int) -> str:
        is_left = column < left or column in least
        return text.ljust(widths[column]) if is_left else text.rjust(widths[column])

    cells = [
        [wrap(text, max(1, widths[column]), **UNCUT) if column in least else [text] for column, text in enumerate(line)]
        for line in lines
    ]
    return "\n".join(
        "  " + "  ".join(cell(text, column) for column, text in enumerate(part)).rstrip().replace(JOINED, " %")
        for line in cells
        for part in zip_longest(*line, fillvalue="")
    )


def named_rows(rows: Iterable[tuple[str, str]], *, width: int = 20) -> str:
    """Return a name, filled up to a width, and what it says for each row; what is too long goes on below."""
    return "\n".join(
        filled(f"{name:<{width}}{value}".rstrip(), subsequent_indent=" " * width, **UNCUT) for name, value in rows
    )


def filled(text: str, **how: Any) -> str:
    """Return a text in lines of at most `WIDTH` columns, no number apart from its percent sign; see `textwrap.fill`."""
    return fill(_joined(text), WIDTH, **how).replace(JOINED, " %")


def _joined(text: str) -> str:
    return text.replace(" %", JOINED)


def _without_middle(text: str, most: int) -> str:
    """Return a text of at most so many characters: its ends with dots between them where it is longer."""
    if len(text) <= most:
        return text
    first, last = (most - 1) // 2, (most - 2) // 2
    return f"{text[:first]}..{text[len(text) - last :]}"


def titled(title: str, rows: Rows, *, left: int = 1) -> str:
    """Return a table under its title, no wider than a terminal as far as names may be shortened."""
    return f"{filled(title)}\n\n{table(rows.header, rows.rows, left=left)}"

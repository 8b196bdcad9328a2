"""Small pieces of HTML that the sections of a page are made of; all text is escaped here."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Light fills on which dark text stands.
PALE_FROM = 150


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int = 1,
    text: int = -1,
    last: bool = False,
    stacks: bool = False,
) -> str:
    """Return a table.

    Parameters
    ----------
    header, rows : sequences of str
    left : int
        Columns from the first on that stand flush left.
    text : int
        A column of sentences, which may wrap; none when negative.
    last : bool
        Whether the last row is a sum.
    stacks : bool
        Whether on a narrow screen the cells of a row stand one below the other, each behind its header.
    """

    def cells(tag: str, line: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{_kind(column, left, text)}{_told_by(header[column]) if stacks else ''}>{escape(cell)}</{tag}>"
            for column, cell in enumerate(line)
        )

    lines = list(rows)
    sums = {len(lines) - 1} if last else set()
    body = [f"<tr{' class=sum' if index in sums else ''}>{cells('td', line)}</tr>" for index, line in enumerate(lines)]
    head = f"<thead><tr>{cells('th', header)}</tr></thead>" if header else ""
    kind = ' class="stacks"' if stacks else ""
    return f'<div class="wide"><table{kind}>{head}<tbody>{"".join(body)}</tbody></table></div>'


def _kind(column: int, left: int, text: int) -> str:
    return ' class="text"' if column == text else ' class="name"' if column < left else ""


def _told_by(header: str) -> str:
    return f' data-header="{escape(header)}"'


def bar(parts: Iterable[tuple[str, float, str]], colours: Mapping[str, str]) -> str:
    """Return a bar of parts (name, share of the whole, what it says when pointed at), the colour by name."""
    spans = [
        f'<span style="width:{100 * share:.3f}%;background:{colours[name]}"{_tone(colours[name])} '
        f'title="{escape(title)}">{escape(name)}</span>'
        for name, share, title in parts
    ]
    return f'<div class="bar" role="img" aria-label="shares, told in the table below">{"".join(spans)}</div>'


def _tone(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return ' class="pale"' if 0.3 * red + 0.59 * green + 0.11 * blue > PALE_FROM else ""


def section(name: str, title: str, *parts: str) -> str:
    """Return a section with its heading."""
    heading = f'<h2 id="{name}-title">{escape(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">{heading}{"".join(parts)}</section>'


def heading(text: str) -> str:
    """Return a heading inside a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, kind: str = "quiet") -> str:
    """Return a paragraph of a class of its own."""
    return f'<p class="{kind}">{escape(text)}</p>'


def choice(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    """Return a labelled box of (value, text); the first is chosen."""
    lines = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<label>{escape(label)} <select name="{name}">{lines}</select></label>'


def zoom_buttons() -> str:
    """Return what a mouse presses instead of keys."""
    keys = (("+", "zoom in", "+"), ("-", "zoom out", "-"), ("0", "show all", "all"))
    return "".join(
        f'<button type="button" data-key="{key}" aria-label="{told}">{text}</button>' for key, told, text in keys
    )


def panel(label: str, *tools: str) -> str:
    """Return tools, a picture that takes keys, and the line that tells what is under the cursor."""
    picture = f'<canvas tabindex="0" role="application" aria-label="{escape(label)}"></canvas>'
    return f'<div class="tools">{"".join(tools)}</div>{picture}<output aria-live="polite"></output>'


def legend(colours: Mapping[str, str]) -> str:
    """Return names with their colours."""
    items = "".join(f'<span><i style="--colour:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items())
    return f'<div class="keys">{items}</div>'

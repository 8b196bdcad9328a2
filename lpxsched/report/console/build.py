"""What ``lpxsched report`` prints: plain text of at most `WIDTH` columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.limits import limiting_sentence, path_cells
from lpxsched.report.rows import Rows, chip_rows, class_rows, kind_rows, link_rows, path_rows, sparkline
from lpxsched.report.text_table import WIDTH, filled, table, titled
from lpxsched.report.titles import length_of, name_of
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.report.summary import Summary

# Columns of the critical path in front of those of link classes.
BEFORE_CLASSES = 4
LEAST_BARS, MOST_BARS = 20, 40


class Words(NamedTuple):
    """What the report calls a segment's own links, what shares are of, and how a critical path runs."""

    own: str
    share: str
    path: str


LAYERS = Words(
    "the layer's own links while the layer runs",
    "the layer's makespan",
    "one token: of each layer from its ingress to its last egress",
)
WHOLE = Words(
    "the model's own links", "the whole model's makespan", "one token: from its way into the embedding to the next one"
)
COLLECTIVE = Words(
    "the collective's own links", "the collective's makespan", "the collective: from its start to its last read"
)


def _words(summary: Summary) -> Words:
    of_model = WHOLE if summary.visits else LAYERS
    words = of_model if summary.facts["collective"] is None else COLLECTIVE
    if not summary.facts["period_cycles"]:
        return words
    # In a period all layers run at once.
    own = "the own links of all layers" if words is LAYERS else words.own
    return words._replace(own=own, share="the period")


def report_text(summary: Summary) -> str:
    """Return the whole report, paragraphs separated by empty lines."""
    headline = [f"  {name:<14}{text}" for name, text in summary.headline]
    parts = [
        filled(limiting_sentence(summary)),
        *(["\n".join(headline)] if headline else []),
        filled(f"{name_of(summary)}: {length_of(summary)}"),
        *([titled("Layers by kind", kind_rows(summary))] if summary.facts["collective"] is None else []),
        _path(summary),
        _classes(summary),
        *busiest(summary),
    ]
    return "\n\n".join(parts)


def _classes(summary: Summary) -> str:
    found = class_rows(summary)
    figures = table(found.header, found.rows, most=WIDTH - LEAST_BARS - 2).split("\n")
    width = max(map(len, figures)) + 2
    bars = min(MOST_BARS, WIDTH - width)
    over_time = ["over time", *(sparkline(summary.classes, row, bars) for row in range(len(found.rows)))]
    lines = [f"{line.ljust(width)}{last}".rstrip() for line, last in zip(figures, over_time, strict=True)]
    notes = (
        f"Link utilisation: of all links; of {_words(summary).own}, which the line draws too; its peak in "
        f"{summary.classes.bins} bins of time"
    )
    return f"{filled(notes)}\n\n" + "\n".join(lines)


def busiest(summary: Summary, letter: str = "") -> list[str]:
    """Return the busiest links and chips, of one of several builds with its letter."""
    of, share = f" of {letter}" if letter else "", _words(summary).share
    runs = any(alike.one.unit_shares for alike in summary.chips_alike)
    by = f"by functional unit, those alike once, share of {share}" if runs else "by vectors, those alike once"
    return [
        titled(f"Busiest links{of}, those alike once, share of {share}", link_rows(summary), left=2),
        titled(f"Busiest chips{of} {by}", chip_rows(summary)),
    ]


def _path(summary: Summary) -> str:
    cells = path_cells(summary.layers)
    found = path_rows(summary, cells)
    kept = len(found.header)
    while kept > BEFORE_CLASSES and _width(found, kept) > WIDTH:
        kept -= 1
    missing = len(found.header) - kept
    more = f"; {counted(missing, 'more link class')} in --json" if missing else ""
    shown_rows = Rows(found.header[:kept], [row[:kept] for row in found.rows])
    return titled(f"Critical path of {_words(summary).path}{more}", shown_rows)


def _width(rows: Rows, columns: int) -> int:
    """Return how wide the first columns of a table are."""
    first = [line[:columns] for line in (rows.header, *rows.rows)]
    return len(table(first[0], first[1:], most=None).split("\n")[0])

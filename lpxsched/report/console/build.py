"""What ``lpxsched report`` prints: plain text of at most `WIDTH` columns."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.limits import limiting_sentence, path_cells
from lpxsched.report.rows import Rows, chip_rows, class_rows, kind_rows, link_rows, path_rows, sparkline
from lpxsched.report.text_table import WIDTH, table, titled
from lpxsched.report.titles import length_of, name_of

if TYPE_CHECKING:
    from lpxsched.report.summary import Summary

# Beyond these columns a table of classes leaves the page.
MOST_CLASSES = 4
MOST_BARS = 40


class Words(NamedTuple):
    """What the report calls a segment, what shares are of, and how a critical path runs."""

    part: str
    share: str
    path: str


MODEL = Words("layer", "the layer's makespan", "one token: of each layer from its ingress to its last egress")
COLLECTIVE = Words("collective", "the collective's makespan", "the collective: from its start to its last read")


def _words(summary: Summary) -> Words:
    words = MODEL if summary.facts["collective"] is None else COLLECTIVE
    return words._replace(share="the period") if summary.facts["period_cycles"] else words


def report_text(summary: Summary) -> str:
    """Return the whole report, paragraphs separated by empty lines."""
    headline = [f"  {name:<14}{text}" for name, text in summary.headline]
    parts = [
        fill(limiting_sentence(summary), WIDTH),
        *(["\n".join(headline)] if headline else []),
        fill(f"{name_of(summary)}: {length_of(summary)}", WIDTH),
        *([titled("Layers by kind", kind_rows(summary))] if summary.facts["collective"] is None else []),
        _path(summary),
        _classes(summary),
        *busiest(summary),
    ]
    return "\n\n".join(parts)


def _classes(summary: Summary) -> str:
    found = class_rows(summary)
    figures = table(found.header, found.rows).split("\n")
    width = max(map(len, figures)) + 2
    bars = min(MOST_BARS, WIDTH - width)
    over_time = ["over time", *(sparkline(summary.classes, row, bars) for row in range(len(found.rows)))]
    lines = [f"{line.ljust(width)}{last}".rstrip() for line, last in zip(figures, over_time, strict=True)]
    part = _words(summary).part
    notes = (
        f"Link utilisation: of all links; of the {part}'s own links while the {part} runs, which the line draws too; "
        f"its peak in {summary.classes.bins} bins of time"
    )
    return f"{fill(notes, WIDTH)}\n\n" + "\n".join(lines)


def busiest(summary: Summary, letter: str = "") -> list[str]:
    """Return the busiest links and chips, of one of several builds with its letter."""
    of, share = f" of {letter}" if letter else "", _words(summary).share
    runs = any(alike.one.unit_shares for alike in summary.chips_alike)
    by = f"by functional unit, those alike once, share of {share}" if runs else "by vectors"
    return [
        titled(f"Busiest links{of}, those alike once, share of {share}", link_rows(summary), left=2),
        titled(f"Busiest chips{of} {by}", chip_rows(summary)),
    ]


def _path(summary: Summary) -> str:
    cells = path_cells(summary.layers)
    found = path_rows(summary, cells)
    kept = 4 + MOST_CLASSES
    more = f"; {len(found.header) - kept} more link classes in --json" if len(found.header) > kept else ""
    shown_rows = Rows(found.header[:kept], [row[:kept] for row in found.rows])
    title = f"Critical path of {_words(summary).path}{more}"
    return titled(title, shown_rows)

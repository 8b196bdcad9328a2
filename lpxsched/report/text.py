"""What ``lpxsched report`` prints: plain text of at most `WIDTH` columns."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

from lpxsched.report.difference import by_group, change_rows, moved_sentence
from lpxsched.report.formats import counted
from lpxsched.report.limits import limiting_sentence, path_cells
from lpxsched.report.rows import Rows, chip_rows, class_rows, kind_rows, link_rows, path_rows, sparkline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpxsched.report.difference import Change, Moved
    from lpxsched.report.summary import Summary

WIDTH = 100
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
        titled(f"Busiest links, those alike once, share of {_words(summary).share}", link_rows(summary), left=2),
        _chips(summary),
    ]
    return "\n\n".join(parts)


def changes_text(names: tuple[str, str], found: Sequence[Change], moved: Sequence[Moved]) -> str:
    """Return two builds side by side."""
    parts = [f"A  {names[0]}\nB  {names[1]}"]
    parts += [titled(group.capitalize(), change_rows(members)) for group, members in by_group(found).items()]
    more = "; -o FILE.html shows which" if any(each.first != each.second for each in moved) else ""
    return "\n\n".join([*parts, moved_sentence(moved) + more])


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows under a header, the first `left` columns flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def cell(text: str, column: int) -> str:
        return text.ljust(widths[column]) if column < left else text.rjust(widths[column])

    return "\n".join(
        "  " + "  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines
    )


def name_of(summary: Summary) -> str:
    """Return what the build is."""
    facts = summary.facts
    names = (facts[key] for key in ("model", "collective", "topology"))
    name = " on ".join(str(told) for told in names if told is not None) or "build"
    return name if facts["batch"] is None else f"{name}, batch {facts['batch']}"


def length_of(summary: Summary) -> str:
    """Return how long a build takes beside its lower bound."""
    facts = summary.facts
    bound = "" if facts["bound"] is None else f" ({facts['bound']})"
    ends = " between embedding and head" if summary.visits else ""
    layers = f"{counted(facts['layer_count'], 'layer')}{ends}, " if facts["collective"] is None else ""
    period = facts["period_cycles"]
    # A model tells its worst case in the headline.
    told = facts["collective"] is not None and "proved_worst_ns" in facts
    worst = f" (at worst {facts['proved_worst_ns']:,.0f} ns, waiting included)" if told else ""
    repeats = f"repeats every {period:,} cycles (shares of links and chips are {_shares_of(facts)}), " if period else ""
    return (
        f"{layers}{repeats}makespan {facts['makespan_cycles']:,} cycles = {facts['makespan_ns']:,.0f} ns{worst}, "
        f"lower bound{' of the period' if period else ''} {facts['lower_bound_cycles']:,} cycles{bound}"
    )


def _shares_of(facts: Mapping[str, Any]) -> str:
    """Return what shares are of where something repeats."""
    if "windows" not in facts:
        return "of that"
    owned, windows = facts["in_flight"], facts["windows"]
    told = f"of a period in which every window is owned; {owned:,} of {windows:,} windows are"
    return f"{told}, so of the longest step they are {100 * owned / windows:.2f} % of what is told"


def titled(title: str, rows: Rows, *, left: int = 1) -> str:
    """Return a table under its title."""
    return f"{title}\n\n{table(rows.header, rows.rows, left=left)}"


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


def _chips(summary: Summary) -> str:
    found = chip_rows(summary)
    runs = any(alike.one.unit_shares for alike in summary.chips_alike)
    by = f"by functional unit, those alike once, share of {_words(summary).share}" if runs else "by vectors"
    return titled(f"Busiest chips {by}", found)


def _path(summary: Summary) -> str:
    cells = path_cells(summary.layers)
    found = path_rows(summary, cells)
    kept = 4 + MOST_CLASSES
    more = f"; {len(found.header) - kept} more link classes in --json" if len(found.header) > kept else ""
    shown_rows = Rows(found.header[:kept], [row[:kept] for row in found.rows])
    title = f"Critical path of {_words(summary).path}{more}"
    return titled(title, shown_rows)

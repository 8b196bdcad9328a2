"""The page of two builds side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.comparison.assumed import assumed_rows, assumed_sentence
from lpxsched.report.comparison.change import by_group, change_rows
from lpxsched.report.comparison.comparison import LETTERS, compare
from lpxsched.report.comparison.moved import moved_sentence, noun_of
from lpxsched.report.limits import limiting_sentence
from lpxsched.report.page.data import class_data
from lpxsched.report.page.html import document
from lpxsched.report.page.markup import choice, heading, legend, panel, paragraph, section, table, zoom_buttons
from lpxsched.report.page.pictures import KEYS, SHARES
from lpxsched.report.page.tables import busiest_tables, kinds_table
from lpxsched.report.titles import length_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.report.comparison.assumed import Assumed
    from lpxsched.report.comparison.change import Change
    from lpxsched.report.comparison.comparison import Comparison
    from lpxsched.report.comparison.moved import Moved
    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build

NO_BREAK = "\u00a0"


def comparison_page(first: Build, second: Build, names: tuple[str, str]) -> bytes:
    """Return a page of two builds with the figures of both, what differs, and their utilisation in one picture.

    Raises
    ------
    InputError
        When a timetable breaks causality.
    """
    told = compare(first, second)
    figures, *others = (_change_table(group, found) for group, found in by_group(told.changes).items())
    models = [summary.facts["collective"] is None for summary in told.summaries]
    sections = [
        _head(told, names),
        section("figures", "Figures", figures),
        _utilisation(told),
        section("parts", "Where the time goes, and how busy links are", *others),
        *([section("layers", "Layers by kind", *_of_both(told, kinds_table))] if any(models) else []),
        _mapping(told.moved),
        section("busiest", "Busiest links and chips", *_of_both(told, busiest_tables)),
        _assumptions(told.assumed),
    ]
    builds = [class_data(build) for build in (first, second)]
    return document(f"{names[0]} and {names[1]}", sections, builds)


def _head(told: Comparison, names: Sequence[str]) -> str:
    parts = [
        heading(letter)
        + paragraph(f"{name}: {name_of(summary)}")
        + paragraph(limiting_sentence(summary), "limit")
        + paragraph(length_of(summary), "length")
        for letter, name, summary in zip(LETTERS, names, told.summaries, strict=True)
    ]
    return f"<header><h1>Two builds side by side</h1>{''.join(parts)}</header>"


def _change_table(group: str, found: Sequence[Change]) -> str:
    told = change_rows(found)
    return table([group, *(name.replace(" ", NO_BREAK) for name in told.header[1:])], told.rows, text=0)


def _utilisation(told: Comparison) -> str:
    palette = {"A": "var(--first)", "B": "var(--second)"}
    tools = (choice("of", "share of", SHARES), zoom_buttons())
    return section(
        "utilisation",
        "Link utilisation over time",
        paragraph(
            " ".join(
                [
                    "Busy share of the links of each class, both builds from their own start, of what repeats one "
                    "period after the other; a line shows where the shorter one ends.",
                    *told.shares,
                    KEYS,
                ]
            ),
            "hint",
        ),
        panel("Link utilisation of both builds over time, a row a link class", *tools),
        legend(palette),
    )


def _of_both(told: Comparison, tables: Callable[[Summary], str]) -> list[str]:
    """Return a piece of the page of each build, under its letter."""
    return [heading(letter) + tables(summary) for letter, summary in zip(LETTERS, told.summaries, strict=True)]


def _mapping(moved: Sequence[Moved]) -> str:
    rows = [[each.layer, each.first or "-", each.second or "-", "other chips" if each.moves else ""] for each in moved]
    shown = table([noun_of(moved), "A", "B", ""], rows, left=4)
    return section("mapping", "Mapping", paragraph(f"{moved_sentence(moved)}."), shown)


def _assumptions(found: Sequence[Assumed]) -> str:
    """Return value and range of all that is assumed, what differs first."""
    ordered = sorted(found, key=lambda each: not each.differs)
    told = assumed_rows(ordered)
    rows = [[*cells, "differs" if each.differs else ""] for each, cells in zip(ordered, told.rows, strict=True)]
    said = paragraph(f"Taken, with its range: {assumed_sentence(found)}.")
    return section("assumptions", "Assumptions", said, table([*told.header, ""], rows, left=4, stacks=True))

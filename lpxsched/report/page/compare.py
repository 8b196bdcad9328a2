"""The page of two builds side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.difference import by_group, change_rows, changes, moved_layers, moved_sentence
from lpxsched.report.limits import limiting_sentence
from lpxsched.report.page.data import class_data
from lpxsched.report.page.html import document
from lpxsched.report.page.markup import choice, legend, panel, paragraph, section, table, zoom_buttons
from lpxsched.report.page.pictures import KEYS, SHARES
from lpxsched.report.summary import summarise
from lpxsched.report.text import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.difference import Change, Moved
    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build


def compare_page(first: Build, second: Build, names: tuple[str, str]) -> bytes:
    """Return a page of two builds with the figures of both, what differs, and their utilisation in one picture.

    Raises
    ------
    InputError
        When a timetable breaks causality.
    """
    summaries = (summarise(first), summarise(second))
    figures, *others = (_change_table(group, found) for group, found in by_group(changes(*summaries)).items())
    sections = [
        _head(summaries, names),
        section("figures", "Figures", figures),
        _utilisation(),
        section("parts", "Where the time goes, and how busy links are", *others),
        _mapping(moved_layers(first, second)),
    ]
    builds = [class_data(build) for build in (first, second)]
    return document(f"{names[0]} and {names[1]}", sections, builds)


def _head(summaries: Sequence[Summary], names: Sequence[str]) -> str:
    told = [
        f"<h3>{letter}</h3>" + paragraph(f"{name}: {name_of(summary)}") + paragraph(limiting_sentence(summary), "limit")
        for letter, name, summary in zip("AB", names, summaries, strict=True)
    ]
    return f"<header><h1>Two builds side by side</h1>{''.join(told)}</header>"


def _change_table(group: str, found: Sequence[Change]) -> str:
    told = change_rows(found)
    return table([group, *told.header[1:]], told.rows)


def _utilisation() -> str:
    palette = {"A": "var(--first)", "B": "var(--second)"}
    tools = (choice("of", "share of", SHARES), zoom_buttons())
    return section(
        "utilisation",
        "Link utilisation over time",
        paragraph(
            f"Busy share of the links of each class, both builds from their own start, of what repeats "
            f"one period after the other. {KEYS}",
            "hint",
        ),
        panel("Link utilisation of both builds over time, a row a link class", *tools),
        legend(palette),
    )


def _mapping(moved: Sequence[Moved]) -> str:
    rows = [[each.layer, each.first or "-", each.second or "-", "other chips" if each.moves else ""] for each in moved]
    return section(
        "mapping", "Mapping", paragraph(f"{moved_sentence(moved)}."), table(["layer", "A", "B", ""], rows, left=4)
    )

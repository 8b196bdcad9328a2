"""The page of two builds side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.difference import SHARE, changes, moved_layers, moved_sentence, shown
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
    groups: dict[str, list[Change]] = {}
    for change in changes(*summaries):
        groups.setdefault(change.group, []).append(change)
    figures, *others = (_change_table(group, found) for group, found in groups.items())
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
    rows = [
        [
            change.name,
            shown(change.first, change.unit),
            shown(change.second, change.unit),
            shown(change.difference, change.unit, signed=True),
            _ratio(change),
        ]
        for change in found
    ]
    unit = f", {found[0].unit}" if len({change.unit for change in found}) == 1 and found[0].unit else ""
    points = "B - A, points" if found[0].unit == SHARE else "B - A"
    if group == "figures":
        rows = [
            [f"{row[0]}, {change.unit}" if change.unit else row[0], *row[1:]]
            for row, change in zip(rows, found, strict=True)
        ]
    return table([f"{group}{unit}", "A", "B", points, "B / A"], rows)


def _ratio(change: Change) -> str:
    if not change.first or change.second is None:
        return "-"
    return f"{change.second / change.first:.4f}"


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

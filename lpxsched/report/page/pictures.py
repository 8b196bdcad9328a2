"""The sections of a page that are drawn in the browser: utilisation, fabric, timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.report.formats import links_of
from lpxsched.report.page.markup import choice, legend, panel, paragraph, section, zoom_buttons
from lpxsched.report.relays import RELAY
from lpxsched.report.titles import windows_owned
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = (
    "Focus a picture by click or Tab. Arrows left and right move in time, with Shift the cursor; up and down choose a "
    "row; + and - zoom, 0 shows all, Enter opens. The wheel zooms a focused picture, with Shift it moves; dragging "
    "moves too."
)
SHARES = (("running", "links of the segments that run"), ("all", "all links in service"))


def utilisation_section(described: Mapping[str, Any]) -> str:
    """Return utilisation over time by class, tray, chip or single link."""
    kinds = [("class", "link class"), ("tray", "tray"), ("chip", "chip that they leave"), ("link", "link of one chip")]
    relays = set(described["relays"])
    nodes = [(str(node), f"{RELAY} {name}" if node in relays else name) for node, name in enumerate(described["nodes"])]
    tools = (choice("kind", "rows by", kinds), choice("chip", "links of", nodes), choice("of", "share of", SHARES))
    return section(
        "utilisation",
        "Link utilisation over time",
        paragraph(f"Share of link-cycles in which vectors are carried{_of_windows(described)}. {KEYS}", "hint"),
        panel("Link utilisation over time, a row a group of links", *tools, zoom_buttons()),
        legend(described["colours"]["classes"]),
    )


def _of_windows(described: Mapping[str, Any]) -> str:
    """Return of which windows the period is that is drawn."""
    if described["windows"] is None:
        return ""
    return f", of {windows_owned(described['windows'])}"


def fabric_section(described: Mapping[str, Any]) -> str:
    """Return trays x chips, coloured by load, with a slider over time."""
    stretches = [
        ("1", "the period" if described["period"] else "the whole time"),
        ("0.1", "a tenth"),
        ("0.001", "a thousandth"),
        ("0", "one bin"),
    ]
    if len(described["segments"]) > 1 and not described["period"]:
        stretches.insert(0, ("segment", "one segment"))
    slider = '<label>from <input type="range" name="moment" min="0" value="0" step="1"></label>'
    said = (
        "Colour: busy share of the links that leave a node in a stretch of time, up to the busiest chip. Arrows choose "
        "a node, with Shift those left and right move the stretch; + and - make it shorter and longer, 0 shows all, "
        "Enter or a click shows its links above and below."
    )
    tools = (choice("stretch", "stretch", stretches), slider)
    return section("fabric", "Fabric", paragraph(said, "hint"), panel("Load of each chip, trays by rows", *tools))


def timeline_section(described: Mapping[str, Any]) -> str:
    """Return what units and links of the chips of a segment do."""
    segments = [
        (str(index), f"{of['name']}, {counted(len(of['chips']), 'chip')}{_passing(of)}")
        for index, of in enumerate(described["segments"])
    ]
    segments += [(str(len(segments) + place), _windows(of)) for place, of in enumerate(described["frames"])]
    classes, kinds = described["colours"]["classes"], described["colours"]["kinds"]
    said = (
        "Operators on the units of a chip, above them what it receives, below what it sends. Grey bands are deskews, "
        "in which nothing moves. The critical path is outlined, its hops are lines from departure to read; hosts share "
        "a row."
    )
    if any(of["relays"] for of in described["segments"]):
        said += " Relays, which pass vectors on, stand behind the chips that compute or take part."
    if described["frames"]:
        said += (
            " What repeats begins anew in each window, in which passes overlap; grey windows are left out. A pass can "
            "be shown alone, or all windows of a frame together."
        )
    return section(
        "timeline",
        "Timeline of chips",
        paragraph(said, "hint"),
        panel("Timeline of chips: operators, sends and receives", choice("segment", "show", segments), zoom_buttons()),
        legend(kinds | {links_of(name): colour for name, colour in classes.items()}),
    )


def _passing(segment: Mapping[str, Any]) -> str:
    return f", {counted(len(segment['relays']), RELAY)}" if segment["relays"] else ""


def _windows(frame: Mapping[str, Any]) -> str:
    return f"frame {frame['frame']}, {counted(frame['windows'], 'window')} of {counted(frame['period'], 'cycle')}"

"""The sections of a page that are tables: layers by kind, mapping, what is busiest, what is assumed, slack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.assumptions import assumptions
from lpxsched.report.colours import colours_of
from lpxsched.report.formats import clocks_named, percent
from lpxsched.report.layers import head_of, layer_ranges, number_ranges
from lpxsched.report.manifest import collective_kind
from lpxsched.report.mapping import mapping, position_ranges
from lpxsched.report.page.curves import slack_curve
from lpxsched.report.page.markup import paragraph, section, table
from lpxsched.report.relays import mere_relays, relays_of_segments
from lpxsched.report.rows import chip_rows, kind_rows, link_name, link_rows
from lpxsched.report.slack import slack_by_class
from lpxsched.report.titles import windows_owned
from lpxsched.report.token_time import token_time
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build

# Beyond so many kinds frames are counted, not listed.
MOST_FRAMES = 64


def slack_section(build: Build) -> str:
    """Return how much later than the clocks demand the slots are read."""
    found = slack_by_class(build)
    if isinstance(found, str):
        return section("slack", "Slack against the clock", paragraph(f"None is told: {found}."))
    rows = [
        [
            of.link_class,
            f"{len(of.cycles):,}",
            *(f"{value:,.3f}" for value in (of.cycles[0], of.cycles[len(of.cycles) // 2], of.cycles[-1])),
            _link(build, of.tightest_link),
        ]
        for of in found
    ]
    clock = build.manifest.clock.get("name", "the build")
    said = (
        f"Cycles from the latest arrival that {clocks_named(clock)} allow to the read, of each slot to a chip; "
        "below 0 a vector could be late. Hosts take vectors whenever they come."
    )
    header = ["class", "slots", "least", "median", "most", "tightest on"]
    return section(
        "slack",
        "Slack against the clock",
        paragraph(said),
        f"<figure>{slack_curve(found, colours_of(build)[0])}</figure>",
        table(header, rows),
    )


def _link(build: Build, link: int) -> str:
    source, destination = (build.chips.position[end] for end in (build.links.src[link], build.links.dst[link]))
    return link_name(source, destination, int(build.links.lane[link]))


def layers_section(summary: Summary) -> str:
    """Return a row a kind of layer."""
    return section("layers", "Layers by kind", kinds_table(summary))


def kinds_table(summary: Summary) -> str:
    """Return a row a kind of layer, of a model that has any."""
    found = kind_rows(summary)
    return table(found.header, found.rows) if summary.facts["collective"] is None else paragraph("A collective.")


def mapping_section(build: Build) -> str:
    """Return which chips hold which layers and how full their SRAM is, and which chips relay."""
    head, kind = head_of(build.manifest.results), collective_kind(build)
    rows = [
        [
            kind or layer_ranges(row.layers, head),
            str(row.count),
            row.chips,
            percent(row.least_filled),
            percent(row.most_filled),
        ]
        for row in mapping(build)
    ]
    held = {chip for segment in range(len(build.segments)) for chip in build.graph.chips_of(segment)}
    relays = mere_relays(build, relays_of_segments(build, token_time(build)))
    if relays:
        places = position_ranges(build.chips.position[list(relays)].tolist())
        rows.append(["relays", str(len(relays)), places, "-", "-"])
    of_all = f"{len(held):,} of {counted(int((~build.chips.host).sum()), 'chip')}"
    header = ["layers", "chips", "positions", "least filled", "most filled"]
    said = f"{of_all} hold layers{_relaying(relays)}. Filled: weights of all layers on the chip, of its SRAM."
    if kind:
        # It has neither layers nor weights.
        header, rows = ["collective", *header[1:3]], [row[:3] for row in rows]
        said = f"{of_all} take part{_relaying(relays)}."
    return section("mapping", "Mapping", paragraph(said), table(header, rows, left=1, text=2), _frames(build))


def _relaying(relays: Sequence[int]) -> str:
    return f", {len(relays):,} more only pass{'es' if len(relays) == 1 else ''} vectors on" if relays else ""


def _frames(build: Build) -> str:
    """Return period, windows and gaps of each frame, with the phases of its segments; those alike once."""
    frames, segments = build.frames, build.segments
    alike: dict[tuple[str, ...], list[int]] = {}
    for frame, period in enumerate(frames.period_cycles.tolist()):
        mine = segments.frame == frame
        phases = segments.phase_cycles[mine]
        told = f"{phases.min():,} .. {phases.max():,}" if period and len(phases) else "-"
        repeats = f"{period:,}" if period else "on demand"
        counts = [str(frames.windows[frame]), str(len(frames.gaps[frame])), str(int(mine.sum())), told]
        domain = int(frames.time_domain[frame])
        alike.setdefault((str(domain) if domain >= 0 else "none", repeats, *counts), []).append(frame)
    rows = [[number_ranges(numbers), *cells] for cells, numbers in alike.items()]
    header = ["frames", "time domain", "period, cycles", "windows", "gaps", "segments", "phases, cycles"]
    if len(rows) > MOST_FRAMES:
        return paragraph(f"{counted(len(frames), 'frame')} of {counted(len(rows), 'kind')}; frames.parquet lists them.")
    return table(header, rows)


def busiest_section(summary: Summary) -> str:
    """Return the busiest links and chips, those alike once."""
    return section("busiest", "Busiest links and chips", busiest_tables(summary))


def busiest_tables(summary: Summary) -> str:
    """Return the busiest links and chips, and what their shares are of."""
    if summary.windows is not None:
        whole = windows_owned(summary.windows)
    else:
        whole = "the period" if summary.facts["period_cycles"] else "the makespan of their own segment"
    links, chips = link_rows(summary), chip_rows(summary)
    said = f"Shares are of {whole}. What is equally busy with equally many vectors stands once, with its number."
    return paragraph(said) + table(links.header, links.rows, left=2) + table(chips.header, chips.rows)


def assumptions_section(build: Build) -> str:
    """Return every assumed value that entered, with its range and why."""
    rows = [[each.name, each.taken, each.ends, each.why] for each in assumptions(build)]
    said = (
        f"{counted(len(rows), 'value')} that nobody has published entered this build."
        if rows
        else "Nothing assumed entered this build."
    )
    shown = table(["value", "taken", "range", "why"], rows, left=3, text=3, stacks=True) if rows else ""
    return section("assumptions", "Assumptions", paragraph(said), shown)

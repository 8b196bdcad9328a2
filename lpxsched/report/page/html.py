"""The page of one build as one file: text, description, blobs, style and script, nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lpxsched.report.formats import in_us
from lpxsched.report.limits import limiting_sentence
from lpxsched.report.page.data import page_data
from lpxsched.report.page.markup import paragraph, table
from lpxsched.report.page.path_section import path_section
from lpxsched.report.page.pictures import fabric_section, timeline_section, utilisation_section
from lpxsched.report.page.tables import (
    assumptions_section,
    busiest_section,
    layers_section,
    mapping_section,
    slack_section,
)
from lpxsched.report.summary import summarise
from lpxsched.report.titles import length_of, name_of
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.page.blobs import Blob
    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build

# In this order: each uses what stands in those before it.
SCRIPTS = (
    "store.js",
    "axis.js",
    "windows.js",
    "links.js",
    "utilisation.js",
    "path.js",
    "timeline.js",
    "fabric.js",
    "comparison.js",
    "main.js",
)


def build_page(build: Build) -> bytes:
    """Return the page of a build; equal builds give equal bytes.

    Raises
    ------
    InputError
        When the timetable breaks causality.
    """
    summary = summarise(build)
    described, blobs = page_data(build)
    sections = [
        head(summary),
        path_section(summary),
        utilisation_section(described),
        fabric_section(described),
        timeline_section(described),
        slack_section(build),
        *([layers_section(summary)] if summary.facts["collective"] is None else []),
        mapping_section(build),
        busiest_section(summary),
        assumptions_section(build),
        paragraph(f"Content {build.manifest.content_sha256}, lpxsched {build.manifest.versions.get('lpxsched', '')}."),
    ]
    return document(name_of(summary), sections, [(described, blobs)])


def head(summary: Summary) -> str:
    """Return what limits the step, its figures, and its three parts."""
    facts = summary.facts
    if "step_ns" in facts:
        figures = [
            ("tokens/s a user", f"{int(facts['tokens_per_s_per_user']):,}"),
            ("low", f"{int(facts['tokens_per_s_per_user_low']):,}"),
            ("us a step", in_us(facts["step_ns"])),
            ("of it proved", in_us(facts["proved_ns"])),
            ("of it assumed", in_us(facts["assumed_ns"])),
        ]
    else:
        name, cycles = ("makespan", facts["makespan_cycles"])
        if facts["period_cycles"]:
            name, cycles = ("period", facts["period_cycles"])
        time_ns = cycles_to_ns(cycles, summary.clock_mhz)
        figures = [
            (f"cycles, {name}", f"{cycles:,}"),
            (f"us, {name}", in_us(time_ns)),
            ("cycles, lower bound of it", f"{facts['lower_bound_cycles']:,}"),
        ]
        if "proved_worst_ns" in facts:
            figures.append(("us at worst, waiting included", in_us(facts["proved_worst_ns"])))
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in figures)
    parts = table([], summary.headline, left=2) if summary.headline else ""
    limit, length = paragraph(limiting_sentence(summary), "limit"), paragraph(length_of(summary), "length")
    return f'<header><h1>{escape(name_of(summary))}</h1>{limit}<dl class="figures">{items}</dl>{parts}{length}</header>'


def document(name: str, sections: Sequence[str], builds: Sequence[tuple[dict[str, Any], Sequence[Blob]]]) -> bytes:
    """Return sections and the data of one or two builds as a page.

    Blobs and script come last, so that text is painted while they are still read.
    """
    static = files("lpxsched.report.page") / "static"
    style = (static / "page.css").read_text(encoding="utf-8")
    script = "\n".join((static / part).read_text(encoding="utf-8") for part in SCRIPTS)
    blobs = "".join(
        f'<script type="text/plain" id="{letter}.{blob.name}">{blob.text}</script>\n'
        for letter, (_, packed) in zip("ab", builds, strict=False)
        for blob in packed
    )
    described = json.dumps([each for each, _ in builds], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # A name may hold what ends a script.
    described = described.replace("<", "\\u003c")
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(name)}</title><style>\n{style}</style></head><body>",
        *sections[:1],
        "<noscript><p>Pictures over time need JavaScript, which is off here; text and tables do not.</p></noscript>",
        *sections[1:],
        f'<script type="application/json" id="described">{described}</script>',
        blobs,
        f'<script type="module">\n{script}</script>',
        "</body></html>\n",
    ]
    return "\n".join(lines).encode()

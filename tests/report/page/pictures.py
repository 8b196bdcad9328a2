"""Where rows of the page's pictures lie, and what they tell."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


PICTURES = ("utilisation", "fabric", "timeline")
# Rows of the picture by link class are so high; tray links come first, host links second.
# Below the names of layers.
HEADING = 17
TRAY_ROW, HOST_ROW = HEADING + 22, HEADING + 66
# Of the row of all hosts above the chips of the timeline.
HOSTS = 18


def busy_cycles(build: Build, first: int, last: int, *, link_class: str = "", source: int = -1) -> Fraction:
    """Return the busy cycles of a class, or of what leaves a node, counted slot by slot; a layer takes 128 cycles."""
    busy, slots, links = Fraction(0), build.slots, build.links
    for tensor, vectors, link, depart in zip(slots.tensor, slots.vectors, slots.link, slots.depart, strict=True):
        if (link_class and links.link_class[link] != link_class) or (source >= 0 and links.src[link] != source):
            continue
        v = Fraction(int(links.vector_time_numerator[link]), int(links.vector_time_denominator[link]))
        start = int(depart) + 128 * int(build.operators.segment[build.tensors.producer[tensor]])
        overlap = min(Fraction(last), start + int(vectors) * v) - max(first, start)
        busy += max(overlap, Fraction(0))
    return busy


def told_figures(text: str) -> tuple[int, int, float, float]:
    """Return first and last cycle, busy and all link-cycles of what a picture tells."""
    match = re.search(r"cycles ([\d,]+)(?: \([^)]*\))? to ([\d,]+)\b.*?busy ([\d,.]+) of ([\d,.]+) link-cycles", text)
    assert match, text
    first, last, busy, whole = (float(part.replace(",", "")) for part in match.groups())
    return int(first), int(last), busy, whole

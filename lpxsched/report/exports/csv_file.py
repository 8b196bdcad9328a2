"""Slots as a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpxsched.report.exports.selection import Selection

HEADER = (
    "slot",
    "tensor",
    "name",
    "first_vector",
    "vectors",
    "link",
    "class",
    "source",
    "destination",
    "lane",
    "depart_cycles",
    "held_until_cycles",
    "read_cycles",
    "window",
)


def slots_csv(selection: Selection) -> bytes:
    """Return a row a slot, of what repeats a row a slot and window; the first row names the columns."""
    build, text = selection.build, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    slots, links, position = build.slots, build.links, build.chips.position
    row, window, start, end = selection.slots
    link, tensor = slots.link[row], slots.tensor[row]
    columns = (
        row.tolist(),
        tensor.tolist(),
        build.tensors.name[tensor].tolist(),
        slots.first_vector[row].tolist(),
        slots.vectors[row].tolist(),
        link.tolist(),
        links.link_class[link].tolist(),
        position[links.src[link]].tolist(),
        position[links.dst[link]].tolist(),
        links.lane[link].tolist(),
        start.tolist(),
        end.tolist(),
        selection.slot_read.tolist(),
        window.tolist(),
    )
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()

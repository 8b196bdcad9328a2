"""What moves and runs, as blobs of a page: slots by blocks of time, operators, tensors, links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.page.blobs import pack
from lpxsched.timetable.derived import held_cycles, pitch_numerators

if TYPE_CHECKING:
    from lpxsched.report.page.blobs import Blob
    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers, Text

# Slots that are inflated at once, to show any of them: those of a stretch of time.
BLOCK_SLOTS = 1 << 18
# Of blocks that a browser keeps inflated, and of what it keeps of blocks that are no longer in view.
ROOM_BYTES = 64 << 20


def slot_blobs(build: Build, token: TokenTime) -> tuple[list[list[int]], list[Blob]]:
    """Return of each block the first departure and the last end, and the blocks: slots that depart one after the other.

    Times are those of the token's timeline. Columns of a block: its links, of each its slots, its pitch (numerator,
    denominator) and the first vector of its first slot; of each slot, by links, the cycles for which its link was free
    before it (in the block), vectors, how long after the departure it is read, tensor, and how far its first vector
    lies from the end of the slot before it.
    """
    table = build.slots
    numerator, denominator = pitch_numerators(build), build.links.vector_time_denominator
    depart = table.depart + token.start_cycles[token.slot_segment]
    end = depart + held_cycles(build)
    starts = np.unique(np.sort(depart)[::BLOCK_SLOTS])
    block = starts.searchsorted(depart, side="right") - 1
    order = np.lexsort((depart, table.link, block))
    first_slot = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=len(starts)))])
    last_vector = table.first_vector + table.vectors
    spans, blobs = [], []
    for number, start in enumerate(starts.tolist()):
        rows = order[first_slot[number] : first_slot[number + 1]]
        links, count = np.unique(table.link[rows], return_counts=True)
        first, follows = np.cumsum(count) - count, np.ones(len(rows), dtype=np.bool_)
        follows[first] = False
        free, ahead = (np.zeros(len(rows), dtype=np.int64) for _ in range(2))
        free[first] = depart[rows[first]] - start
        before, behind = rows[:-1][follows[1:]], rows[follows]
        free[follows], ahead[follows] = depart[behind] - end[before], table.first_vector[behind] - last_vector[before]
        columns = [links, count, numerator[links], denominator[links], table.first_vector[rows[first]]]
        columns += [free, table.vectors[rows], (table.read[rows] - table.depart[rows]), table.tensor[rows], ahead]
        spans.append([start, int(end[rows].max())])
        blobs.append(pack(f"slots.{number}", columns))
    return spans, blobs


def link_blob(build: Build) -> tuple[list[dict[str, Any]], Blob]:
    """Return the kinds of wire, and of each link its ends, lane, kind of wire, guard, whether it is down, its slots."""
    links, pitch = build.links, pitch_numerators(build)
    classes = list(dict.fromkeys(links.link_class.tolist()))
    number = np.array([classes.index(name) for name in links.link_class.tolist()], dtype=np.int64)
    vector_time = (links.vector_time_numerator, links.vector_time_denominator)
    rows = np.stack([number, links.latency_cycles, *vector_time, pitch], axis=1)
    kinds, kind = np.unique(rows, axis=0, return_inverse=True) if len(rows) else (rows, number)
    names = ("class", "latency", "numerator", "denominator", "pitch")
    wires = [dict(zip(names, [classes[row[0]], *row[1:]], strict=True)) for row in kinds.tolist()]
    slots = np.bincount(build.slots.link, minlength=len(links))
    columns = [links.src, links.dst, links.lane, kind.ravel(), links.guard_cycles, links.down.astype(np.int64), slots]
    return wires, pack("links", columns)


def operator_blob(build: Build, token: TokenTime) -> tuple[dict[str, list[str]], Blob]:
    """Return names of units and kinds, and of each operator its chip, unit, kind, layer, start and cycles."""
    table = build.operators
    units, unit = _interned(table.unit)
    kinds, kind = _interned(table.kind)
    start = table.start + token.start_cycles[table.segment]
    columns = [table.chip, unit, kind, table.layer, start, table.cycles, table.segment]
    return {"units": units, "kinds": kinds}, pack("operators", columns)


def tensor_blob(build: Build) -> tuple[list[str], Blob]:
    """Return the names of tensors, and of each tensor its name."""
    names, name = _interned(build.tensors.name)
    return names, pack("tensors", [name])


def _interned(column: Text) -> tuple[list[str], Integers]:
    names, number = np.unique(column, return_inverse=True)
    return names.tolist(), number.ravel().astype(np.int64)

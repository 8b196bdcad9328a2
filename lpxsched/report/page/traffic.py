"""What moves and runs, as blobs of a page: slots by blocks of time, operators, tensors, links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.page.blobs import pack
from lpxsched.timetable.wires import pitch_numerators

if TYPE_CHECKING:
    from lpxsched.report.page.blobs import Blob
    from lpxsched.report.token import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers, Text

# Slots that are inflated at once, to show any of them: those of a stretch of time.
BLOCK_SLOTS = 1 << 16


def slot_blobs(build: Build, token: TokenTime) -> tuple[list[list[int]], list[Blob]]:
    """Return of each block the first departure and the last end, and the blocks: slots that depart one after the other.

    Times are those of the token's timeline. Columns of a block: its links, of each its slots and its pitch (numerator,
    denominator); of each slot, by links, the cycles for which its link was free before it (in the block), vectors, how
    long after the departure it is read, tensor, and how far its first vector lies from the end of the slot before it.
    """
    table = build.slots
    numerator, denominator = pitch_numerators(build), build.links.vector_time_denominator
    depart = table.depart + token.start_cycles[token.slot_segment]
    end = depart - (-table.vectors * numerator[table.link] // denominator[table.link])
    starts = np.unique(np.sort(depart)[::BLOCK_SLOTS])
    block = starts.searchsorted(depart, side="right") - 1
    order = np.lexsort((depart, table.link, block))
    first_slot = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=len(starts)))])
    last_vector = table.first_vector + table.vectors
    spans, blobs = [], []
    for number, start in enumerate(starts.tolist()):
        rows = order[first_slot[number] : first_slot[number + 1]]
        links, count = np.unique(table.link[rows], return_counts=True)
        columns = [links, count, numerator[links], denominator[links]]
        columns += [_since(depart, end, rows, table.link, start), table.vectors[rows]]
        columns += [(table.read - table.depart)[rows], table.tensor[rows]]
        columns += [_since(table.first_vector, last_vector, rows, table.link, 0)]
        spans.append([start, int(end[rows].max())])
        blobs.append(pack(f"slots.{number}", columns))
    return spans, blobs


def _since(begin: Integers, end: Integers, rows: Integers, link: Integers, start: int) -> Integers:
    """Return how far each row begins behind the end of the row before it on the same link, the first behind `start`."""
    before = np.full(len(rows), start, dtype=np.int64)
    same = np.flatnonzero(link[rows][1:] == link[rows][:-1]) + 1
    before[same] = end[rows][same - 1]
    return np.asarray(begin[rows] - before)


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

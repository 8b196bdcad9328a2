"""What moves and runs, as blobs of a page: slots by blocks of links, operators, tensors, links."""

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

# Slots that are inflated at once, to show any of them.
BLOCK_SLOTS = 1 << 16


def slot_blobs(build: Build, token: TokenTime) -> tuple[list[int], list[Blob]]:
    """Return the first link of each block, and the blocks: times are those of the token's timeline.

    Columns of a block: of each of its links its slots and its pitch (numerator, denominator); of each slot the cycles
    for which its link was free before it, vectors, how long after the departure it is read, tensor, and how far its
    first vector lies from the end of the slot before it on its link.
    """
    table, links = build.slots, build.links
    pitch = np.stack([pitch_numerators(build), links.vector_time_denominator])
    depart = table.depart + token.start_cycles[token.slot_segment]
    order = np.lexsort((depart, table.link))
    free, ahead = _since_the_slot_before(build, depart, order)
    slots_of_link = np.bincount(table.link, minlength=len(build.links))
    first_slot = np.concatenate([[0], np.cumsum(slots_of_link)])
    first_links = _block_starts(slots_of_link)
    blobs = []
    for number, (first, last) in enumerate(zip(first_links, [*first_links[1:], len(build.links)], strict=True)):
        place = slice(first_slot[first], first_slot[last])
        rows = order[place]
        columns = [slots_of_link[first:last], *pitch[:, first:last], free[place], table.vectors[rows]]
        columns += [table.read[rows] - table.depart[rows], table.tensor[rows], ahead[place]]
        blobs.append(pack(f"slots.{number}", columns))
    return first_links, blobs


def _since_the_slot_before(build: Build, depart: Integers, order: Integers) -> tuple[Integers, Integers]:
    """Return cycles since the end, and vectors since the last, of the slot before on the same link, or since 0."""
    table, link = build.slots, build.slots.link[order]
    held = -(-table.vectors * pitch_numerators(build)[table.link] // build.links.vector_time_denominator[table.link])
    same = np.concatenate([[False], link[1:] == link[:-1]])[: len(link)]

    def since(begin: Integers, end: Integers) -> Integers:
        return np.asarray(begin[order] - np.where(same, np.roll(end[order], 1), 0))

    return since(depart, depart + held), since(table.first_vector, table.first_vector + table.vectors)


def _block_starts(slots_of_link: Integers) -> list[int]:
    starts, held = [0], 0
    for link in np.flatnonzero(slots_of_link).tolist():
        if held and held + int(slots_of_link[link]) > BLOCK_SLOTS:
            starts.append(link)
            held = 0
        held += int(slots_of_link[link])
    return starts


def link_blob(build: Build) -> tuple[list[dict[str, Any]], Blob]:
    """Return the kinds of wire, and of each link its ends, lane, kind of wire, guard and whether it is down."""
    links, pitch = build.links, pitch_numerators(build)
    classes = list(dict.fromkeys(links.link_class.tolist()))
    number = np.array([classes.index(name) for name in links.link_class.tolist()], dtype=np.int64)
    vector_time = (links.vector_time_numerator, links.vector_time_denominator)
    rows = np.stack([number, links.latency_cycles, *vector_time, pitch], axis=1)
    kinds, kind = np.unique(rows, axis=0, return_inverse=True) if len(rows) else (rows, number)
    names = ("class", "latency", "numerator", "denominator", "pitch")
    wires = [dict(zip(names, [classes[row[0]], *row[1:]], strict=True)) for row in kinds.tolist()]
    columns = [links.src, links.dst, links.lane, kind.ravel(), links.guard_cycles, links.down.astype(np.int64)]
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

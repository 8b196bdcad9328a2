"""R1 link: slots on one link do not overlap; a slot's link is up and leaves from where the vectors are.

No link is the lane of another one, and no node is at the place of another one.

From a host only what an operator produced there leaves: vectors to hosts have no scheduled read.

Segments that share a link are of one frame. Those of one that repeats are judged modulo its period, each at its phase;
those of one on demand run one at a time. Frames are not ordered, so that nothing could be said about overlaps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.blocks import blocks, sorted_rows
from lpxsched.verify.frames import turns
from lpxsched.verify.presence import departures, held_cycles, places, slot_segments, slots_by_link, sources
from lpxsched.verify.ranges import uncovered
from lpxsched.verify.shifts import clashes, modulo
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R1"


def link_violations(build: Build) -> list[Violation]:
    """Return every slot that breaks R1."""
    return [*_doubled(build), *_overlaps(build), *_down(build), *_not_there(build), *_outside(build), *_shared(build)]


def _doubled(build: Build) -> Iterator[Violation]:
    """Yield nodes at the place of another one, and links that are the lane of another one."""
    links, chips = build.links, build.chips
    lane = [links.src, links.dst, links.lane]
    for table, columns, what in ((chips, [chips.position], "is where node"), (links, lane, "is the lane that")):
        order = np.lexsort(columns)
        same = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in columns])
        for one, other in zip(order[:-1][same].tolist(), order[1:][same].tolist(), strict=True):
            message = f"{table.file}: row {other} {what} {one} is"
            yield Violation(RULE, message, rows_of(table, one, other))


def _overlaps(build: Build) -> Iterator[Violation]:
    slots, turn = build.slots, turns(build)
    for rows in slots_by_link(build):
        link, segment, held = slots.link[rows], slot_segments(build, rows), held_cycles(build, rows)
        period, depart = turn.period[segment], slots.depart[rows] + turn.phase[segment]
        found = clashes(turn.holders(link, segment), depart, held, period)
        for a, b in zip(*(column.tolist() for column in found), strict=True):
            during = f"[{depart[a]}, {depart[a] + held[a]})"
            message = f"link {link[a]} is held during {during} and taken again at {depart[b]}{modulo(period[a])}"
            if a == b:
                message = f"link {link[a]} is held during {during}, longer than the period {period[a]}"
            yield Violation(RULE, message, rows_of(slots, *dict.fromkeys((rows[a], rows[b]))))


def _down(build: Build) -> Iterator[Violation]:
    slots, links, down = build.slots, build.links, build.chips.down
    lost = links.down | down[links.src] | down[links.dst]
    for slot in np.flatnonzero(lost[slots.link]).tolist():
        link = int(slots.link[slot])
        what = "which is down" if links.down[link] else "an end of which is down"
        ends = f"{links.src[link]} -> {links.dst[link]}"
        message = f"a slot departs at {slots.depart[slot]} on link {link} ({ends}), {what}"
        yield Violation(RULE, message, (*rows_of(slots, slot), *rows_of(links, link)))


def _not_there(build: Build) -> Iterator[Violation]:
    slots, host = build.slots, build.chips.host
    lost = []
    for place in places(build):
        # Nobody knows when a host gets a vector, so that none can leave it again at a given cycle.
        known = ~host[build.links.dst[slots.link[place.arriving]]]
        there = sources(build, replace(place, arriving=place.arriving[known]))
        lost.append(place.leaving[uncovered(departures(build, place.leaving), there)])
    for slot in np.sort(np.concatenate(lost)).tolist():
        node, end = int(build.links.src[slots.link[slot]]), slots.first_vector[slot] + slots.vectors[slot]
        why = "were produced; a host passes nothing on" if host[node] else "were produced or delivered"
        message = (
            f"link {slots.link[slot]} takes vectors {slots.first_vector[slot]} to {end - 1} of tensor "
            f"{slots.tensor[slot]} from {named(build, node)}, where not all of them {why}"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _outside(build: Build) -> Iterator[Violation]:
    slots, nodes = build.slots, len(build.chips)
    graph, segments = build.graph, range(len(build.segments))
    groups = [(number, group) for number in segments for group in graph.groups_of(number)]
    inside = {number * nodes + node for number, group in groups for node in (*group.members, *group.hosts)}
    member = np.array(sorted(inside), dtype=np.int64)

    for name, ends in (("leaves", build.links.src), ("goes to", build.links.dst)):
        for rows in blocks(len(slots)):
            segment, node = slot_segments(build, rows), ends[slots.link[rows]]
            strange = (segment >= 0) & ~np.isin(segment * nodes + node, member)
            for row in np.flatnonzero(strange).tolist():
                slot = rows[row]
                message = (
                    f"a slot of segment {segment[row]} {name} {named(build, int(node[row]))} on link "
                    f"{slots.link[slot]}; that node is no chip, relay or host of the segment"
                )
                yield Violation(RULE, message, rows_of(slots, slot))


def _shared(build: Build) -> Iterator[Violation]:
    slots, frames = build.slots, np.append(build.segments.frame, NONE)
    for rows in slots_by_link(build):
        link, segment = slots.link[rows], slot_segments(build, rows)
        frame = frames[segment]
        order = sorted_rows(link, frame)
        one, other = order[:-1], order[1:]
        wrong = (link[one] == link[other]) & (frame[one] != frame[other])
        for a, b in zip(one[wrong].tolist(), other[wrong].tolist(), strict=True):
            both = f"{segment[a]} and {segment[b]}"
            message = f"link {link[a]} carries slots of segments {both}; segments that share a link are of one frame"
            yield Violation(RULE, message, rows_of(slots, rows[a], rows[b]))

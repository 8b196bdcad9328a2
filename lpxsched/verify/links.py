"""R1 link: slots on one link do not overlap; a slot's link is up and leaves from where the vectors are.

From a host only what an operator produced there leaves: vectors to hosts have no scheduled read.

Segments that share a link are of one frame. Those of one that repeats are judged modulo its period, each at its phase;
those of one on demand run one at a time. Frames are not ordered, so that nothing could be said about overlaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.frames import turns
from lpxsched.verify.presence import departures, held_cycles, slot_segments, sources
from lpxsched.verify.ranges import taken, uncovered
from lpxsched.verify.shifts import clashes, modulo
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R1"


def link_violations(build: Build) -> list[Violation]:
    """Return every slot that breaks R1."""
    return [*_overlaps(build), *_down(build), *_not_there(build), *_outside(build), *_shared(build)]


def _overlaps(build: Build) -> Iterator[Violation]:
    slots, turn = build.slots, turns(build)
    segment = slot_segments(build)
    period, depart = turn.period[segment], slots.depart + turn.phase[segment]
    held = held_cycles(build)
    found = clashes(turn.holders(slots.link, segment), depart, held, period)
    for a, b in zip(*(column.tolist() for column in found), strict=True):
        during = f"[{depart[a]}, {depart[a] + held[a]})"
        message = f"link {slots.link[a]} is held during {during} and taken again at {depart[b]}{modulo(period[a])}"
        if a == b:
            message = f"link {slots.link[a]} is held during {during}, longer than the period {period[a]}"
        yield Violation(RULE, message, rows_of(slots, *dict.fromkeys((a, b))))


def _down(build: Build) -> Iterator[Violation]:
    slots, links, down = build.slots, build.links, build.chips.down
    src, dst = links.src[slots.link], links.dst[slots.link]
    for slot in np.flatnonzero(links.down[slots.link] | down[src] | down[dst]).tolist():
        link = int(slots.link[slot])
        what = "which is down" if links.down[link] else "an end of which is down"
        ends = f"{src[slot]} -> {dst[slot]}"
        message = f"a slot departs at {slots.depart[slot]} on link {link} ({ends}), {what}"
        yield Violation(RULE, message, (*rows_of(slots, slot), *rows_of(links, link)))


def _not_there(build: Build) -> Iterator[Violation]:
    slots, host = build.slots, build.chips.host
    there = sources(build)
    # Nobody knows when a host gets a vector, so that none can leave it again at a given cycle.
    known = np.ones(len(there), dtype=np.bool_)
    known[: len(slots)] = ~host[build.links.dst[slots.link]]
    for slot in np.flatnonzero(uncovered(departures(build), taken(there, np.flatnonzero(known)))).tolist():
        node, end = int(build.links.src[slots.link[slot]]), slots.first_vector[slot] + slots.vectors[slot]
        why = "were produced; a host passes nothing on" if host[node] else "were produced or delivered"
        message = (
            f"link {slots.link[slot]} takes vectors {slots.first_vector[slot]} to {end - 1} of tensor "
            f"{slots.tensor[slot]} from {named(build, node)}, where not all of them {why}"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _outside(build: Build) -> Iterator[Violation]:
    slots, nodes, segment = build.slots, len(build.chips), slot_segments(build)
    graph, segments = build.graph, range(len(build.segments))
    groups = [(number, group) for number in segments for group in graph.groups_of(number)]
    inside = {number * nodes + node for number, group in groups for node in (*group.members, *group.hosts)}
    member = np.array(sorted(inside), dtype=np.int64)

    def stranger(node: Integers) -> np.ndarray:
        return (segment >= 0) & ~np.isin(segment * nodes + node, member)

    for name, node in (("leaves", build.links.src[slots.link]), ("goes to", build.links.dst[slots.link])):
        for slot in np.flatnonzero(stranger(node)).tolist():
            message = (
                f"a slot of segment {segment[slot]} {name} {named(build, int(node[slot]))} on link {slots.link[slot]}; "
                f"that node is no chip, relay or host of the segment"
            )
            yield Violation(RULE, message, rows_of(slots, slot))


def _shared(build: Build) -> Iterator[Violation]:
    slots, segment = build.slots, slot_segments(build)
    frame = np.append(build.segments.frame, NONE)[segment]
    order = np.lexsort((frame, slots.link))
    one, other = order[:-1], order[1:]
    wrong = (slots.link[one] == slots.link[other]) & (frame[one] != frame[other])
    for a, b in zip(one[wrong].tolist(), other[wrong].tolist(), strict=True):
        both = f"{segment[a]} and {segment[b]}"
        message = f"link {slots.link[a]} carries slots of segments {both}; segments that share a link are of one frame"
        yield Violation(RULE, message, rows_of(slots, a, b))

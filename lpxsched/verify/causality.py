"""R2 causality: a vector leaves a node only after it was produced there, or read there plus turnaround.

Every slot takes time, and a read is later than its departure. So of slots that deliver to each other in a
circle at least one leaves before its vectors are there, and is found without looking for circles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.presence import departures, produced_tensors, sources, vectors_at
from lpxsched.verify.ranges import too_early
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from lpxsched.timetable.reader import Build

RULE = "R2"


def causality_violations(build: Build) -> list[Violation]:
    """Return every slot that breaks R2."""
    return [*_guards(build), *_reads(build), *_departures(build)]


def cycles_text(time: Fraction) -> str:
    """Return a time for a message: whole cycles as they are, others with their fraction."""
    whole, rest = divmod(time.numerator, time.denominator)
    return f"{whole} {rest}/{time.denominator}" if rest else str(whole)


def _guards(build: Build) -> Iterator[Violation]:
    links = build.links
    used = np.unique(build.slots.link)
    for link in used[links.guard_cycles[used] < 0].tolist():
        slot = int(np.flatnonzero(build.slots.link == link)[0])
        message = f"link {link} carries slots but has no guard (guard_cycles is {links.guard_cycles[link]})"
        yield Violation(RULE, message, (*rows_of(links, link), *rows_of(build.slots, slot)))


def _reads(build: Build) -> Iterator[Violation]:
    slots, links = build.slots, build.links
    link = slots.link
    one_vector = -(-links.vector_time_numerator[link] // links.vector_time_denominator[link])
    guard = np.maximum(links.guard_cycles[link], 0)
    earliest = slots.depart + one_vector + links.latency_cycles[link] + guard
    for slot in np.flatnonzero(slots.read < earliest).tolist():
        message = (
            f"a slot on link {link[slot]} that departs at {slots.depart[slot]} is read at "
            f"{slots.read[slot]}, earliest is {earliest[slot]} "
            f"(latency {links.latency_cycles[link[slot]]}, guard {guard[slot]})"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _departures(build: Build) -> Iterator[Violation]:
    leaving, there = departures(build), sources(build, relay=True)
    made = produced_tensors(build)
    early = too_early(leaving, there)
    tensors = build.slots.tensor[early[0]]
    columns = (*early, tensors, vectors_at(build, tensors, early[2]))
    for slot, source, point, tensor, vector in zip(*(column.tolist() for column in columns), strict=True):
        node = build.links.src[build.slots.link[slot]]
        rows = rows_of(build.slots, slot)
        if source < len(build.slots):
            cause = f"read there and turned around at {cycles_text(there.time(source, point))}"
            rows += rows_of(build.slots, source)
        else:
            cause = f"produced there at {cycles_text(there.time(source, point))}"
            rows += rows_of(build.tensors, int(made[source - len(build.slots)]))
        message = (
            f"vector {vector} of tensor {tensor} leaves node {node} at "
            f"{cycles_text(leaving.time(slot, point))} but is {cause}"
        )
        yield Violation(RULE, message, rows)

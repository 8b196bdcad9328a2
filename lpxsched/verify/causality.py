"""R2 causality: a vector leaves a node only after it was produced there, or read there plus turnaround.

A read is no earlier than the nominal arrival of its vector; that clocks may delay it is for R8 to judge.

Every slot takes time, and a read is later than its departure. So of slots that deliver to each other in a
circle at least one leaves before its vectors are there, and is found without looking for circles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.partition import ADD
from lpxsched.verify.presence import arrivals, departures, made_ranges, places, source_row, vectors_at
from lpxsched.verify.ranges import joined, repeated, too_early
from lpxsched.verify.sums import leaving_cycles
from lpxsched.verify.violation import Violation, cycles_text, in_order, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.verify.presence import Place
    from lpxsched.verify.ranges import TimedRanges

RULE = "R2"


def causality_violations(build: Build) -> list[Violation]:
    """Return every slot that breaks R2."""
    return [*_reads(build), *_departures(build)]


def _reads(build: Build) -> Iterator[Violation]:
    slots, links = build.slots, build.links
    hop = links.latency_cycles - (-links.vector_time_numerator // links.vector_time_denominator)
    for slot in np.flatnonzero(slots.read < slots.depart + hop[slots.link]).tolist():
        link = slots.link[slot]
        message = (
            f"a slot on link {link} that departs at {slots.depart[slot]} is read at "
            f"{slots.read[slot]}, earliest is {slots.depart[slot] + hop[link]} "
            f"(latency {links.latency_cycles[link]})"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _departures(build: Build) -> list[Violation]:
    ready = leaving_cycles(build)
    found: list[tuple[int, Violation]] = []
    for place in places(build):
        leaving = departures(build, place.leaving)
        there = joined(arrivals(build, place.arriving, relay=True), made_ranges(build, place.made, ready))
        found += _early(build, place, leaving, there)
    return in_order(found)


def _early(build: Build, place: Place, leaving: TimedRanges, there: TimedRanges) -> Iterator[tuple[int, Violation]]:
    """Yield slots of a place that leave it too early, each with its row."""
    early = too_early(leaving, there, repeated(there)[1])
    tensors = build.slots.tensor[place.leaving[early[0]]]
    columns = (*early, tensors, vectors_at(build, tensors, early[2]))
    for reader, source, point, tensor, vector in zip(*(column.tolist() for column in columns), strict=True):
        slot, row = int(place.leaving[reader]), source_row(build, place, source)
        at, time = cycles_text(leaving.time(reader, point)), cycles_text(there.time(source, point))
        if row.file == build.slots.file:
            cause = f"read there and turned around at {time}"
        elif build.operators.kind[build.tensors.producer[row.row]] == ADD:
            cause = f"summed there, which pays its way until {time}"
        else:
            cause = f"produced there at {time}"
        node = named(build, int(build.links.src[build.slots.link[slot]]))
        message = f"vector {vector} of tensor {tensor} leaves {node} at {at} but is {cause}"
        yield slot, Violation(RULE, message, (*rows_of(build.slots, slot), row))

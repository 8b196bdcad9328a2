"""R2 causality: a vector leaves a node only after it was produced there, or read there plus turnaround.

A read is no earlier than the nominal arrival of its vector; that clocks may delay it is for R8 to judge.

Every slot takes time, and a read is later than its departure. So of slots that deliver to each other in a
circle at least one leaves before its vectors are there, and is found without looking for circles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.partition import ADD
from lpxsched.verify.presence import arrivals, departures, made_ranges, produced_tensors, vectors_at
from lpxsched.verify.ranges import joined, repeated, too_early
from lpxsched.verify.sums import leaving_cycles
from lpxsched.verify.violation import Violation, cycles_text, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R2"


def causality_violations(build: Build) -> list[Violation]:
    """Return every slot that breaks R2."""
    return [*_reads(build), *_departures(build)]


def _reads(build: Build) -> Iterator[Violation]:
    slots, links = build.slots, build.links
    link = slots.link
    one_vector = -(-links.vector_time_numerator[link] // links.vector_time_denominator[link])
    earliest = slots.depart + one_vector + links.latency_cycles[link]
    for slot in np.flatnonzero(slots.read < earliest).tolist():
        message = (
            f"a slot on link {link[slot]} that departs at {slots.depart[slot]} is read at "
            f"{slots.read[slot]}, earliest is {earliest[slot]} "
            f"(latency {links.latency_cycles[link[slot]]})"
        )
        yield Violation(RULE, message, rows_of(slots, slot))


def _departures(build: Build) -> Iterator[Violation]:
    made = produced_tensors(build)
    producer = build.tensors.producer[made]
    leaving = departures(build)
    there = joined(arrivals(build, relay=True), made_ranges(build, leaving_cycles(build)[producer]))
    early = too_early(leaving, there, repeated(there)[1])
    tensors = build.slots.tensor[early[0]]
    columns = (*early, tensors, vectors_at(build, tensors, early[2]))
    for slot, source, point, tensor, vector in zip(*(column.tolist() for column in columns), strict=True):
        node = named(build, int(build.links.src[build.slots.link[slot]]))
        rows = rows_of(build.slots, slot)
        if source < len(build.slots):
            cause = f"read there and turned around at {cycles_text(there.time(source, point))}"
            rows += rows_of(build.slots, source)
        else:
            summed = build.operators.kind[producer[source - len(build.slots)]] == ADD
            how = "summed there, which pays its way until" if summed else "produced there at"
            cause = f"{how} {cycles_text(there.time(source, point))}"
            rows += rows_of(build.tensors, int(made[source - len(build.slots)]))
        message = (
            f"vector {vector} of tensor {tensor} leaves {node} at "
            f"{cycles_text(leaving.time(slot, point))} but is {cause}"
        )
        yield Violation(RULE, message, rows)

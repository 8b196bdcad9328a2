"""How long vectors hold a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

EVERY_SLOT = slice(None)


def pitch_numerators(build: Build) -> Integers:
    """Return the cycles for which each vector of a slot holds its link, over ``vector_time_denominator``.

    v on pipelined wires; on busy wires a vector holds the link until it is through, v + latency.
    """
    links = build.links
    waits = links.latency_cycles * links.vector_time_denominator
    return links.vector_time_numerator + (waits if build.manifest.wire == "busy" else 0)


def held_cycles(build: Build, rows: Integers | slice = EVERY_SLOT) -> Integers:
    """Return the whole cycles for which slots hold their links, up to the next whole one; shape (rows,)."""
    link, vectors = build.slots.link[rows], build.slots.vectors[rows]
    return -(-vectors * pitch_numerators(build)[link] // build.links.vector_time_denominator[link])

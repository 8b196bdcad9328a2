"""What links and nodes cost the rows of a build: pitch, hop and turnaround, in cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.derived import pitch_numerators

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True, eq=False)
class WireTimes:
    """Links in columns, shape (links,), and turnarounds by node.

    Attributes
    ----------
    source, destination : ndarray of int64
    pitch : ndarray of int64
        Time from one vector of a slot to the next, over `denominator`.
    denominator : ndarray of int64
    hop : ndarray of int64
        From the departure of a vector to its earliest read, guard included.
    turnaround : ndarray of int64, shape (nodes,)
    host : ndarray of bool, shape (nodes,)
    """

    source: Integers
    destination: Integers
    pitch: Integers
    denominator: Integers
    hop: Integers
    turnaround: Integers
    host: Flags

    def hold_cycles(self, link: Integers | int, vectors: Integers | int) -> Integers:
        """Return how long slots of so many vectors hold links, rounded up."""
        return np.asarray(-(-vectors * self.pitch[link] // self.denominator[link]))


def wire_times_of(build: Build, guard_cycles: Integers) -> WireTimes:
    """Return the links of a build with a guard each."""
    links = build.links
    one = -(-links.vector_time_numerator // links.vector_time_denominator)
    return WireTimes(
        source=links.src,
        destination=links.dst,
        pitch=pitch_numerators(build),
        denominator=links.vector_time_denominator,
        hop=one + links.latency_cycles + guard_cycles,
        turnaround=build.chips.turnaround_cycles,
        host=build.chips.host,
    )

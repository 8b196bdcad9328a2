"""What happens to the vectors of a timetable once the clocks are chosen; nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.clocks.guard import PARTS_PER_MILLION, crossing_cycles, wire_cycles
from lpxsched.units import exact, ns_to_cycles

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.timeline import Timeline

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """A clock specification in exact cycles.

    Attributes
    ----------
    rho : Fraction
        Largest frequency error, one-sided.
    residual_cycles : Fraction
        Largest alignment error of one level.
    delay_cycles : Fraction
        How much longer than its latency a link may take: jitter and temperature.
    crossing_cycles : int
        Cycles of the receiver lost between two clock domains. Both are less where they lie in the published hop.
    """

    rho: Fraction
    residual_cycles: Fraction
    delay_cycles: Fraction
    crossing_cycles: int

    @classmethod
    def of(cls, clock: ClockSpecification, clock_mhz: Fraction, *, in_hop: bool) -> Limits:
        """Return the limits of a specification for cycles of a clock in MHz."""
        return cls(
            rho=exact(clock.offset_ppm.value) / PARTS_PER_MILLION,
            residual_cycles=ns_to_cycles(exact(clock.residual_ns.value), clock_mhz),
            delay_cycles=wire_cycles(clock, clock_mhz, in_hop=in_hop),
            crossing_cycles=crossing_cycles(clock, in_hop=in_hop),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SlotClocks:
    """The clocks at the ends of each slot; arrays that broadcast to (trials, 2, slots).

    Attributes
    ----------
    src_rate, dst_rate : ndarray of float64
        1 + delta.
    misalignment_cycles : ndarray of float64
        True time from the receiver's alignment to the sender's.
    delay_cycles : ndarray of float64
        Jitter of the link, at least 0.
    """

    src_rate: Floats
    dst_rate: Floats
    misalignment_cycles: Floats
    delay_cycles: Floats


def slack_cycles(timeline: Timeline, clocks: SlotClocks, crossing: int) -> Floats:
    """Return the receiver's cycles from the arrival of vector k to its read; the shape that the clocks have.

    Negative when the vector is late.
    """
    sent = clocks.misalignment_cycles + timeline.sent_cycles / clocks.src_rate
    arrival = clocks.dst_rate * (sent + timeline.latency_cycles + clocks.delay_cycles) + crossing
    slack: Floats = timeline.due_cycles - arrival
    return slack

"""How much later than its nominal arrival a vector must be read.

The bound of one hop from i to j, re-aligned every T (sum of the sources of error, facts of Abts et al., ISCA 2022):

    G = eps_i + eps_j + 2 rho T + J_pp + Q + dL

eps_i + eps_j is the residual of one level times the number of tree edges between i and j: what both share from their
common ancestor upwards cancels. rho is the one-sided bound of a clock's frequency error, so two clocks drift apart by
2 rho. Where the published hop is a scheduled one, jitter and crossing lie in it:

    G = eps_i + eps_j + 2 rho T + dL

A host follows the chip at the other end of each of its lanes, so a vector from a host has one level. Vectors to a host
are taken whenever they come and have no guard.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.units import ceil_cycles, exact, ns_to_cycles

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification

PARTS_PER_MILLION = 1_000_000
# Tree edges between a host and the chip that it follows.
HOST_LEVELS = 1


def drift_cycles(clock: ClockSpecification, interval_cycles: int | None) -> Fraction:
    """Return the largest difference that two clocks gather in an interval (2 rho T), in cycles.

    An interval of None has no end; only clocks that do not drift have one.
    """
    return 2 * exact(clock.offset_ppm.value) * (interval_cycles or 0) / PARTS_PER_MILLION


def residual_cycles(clock: ClockSpecification, levels: int, clock_mhz: Fraction) -> Fraction:
    """Return the largest difference of two nodes right after a deskew, `levels` tree edges apart, in cycles."""
    return levels * ns_to_cycles(exact(clock.residual_ns.value), clock_mhz)


def guard_cycles(
    clock: ClockSpecification, *, levels: int, interval_cycles: int | None, clock_mhz: Fraction, in_hop: bool
) -> int:
    """Return the guard G of a hop, in whole cycles, rounded up.

    Parameters
    ----------
    clock : ClockSpecification
    levels : int
        Tree edges between sender and receiver.
    interval_cycles : int or None
        Longest time between a deskew and the read of a vector (T); None where clocks do not drift.
    clock_mhz : Fraction
        Clock in which cycles are counted.
    in_hop : bool
        Whether the published hop contains jitter and crossing.
    """
    apart = residual_cycles(clock, levels, clock_mhz) + drift_cycles(clock, interval_cycles)
    return ceil_cycles(apart + wire_cycles(clock, clock_mhz, in_hop=in_hop) + crossing_cycles(clock, in_hop=in_hop))


def wire_cycles(clock: ClockSpecification, clock_mhz: Fraction, *, in_hop: bool) -> Fraction:
    """Return how much longer than its latency a link may take: jitter, unless it lies in the hop, and temperature.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    in_hop : bool
        Whether the published hop contains jitter.
    """
    jitter_ns = Fraction(0) if in_hop else exact(clock.jitter_peak_to_peak_ns.value)
    return ns_to_cycles(jitter_ns + exact(clock.temperature_ns.value), clock_mhz)


def crossing_cycles(clock: ClockSpecification, *, in_hop: bool) -> int:
    """Return the receiver's cycles lost between two clock domains; none where they lie in the hop."""
    return 0 if in_hop else clock.crossing_cycles.value


def stall_cycles(clock: ClockSpecification, *, depth: int, interval_cycles: int | None, clock_mhz: Fraction) -> int:
    """Return the stall of a deskew: drift of an interval and residuals on both sides, 2 rho T + 2 depth residual.

    A smaller stall could ask a chip to wait for a negative time (RUNTIME_DESKEW, Abts et al., ISCA 2022).

    Parameters
    ----------
    clock : ClockSpecification
    depth : int
        Levels of the tree along which the chips are aligned.
    interval_cycles : int or None
        Longest time between two deskews; None where clocks do not drift.
    clock_mhz : Fraction
        Clock in which cycles are counted.
    """
    return ceil_cycles(drift_cycles(clock, interval_cycles) + residual_cycles(clock, 2 * depth, clock_mhz))

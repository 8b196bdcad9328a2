"""How much later than its nominal arrival a vector must be read, and how long clocks may run apart.

The bound of one hop from i to j, re-aligned every T (sum of the sources of error, facts of Abts et al., ISCA 2022):

    G = eps_i + eps_j + 2 rho T + J_pp + Q + dL

eps_i + eps_j is the residual of one level times the number of tree edges between i and j: what both share from their
common ancestor upwards cancels.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.units import ceil_cycles, exact, ns_to_cycles

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification

PARTS_PER_MILLION = 1_000_000


def drift_cycles(clock: ClockSpecification, interval_cycles: int) -> Fraction:
    """Return the largest difference that two clocks gather in an interval (2 rho T), in cycles."""
    return 2 * exact(clock.offset_ppm.value) * interval_cycles / PARTS_PER_MILLION


def residual_cycles(clock: ClockSpecification, levels: int, clock_mhz: Fraction) -> Fraction:
    """Return the largest difference of two nodes right after a deskew, `levels` tree edges apart, in cycles."""
    return levels * ns_to_cycles(exact(clock.residual_ns.value), clock_mhz)


def guard_cycles(clock: ClockSpecification, *, levels: int, interval_cycles: int, clock_mhz: Fraction) -> int:
    """Return the guard G of a hop, in whole cycles, rounded up.

    Parameters
    ----------
    clock : ClockSpecification
    levels : int
        Tree edges between sender and receiver.
    interval_cycles : int
        Longest time between a deskew and the read of a vector (T).
    clock_mhz : Fraction
        Clock in which cycles are counted.
    """
    wires_ns = exact(clock.jitter_peak_to_peak_ns.value) + exact(clock.temperature_ns.value)
    return ceil_cycles(
        residual_cycles(clock, levels, clock_mhz)
        + drift_cycles(clock, interval_cycles)
        + ns_to_cycles(wires_ns, clock_mhz)
        + clock.crossing_cycles.value
    )


def longest_interval_cycles(clock: ClockSpecification) -> int | None:
    """Return the longest interval between deskews, in cycles; None when the clocks cannot drift.

    A counter knows the drift modulo its period only, so it must stay below half of it: 2 rho T < period / 2
    (derived; Abts et al., ISCA 2022 for the counters).
    """
    rho_ppm = exact(clock.offset_ppm.value)
    if not rho_ppm:
        return None
    longest = Fraction(clock.hac_period_cycles.value * PARTS_PER_MILLION) / (4 * rho_ppm)
    return ceil_cycles(longest) - 1


def stall_cycles(clock: ClockSpecification, *, levels: int, interval_cycles: int, clock_mhz: Fraction) -> int:
    """Return the stall of a deskew: the largest drift of an interval and the residual before it, rounded up.

    A smaller stall could ask a chip to wait for a negative time (RUNTIME_DESKEW, Abts et al., ISCA 2022).
    """
    return ceil_cycles(drift_cycles(clock, interval_cycles) + residual_cycles(clock, levels, clock_mhz))

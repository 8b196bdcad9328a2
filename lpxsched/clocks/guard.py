"""How much later than its nominal arrival a vector must be read.

The bound of one hop from i to j, re-aligned every T (sum of the sources of error, facts of Abts et al., ISCA 2022):

    G = eps_i + eps_j + 2 rho T / (1 - d/2) + rho' T^2 + 2 Phi(T) + J_pp + Q + dL + c

eps_i + eps_j is the residual of one level, and the error c of its calibration, times the number of tree edges between i
and j: what both share from their common ancestor upwards cancels. rho is the one-sided bound of a clock's frequency
error, so two clocks drift apart by 2 rho; each may ramp by rho' more a second, rho' T^2 / 2 in T. A clock that spreads
its spectrum downwards by the depth d runs slower by d/2 in the mean, as all others do, and swings around that by a
triangle of the rate f. The swing is a phase and no rate: in T it is at most

    Phi(T) = d/2 T (1 - f T) below T = 1 / (2 f), and d / (8 f) from there on.

Where the published hop is a scheduled one, jitter and crossing lie in it, and G has neither J_pp nor Q.

Ends that count with one oscillator drift apart only while a vector is on its way. It leaves T - Y after the deskew at
the latest, when a ramp has moved their rate by rho' (T - Y) already. With f = 1 - d/2 + rho, the latency L and
Y = L + G that is

    G = f (eps_i + eps_j + X(Y) + rho' Y (T - Y) + L + J_pp + dL) + Q - L,    X(Y) = rho' Y^2 / 2 + Phi(Y).

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
HZ_PER_MHZ = 1_000_000
KHZ_PER_MHZ = 1_000
# Tree edges between a host and the chip that it follows.
HOST_LEVELS = 1


def mean_slowdown(clock: ClockSpecification) -> Fraction:
    """Return by how much all clocks run slower than told, as a part of their rate: half the depth of their spread."""
    return exact(clock.spread_ppm.value) / PARTS_PER_MILLION / 2


def slowest_rate(clock: ClockSpecification) -> Fraction:
    """Return the least mean rate of a clock as a part of what is told, 1 - d/2 - rho."""
    return 1 - mean_slowdown(clock) - exact(clock.offset_ppm.value) / PARTS_PER_MILLION


def fastest_rate(clock: ClockSpecification) -> Fraction:
    """Return the largest mean rate of a clock as a part of what is told, 1 - d/2 + rho."""
    return 1 - mean_slowdown(clock) + exact(clock.offset_ppm.value) / PARTS_PER_MILLION


def ramp_per_cycle(clock: ClockSpecification, clock_mhz: Fraction) -> Fraction:
    """Return by how much the rate of a clock may move in a cycle (rho'), as a part of what is told."""
    return exact(clock.drift_ppm_per_s.value) / PARTS_PER_MILLION / (clock_mhz * HZ_PER_MHZ)


def wander_cycles(clock: ClockSpecification, interval_cycles: int | None, clock_mhz: Fraction) -> Fraction:
    """Return how far one clock strays from its mean rate in an interval: rho' T^2 / 2 + Phi(T), in cycles.

    An interval of None has no end; only clocks that do not ramp have one.
    """
    swing, rate = mean_slowdown(clock), exact(clock.spread_khz.value) / KHZ_PER_MHZ / clock_mhz
    if interval_cycles is None or 2 * rate * interval_cycles >= 1:
        phase = swing / rate / 4
    else:
        phase = swing * interval_cycles * (1 - rate * interval_cycles)
    return phase + ramp_per_cycle(clock, clock_mhz) * (interval_cycles or 0) ** 2 / 2


def drift_cycles(clock: ClockSpecification, interval_cycles: int | None, clock_mhz: Fraction) -> Fraction:
    """Return the largest difference that two clocks gather in an interval, in cycles.

    An interval of None has no end; only clocks that do not drift have one.
    """
    steady = 2 * exact(clock.offset_ppm.value) * (interval_cycles or 0) / PARTS_PER_MILLION / (1 - mean_slowdown(clock))
    return steady + 2 * wander_cycles(clock, interval_cycles, clock_mhz)


def residual_cycles(clock: ClockSpecification, levels: int, clock_mhz: Fraction) -> Fraction:
    """Return the largest difference of two nodes right after a deskew, `levels` tree edges apart, in cycles."""
    return levels * ns_to_cycles(exact(clock.residual_ns.value) + exact(clock.calibration_ns.value), clock_mhz)


def guard_cycles(
    clock: ClockSpecification,
    *,
    levels: int,
    interval_cycles: int | None,
    clock_mhz: Fraction,
    in_hop: bool,
    link_class: str | None = None,
    shared_latency_cycles: int | None = None,
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
    link_class : str or None
        Class of the link; None: that which jitters most.
    shared_latency_cycles : int or None
        Latency of the link where both ends count with one oscillator, which then drifts on the way alone.
    """
    errors = residual_cycles(clock, levels, clock_mhz)
    errors += wire_cycles(clock, clock_mhz, in_hop=in_hop, link_class=link_class)
    crossing = crossing_cycles(clock, in_hop=in_hop)
    if shared_latency_cycles is None:
        return ceil_cycles(errors + drift_cycles(clock, interval_cycles, clock_mhz) + crossing)
    fast, ramp, guard = fastest_rate(clock), ramp_per_cycle(clock, clock_mhz), 0
    # The longer the guard, the longer clocks stray, by less than half a cycle for each.
    while True:
        way = shared_latency_cycles + guard
        strays = wander_cycles(clock, way, clock_mhz) + ramp * way * max(0, (interval_cycles or 0) - way)
        needed = ceil_cycles(fast * (errors + strays + shared_latency_cycles) + crossing - shared_latency_cycles)
        if needed <= guard:
            return guard
        guard = needed


def jitter_ns(clock: ClockSpecification, link_class: str | None) -> Fraction:
    """Return the spread of the latency of a link of some class; of None the largest of all classes."""
    by_class, other = clock.jitter_by_class_ns, exact(clock.jitter_peak_to_peak_ns.value)
    if link_class is None:
        return max([other, *(exact(jitter.value) for jitter in by_class.values())])
    return exact(by_class[link_class].value) if link_class in by_class else other


def wire_cycles(
    clock: ClockSpecification, clock_mhz: Fraction, *, in_hop: bool, link_class: str | None = None
) -> Fraction:
    """Return how much longer than its latency a link may take: jitter, unless it lies in the hop, and its calibration.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    in_hop : bool
        Whether the published hop contains jitter.
    link_class : str or None
        Class of the link; None: that which jitters most.
    """
    jitter = Fraction(0) if in_hop else jitter_ns(clock, link_class)
    return ns_to_cycles(jitter + exact(clock.temperature_ns.value) + exact(clock.calibration_ns.value), clock_mhz)


def crossing_cycles(clock: ClockSpecification, *, in_hop: bool) -> int:
    """Return the receiver's cycles lost between two clock domains; none where they lie in the hop."""
    return 0 if in_hop else clock.crossing_cycles.value


def stall_cycles(clock: ClockSpecification, *, depth: int, interval_cycles: int | None, clock_mhz: Fraction) -> int:
    """Return the stall of a deskew: drift of an interval, residuals on both sides, and what it costs beyond.

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
    apart = drift_cycles(clock, interval_cycles, clock_mhz) + residual_cycles(clock, 2 * depth, clock_mhz)
    return ceil_cycles(apart) + clock.deskew_cycles.value

"""Frames that repeat: the windows of a layer, who owns them, and the gaps in which its chips deskew.

A layer begins anew with every period P. A micro-batch is back for its next window after D cycles at most: the makespan,
what clocks may disagree by meanwhile, and what lies outside of the fabric, all at their maxima. N windows make a round,
N P >= D. Micro-batch i owns one residue modulo N, its window in step s is number o_i + s N; so nobody waits beyond his
own window, and the longest step is N P (the residues of many layers in a frame are found in the same way: the chain of
reservations of one micro-batch takes N P).

**Gaps.** Near the bound of the period no cycle is free for all chips. So some residues are owned by nobody: the frame
drains and deskews there. With r cycles from an iteration's time zero until it has ended, and a stall of s, g windows in
a row are left out where

    (g + 1) P >= r + s,

and the deskew takes the last s cycles before the next window. N holds all owned and all left out residues: N >= m + g.
A second deskew a round costs g windows more and brings nothing but a shorter interval, so there is one, or as many as
it takes for the interval to stay within what clocks allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.clocks.guard import fastest_rate, wander_cycles
from lpxsched.clocks.latency import arrival_ns
from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import NothingFoundError
from lpxsched.units import ceil_cycles, ceil_div, ns_to_cycles

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.clocks.limits import DomainClock

# Windows of a frame that the format holds.
MOST_WINDOWS = 1 << 20


@dataclass(frozen=True, slots=True)
class InFlight:
    """How many micro-batches share a layer, and what lies between two visits of one of them.

    Attributes
    ----------
    micro_batches : int
        m, between two visits of the same user, what is outside of the fabric included.
    outside_ns : Fraction
        Longest time from the last result at a host until all rows are at the hosts again.
    """

    micro_batches: int
    outside_ns: Fraction


@dataclass(frozen=True, slots=True)
class Frame:
    """A layer's windows.

    Attributes
    ----------
    period_cycles : int
        P.
    windows : int
        N; a step takes N P at most.
    deskews : int
        Deskews a round, at equal distances; 0 on clocks that need none.
    left_out : int
        Windows in a row that are left out for a deskew, the last before it.
    stall_cycles : int
        Of a deskew.
    visit_cycles : int
        D, from a window until the micro-batch is there for its next one, at most.
    """

    period_cycles: int
    windows: int
    deskews: int
    left_out: int
    stall_cycles: int
    visit_cycles: int

    @property
    def step_cycles(self) -> int:
        """N P, the longest step."""
        return self.windows * self.period_cycles

    @property
    def waiting_cycles(self) -> int:
        """What a micro-batch waits for its window when all delays keep their maxima."""
        return self.step_cycles - self.visit_cycles

    @property
    def every_periods(self) -> int:
        """Periods after which a deskew comes again; 0 without deskews."""
        return self.windows // self.deskews if self.deskews else 0

    @property
    def between_cycles(self) -> int:
        """Time from one deskew to the next; 0 without deskews."""
        return self.every_periods * self.period_cycles

    @property
    def deskew_cycle(self) -> int:
        """Frame time of the first deskew."""
        return self.between_cycles - self.stall_cycles

    @property
    def gaps(self) -> tuple[int, ...]:
        """Numbers of the windows that are left out."""
        ends = range(self.every_periods, self.windows + 1, self.every_periods) if self.deskews else ()
        return tuple(window for end in ends for window in range(end - self.left_out, end))


def frame_of(
    in_flight: InFlight,
    clock: DomainClock,
    *,
    period_cycles: int,
    makespan_cycles: int,
    runs_cycles: int,
    interval_cycles: int | None,
) -> Frame:
    """Return the frame of a layer with the fewest windows that has room for its gaps.

    Where a layer cannot drain between two deskews of its clock, deskews are farther apart than that.

    Parameters
    ----------
    in_flight : InFlight
    clock : DomainClock
    period_cycles, makespan_cycles : int
    runs_cycles : int
        From the time zero of an iteration until nothing of it goes on.
    interval_cycles : int or None
        Interval between deskews that the stall covers; None where clocks do not drift.

    Raises
    ------
    NothingFoundError
        When it has more windows than the format holds.
    """
    stall, deskews = clock.stall_cycles(interval_cycles), int(needs_alignment(clock.specification))
    visit = makespan_cycles + stall + _outside_cycles(in_flight, clock)
    least, owned = ceil_div(visit, period_cycles), in_flight.micro_batches
    left_out = deskews * max(0, ceil_div(runs_cycles + stall, period_cycles) - 1)
    longest = clock.longest_interval_cycles()
    if deskews and longest is not None:
        most = longest // period_cycles
        deskews = max(1, ceil_div(least, max(most, 1)), ceil_div(owned, max(most - left_out, 1)))
    windows = _multiple(max(least, owned + deskews * left_out), deskews)
    if windows > MOST_WINDOWS:
        cause = (
            f"a visit of {visit} cycles takes {windows} windows of {period_cycles}, at most {MOST_WINDOWS} make a frame"
        )
        raise NothingFoundError(cause, remedy="try a smaller --context, another --handover, or fewer --in-flight")
    return Frame(period_cycles, windows, deskews, left_out, stall, visit)


def _outside_cycles(in_flight: InFlight, clock: DomainClock) -> int:
    """Return what lies outside of the fabric, and what a host waits for a last vector, on the fastest clock."""
    specification, clock_mhz = clock.specification, clock.clock_mhz
    time_ns = in_flight.outside_ns + arrival_ns(specification, clock_mhz, in_hop=clock.in_hop)
    outside = ns_to_cycles(time_ns, clock_mhz)
    return ceil_cycles(
        outside * fastest_rate(specification) + wander_cycles(specification, ceil_cycles(outside), clock_mhz)
    )


def _multiple(count: int, of: int) -> int:
    return of * ceil_div(count, of) if of else count

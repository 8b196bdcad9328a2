"""How long the clocks of a time domain may run apart, and what can never fit into that time.

A counter knows its distance from the hardware's modulo its period only, so drift and residuals together stay below
half of it (derived; Abts et al., ISCA 2022 for the counters):

    2 rho T / (1 - d/2) + rho' T^2 + 2 Phi(T) + 2 depth residual < period / 2

with the terms of ``guard``; the residuals are those of two chips at the bottom of the alignment tree. Where all nodes
count with one oscillator their counters do not run apart; but guards grow with what it ramps, so that rho' T^2 alone
is held to the same limit.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction
from math import ceil, isqrt
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import (
    PARTS_PER_MILLION,
    drift_cycles,
    guard_cycles,
    mean_slowdown,
    ramp_per_cycle,
    residual_cycles,
    stall_cycles,
    wander_cycles,
)
from lpxsched.clocks.specification import load_clock
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.files.shipped import shipped_files
from lpxsched.units import NEVER, NONE, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification

FIRST_INTERVAL_EPOCHS = 16


@dataclass(frozen=True, slots=True)
class Hop:
    """A hop as its wires make it: ceil(v + latency), and the tree edges between its ends (None: it has no guard)."""

    name: str
    wire_cycles: int
    levels: int | None


@dataclass(frozen=True, slots=True)
class DomainClock:
    """The clocks of one time domain.

    Attributes
    ----------
    specification : ClockSpecification
    depth : int
        Levels of the domain's alignment tree.
    clock_mhz : Fraction
        Clock in which cycles are counted.
    in_hop : bool
        Whether the published hop contains jitter and crossing.
    drifts : bool
        Some of its nodes count with different oscillators.
    """

    specification: ClockSpecification
    depth: int
    clock_mhz: Fraction
    in_hop: bool
    drifts: bool = True

    def guard_cycles(
        self,
        levels: int | None,
        interval_cycles: int | None,
        link_class: str | None = None,
        shared_latency_cycles: int | None = None,
    ) -> int:
        """Return the guard of a hop over some tree edges, on a link of some class; 0 of one without guard.

        Where both ends count with one oscillator the latency of the link is told.
        """
        if levels is None:
            return 0
        return guard_cycles(
            self.specification,
            levels=levels,
            interval_cycles=interval_cycles,
            clock_mhz=self.clock_mhz,
            in_hop=self.in_hop,
            link_class=link_class,
            shared_latency_cycles=shared_latency_cycles,
        )

    def guards_cycles(
        self,
        levels: NDArray[np.int64],
        interval_cycles: int | None,
        link_class: NDArray[np.int64],
        class_names: Sequence[str],
        shared_latency: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return the guards of many hops over some tree edges each; 0 of those with `NONE`, which have no guard.

        Parameters
        ----------
        levels, link_class : ndarray of int64, shape (hops,)
        interval_cycles : int or None
        class_names : sequence of str
        shared_latency : ndarray of int64, shape (hops,)
            Latency where both ends count with one oscillator, else `NONE`.
        """
        kinds, kind = np.unique(np.stack([levels, link_class, shared_latency]), axis=1, return_inverse=True)
        guards = [
            self.guard_cycles(
                None if level == NONE else level,
                interval_cycles,
                class_names[of_class],
                None if latency == NONE else latency,
            )
            for level, of_class, latency in kinds.T.tolist()
        ]
        return np.array(guards, dtype=np.int64)[kind.reshape(-1)]

    def stall_cycles(self, interval_cycles: int | None) -> int:
        """Return the stall of a deskew."""
        apart = interval_cycles if self.drifts else 0
        return stall_cycles(self.specification, depth=self.depth, interval_cycles=apart, clock_mhz=self.clock_mhz)

    def longest_interval_cycles(self) -> int | None:
        """Return the longest interval between deskews, in cycles; None when the clocks cannot drift.

        Raises
        ------
        InfeasibleError
            When the residuals alone reach half a period, so that no interval does.
        """
        left, specification = self._left_for_drift(), self.specification
        if left <= 0:
            raise InfeasibleError(self._too_deep(left))
        if not self.drifts:
            # Largest T with rho' T^2 below what is left.
            ramp = ramp_per_cycle(specification, self.clock_mhz)
            return isqrt(ceil(left / ramp) - 1) if ramp else None
        steady = not (specification.offset_ppm.value or specification.drift_ppm_per_s.value)
        if steady and drift_cycles(specification, None, self.clock_mhz) < left:
            return None

        def is_too_long(interval: int) -> bool:
            return drift_cycles(specification, interval, self.clock_mhz) >= left

        return bisect_left(range(NEVER), True, key=is_too_long) - 1

    def intervals(self) -> Iterator[int | None]:
        """Yield longer and longer intervals, the longest one at last; None alone where clocks do not drift."""
        longest = self.longest_interval_cycles()
        interval = FIRST_INTERVAL_EPOCHS * self.specification.hac_period_cycles.value
        while longest is not None and interval < longest:
            yield interval
            interval *= 2
        yield longest

    def refuse_long_hop(self, hop: Hop) -> None:
        """Refuse a hop that takes longer than clocks may run apart.

        Raises
        ------
        InfeasibleError
            With the hop, the interval, and the clocks that would do.
        """
        if self.fits(hop):
            return
        longest, least = self.longest_interval_cycles() or 0, self._least_cycles(hop)
        names = ", ".join(name for name in shipped_files("clock") if self._would_do(load_clock(name), hop))
        raise InfeasibleError(
            f"one hop of class {hop.name} takes {least} cycles with the opening deskew, and "
            f"{self.limit_text(longest)}; one of at most {self._ppm_for(least)} ppm (one-sided) would do, "
            f"of the shipped ones: {names}"
        )

    def too_long(
        self, what: str, *, least_cycles: int, proof: str, found_cycles: int, remedy: str
    ) -> InfeasibleError | NothingFoundError:
        """Return why something fits between no two deskews: a bound without drift proves it, or it was not found.

        Parameters
        ----------
        what : str
            What takes so long, for the message.
        least_cycles : int
            A bound without drift, from the deskew before.
        proof : str
            Name of the bound.
        found_cycles : int
            Length of the schedule that was found.
        remedy : str
            What to try where only the schedule is too long.
        """
        longest = self.longest_interval_cycles() or 0
        if least_cycles > longest:
            cause = f"{what} takes at least {least_cycles} cycles ({proof}), and {self.limit_text(longest)}"
            return InfeasibleError(cause)
        return NothingFoundError(f"{what} takes {found_cycles} cycles, and {self.limit_text(longest)}", remedy=remedy)

    def fits(self, hop: Hop) -> bool:
        """Return whether a hop and the opening deskew before it, without drift, fit between two deskews."""
        longest = self.longest_interval_cycles()
        return longest is None or self._least_cycles(hop) <= longest

    def limit_text(self, longest: int | None) -> str:
        """Return how long these clocks may run apart, for a message."""
        ppm = self.specification.offset_ppm.value
        return f"clocks of {self.specification.name} (+-{ppm:g} ppm each) may run {longest} cycles between two deskews"

    def _least_cycles(self, hop: Hop) -> int:
        return self.stall_cycles(0) + hop.wire_cycles + self.guard_cycles(hop.levels, 0, hop.name)

    def _left_for_drift(self) -> Fraction:
        half = Fraction(self.specification.hac_period_cycles.value, 2)
        return half - residual_cycles(self.specification, 2 * self.depth, self.clock_mhz)

    def _too_deep(self, left: Fraction) -> str:
        half = Fraction(self.specification.hac_period_cycles.value, 2)
        return (
            f"clocks of {self.specification.name} leave a residual of {self.specification.residual_ns.value:g} ns a "
            f"level, and the alignment tree has {counted(self.depth, 'level')}: 2 x {self.depth} residuals are "
            f"{float(half - left):g} cycles, and counters need less than half their period, {float(half):g}; "
            "take chips that are nearer to each other, or a clock with a smaller residual"
        )

    def _would_do(self, other: ClockSpecification, hop: Hop) -> bool:
        """Return whether another clock gives a hop the time that it takes."""
        domain = replace(self, specification=other)
        if domain._left_for_drift() <= 0:
            return False
        longest = domain.longest_interval_cycles()
        guard = domain.guard_cycles(hop.levels, longest, hop.name)
        return longest is None or domain.stall_cycles(longest) + hop.wire_cycles + guard <= longest

    def _ppm_for(self, cycles: int) -> str:
        """Return a one-sided frequency bound with which a time fits, three digits, rounded down.

        Guard and stall grow by less than half a period each while drift is allowed.
        """
        interval = cycles + self.specification.hac_period_cycles.value
        left = self._left_for_drift() - 2 * wander_cycles(self.specification, interval, self.clock_mhz)
        ppm = max(left, Fraction(0)) * PARTS_PER_MILLION * (1 - mean_slowdown(self.specification)) / (2 * interval)
        digits = Context(prec=3, rounding=ROUND_DOWN).divide(Decimal(ppm.numerator), Decimal(ppm.denominator))
        return f"{float(digits):g}"

"""A clock specification in exact cycles, as the simulation reckons with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.clocks.guard import (
    HZ_PER_MHZ,
    KHZ_PER_MHZ,
    PARTS_PER_MILLION,
    crossing_cycles,
    jitter_ns,
    mean_slowdown,
    residual_cycles,
    wire_cycles,
)
from lpxsched.units import exact, ns_to_cycles

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.timetable.columns import Integers, Text

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """What every run keeps.

    Attributes
    ----------
    rho : Fraction
        Largest error of a clock's mean frequency, one-sided.
    slowdown : Fraction
        By how much all clocks run slower than told: half the depth d of a spread.
    spread_rate : Fraction
        Periods of that spread in a cycle.
    ramp : Fraction
        How much a frequency may move in a cycle.
    residual_cycles : Fraction
        Largest alignment error of one level.
    classes : tuple of str
        Classes of links with a jitter of their own.
    delays_cycles : tuple of Fraction
        How much longer than its latency a link may take: of a class without jitter of its own, then of each that has.
    early_cycles : Fraction
        How much shorter it may take, of any class.
    crossing_cycles : int
        Cycles of the receiver lost between two clock domains. Jitter and crossing are less where they lie in the hop.
    """

    rho: Fraction
    slowdown: Fraction
    spread_rate: Fraction
    ramp: Fraction
    residual_cycles: Fraction
    classes: tuple[str, ...]
    delays_cycles: tuple[Fraction, ...]
    early_cycles: Fraction
    crossing_cycles: int

    @classmethod
    def of(cls, clock: ClockSpecification, clock_mhz: Fraction, *, in_hop: bool) -> Limits:
        """Return the limits of a specification for cycles of a clock in MHz."""
        classes = tuple(clock.jitter_by_class_ns)
        early_ns = exact(clock.calibration_ns.value) + (jitter_ns(clock, None) if in_hop else 0)
        return cls(
            rho=exact(clock.offset_ppm.value) / PARTS_PER_MILLION,
            slowdown=mean_slowdown(clock),
            spread_rate=exact(clock.spread_khz.value) / KHZ_PER_MHZ / clock_mhz,
            ramp=exact(clock.drift_ppm_per_s.value) / PARTS_PER_MILLION / (clock_mhz * HZ_PER_MHZ),
            residual_cycles=residual_cycles(clock, 1, clock_mhz),
            classes=classes,
            # No class is called like this, so that it has the jitter of others.
            delays_cycles=tuple(
                wire_cycles(clock, clock_mhz, in_hop=in_hop, link_class=name) for name in ("", *classes)
            ),
            early_cycles=ns_to_cycles(early_ns, clock_mhz) + (clock.crossing_cycles.value if in_hop else 0),
            crossing_cycles=crossing_cycles(clock, in_hop=in_hop),
        )

    @property
    def slow(self) -> Fraction:
        """The least mean rate of a clock, 1 - d/2 - rho."""
        return 1 - self.slowdown - self.rho

    @property
    def fast(self) -> Fraction:
        """The largest mean rate of a clock, 1 - d/2 + rho."""
        return 1 - self.slowdown + self.rho

    @property
    def delay_cycles(self) -> Fraction:
        """How much longer than its latency any link may take."""
        return max(self.delays_cycles)

    @property
    def wanders(self) -> bool:
        """Whether clocks stray from their mean rates."""
        return bool(self.slowdown or self.ramp)

    def place_of(self, link_class: Text) -> Integers:
        """Return the place of each class in `delays_cycles`."""
        place = np.zeros(len(link_class), dtype=np.int64)
        for number, name in enumerate(self.classes, start=1):
            place[link_class == name] = number
        return place

    def wander_cycles(self, interval_cycles: Fraction) -> Fraction:
        """Return how far a clock strays from its mean rate in an interval, X(T): the phase of its spread and a ramp."""
        turns = self.spread_rate * interval_cycles
        phase = interval_cycles * (1 - turns) if 2 * turns < 1 else 1 / (4 * self.spread_rate)
        return self.slowdown * phase + self.ramp * interval_cycles**2 / 2

    def wanders_cycles(self, interval_cycles: Floats) -> Floats:
        """Return `wander_cycles` of many intervals, of either sign."""
        length, rate = np.abs(interval_cycles), float(self.spread_rate)
        phase: Floats = np.where(2 * rate * length < 1, length * (1 - rate * length), 1 / (4 * rate))
        return float(self.slowdown) * phase + float(self.ramp) * length**2 / 2

    def swings_cycles(self, interval_cycles: Floats) -> Floats:
        """Return how far a clock can have strayed when intervals are over: less than on the way, as it swings back."""
        length = np.abs(interval_cycles)
        turns = float(self.spread_rate) * length % 1.0
        swung: Floats = float(self.slowdown / self.spread_rate) * turns * (1 - turns)
        return swung + float(self.ramp) * length**2 / 2

    def drift_cycles(self, interval_cycles: int) -> Fraction:
        """Return the largest difference that two clocks gather in an interval."""
        return 2 * self.rho * interval_cycles / (1 - self.slowdown) + 2 * self.wander_cycles(Fraction(interval_cycles))

    def at_ppm(self, ppm: Fraction) -> Limits:
        """Return the same limits of clocks of another frequency error."""
        return replace(self, rho=ppm / PARTS_PER_MILLION)

    def at_residual(self, cycles: Fraction) -> Limits:
        """Return the same limits of clocks that leave another residual."""
        return replace(self, residual_cycles=cycles)

"""What ``manifest.json`` says of the clocks, in exact cycles: how far the clocks of a run may disagree."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.units import exact, ns_to_cycles
from lpxsched.verify.violation import told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers, Text
    from lpxsched.verify.violation import Violation

RULE = "R8"
PARTS_PER_MILLION = 1_000_000
HZ_PER_MHZ = 1_000_000
KHZ_PER_MHZ = 1_000
LARGEST_CLOCK_MHZ = 1_000_000
# key of the clock, lowest and largest value
NUMBERS = (
    ("offset_ppm", 0, 100_000),
    ("residual_ns", 0, 1_000_000),
    ("jitter_peak_to_peak_ns", 0, 1_000_000),
    ("temperature_ns", 0, 1_000_000),
    ("crossing_cycles", 0, 1_000_000),
    ("hac_period_cycles", 2, 1_000_000),
)
# The same, and what it is where the clock does not tell it.
OPTIONAL = (
    ("drift_ppm_per_s", 0, 1_000, 0),
    ("spread_ppm", 0, 100_000, 0),
    ("spread_khz", 1, 1_000, 31.5),
    ("calibration_ns", 0, 1_000_000, 0),
    ("deskew_cycles", 0, 1_000_000, 0),
)
DEFAULTS = {key: value for key, _, _, value in OPTIONAL}
BY_CLASS = "jitter_by_class_ns"
# By how many of their last coordinates chips with one oscillator may differ.
SHARED_BY = {"chip": 0, "tray": 1, "rack": 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """What every run keeps.

    Attributes
    ----------
    rho : Fraction
        Largest error of a clock's mean frequency, to either side.
    slowdown : Fraction
        By how much all clocks run slower than told: half the depth of a down-spread.
    spread_rate : Fraction
        Periods of that spread in a cycle.
    ramp : Fraction
        How much the frequency may move in a cycle.
    residual_cycles : Fraction
        Largest error that a deskew leaves between parent and child.
    late_cycles : Fraction
        How much longer than its latency a link may take, of all classes.
    late_by_class : dict of str to Fraction
        The same for classes with a jitter of their own.
    other_late_cycles : Fraction
        The same for all other classes.
    early_cycles : Fraction
        How much shorter; above 0 where the latency holds what may not happen, or was measured wrong.
    crossing_cycles : Fraction
        Cycles of the receiver that pass between two clocks.
    deskew_cycles : int
        What a deskew takes beyond the time by which clocks disagree.
    hac_period_cycles : int
        Period of the hardware-aligned counter.
    """

    rho: Fraction
    slowdown: Fraction
    spread_rate: Fraction
    ramp: Fraction
    residual_cycles: Fraction
    late_cycles: Fraction
    late_by_class: dict[str, Fraction]
    other_late_cycles: Fraction
    early_cycles: Fraction
    crossing_cycles: Fraction
    deskew_cycles: int
    hac_period_cycles: int

    @property
    def align(self) -> bool:
        """Whether clocks must align: they drift, or their alignment leaves an error."""
        return bool(self.rho or self.wanders or self.residual_cycles)

    @property
    def wanders(self) -> bool:
        """Whether clocks do not keep the rate that they have."""
        return bool(self.slowdown or self.ramp)

    @property
    def slowest(self) -> Fraction:
        """The least mean rate of a clock."""
        return 1 - self.slowdown - self.rho

    @property
    def fastest(self) -> Fraction:
        """The largest mean rate of a clock."""
        return 1 - self.slowdown + self.rho

    def wander_cycles(self, interval_cycles: int) -> Fraction:
        """Return how far a clock strays from its mean rate in an interval T: half the ramp times T^2, and the spread.

        A triangle of the amplitude a = d/2 around the mean sums up to a T (1 - f T) at most, in less than half its
        period, and to a / (4 f) in any time.
        """
        turns = self.spread_rate * interval_cycles
        swung = self.slowdown * (interval_cycles * (1 - turns) if 2 * turns < 1 else 1 / (4 * self.spread_rate))
        return swung + self.ramp * interval_cycles**2 / 2

    def drift_cycles(self, interval_cycles: int) -> Fraction:
        """Return the largest difference that two clocks gather in an interval, in cycles."""
        return 2 * self.rho * interval_cycles / (1 - self.slowdown) + 2 * self.wander_cycles(interval_cycles)

    def disagreement_cycles(self, interval_cycles: int, depth: int) -> Fraction:
        """Return the largest difference of two clocks after an interval, drift and 2 depth residual, in cycles."""
        return self.drift_cycles(interval_cycles) + 2 * depth * self.residual_cycles

    @property
    def lates_cycles(self) -> tuple[Fraction, ...]:
        """How much longer than its latency a link may take, by the number that `late_of` gives its class."""
        return (self.other_late_cycles, *self.late_by_class.values())

    def late_of(self, link_class: Text) -> Integers:
        """Return the place of each class in `lates_cycles`."""
        place = np.zeros(len(link_class), dtype=np.int64)
        for number, name in enumerate(self.late_by_class, start=1):
            place[link_class == name] = number
        return place


def faults_of_clock(build: Build) -> Iterator[Violation]:
    """Yield every number of the clock that is not there, is no number, or is out of its bounds."""
    told = tuple((key, low, high) for key, low, high, _ in OPTIONAL if key in build.manifest.clock)
    for key, lowest, largest in (*NUMBERS, *told):
        yield from _fault(key, _value(build, key), lowest, largest)
    by_class = build.manifest.clock.get(BY_CLASS, {})
    if not isinstance(by_class, dict):
        yield told_wrong(RULE, f"clock {BY_CLASS} is {by_class!r}, must be a number for each class")
        return
    for name, told_of in by_class.items():
        value = told_of.get("value") if isinstance(told_of, dict) else None
        yield from _fault(f"{BY_CLASS}.{name}", value, 0, 1_000_000)
    shared = build.manifest.clock.get("shared_by", {"value": "chip"})
    if not isinstance(shared, dict) or shared.get("value") not in SHARED_BY:
        yield told_wrong(RULE, f"clock shared_by is {shared!r}, must be chip, tray or rack")
    if not 0 < _clock_mhz(build) <= LARGEST_CLOCK_MHZ:
        message = f"clock_mhz is {build.manifest.clock_mhz!r}, must be above 0 and at most {LARGEST_CLOCK_MHZ}"
        yield told_wrong(RULE, message)


def _fault(key: str, value: Any, lowest: int, largest: int) -> Iterator[Violation]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not lowest <= value <= largest:
        yield told_wrong(RULE, f"clock {key} is {value!r}, must be {lowest} to {largest}")


@lru_cache(maxsize=1)
def limits_of(build: Build) -> Limits:
    """Return the limits of a build without `faults_of_clock`.

    Where the published hop already holds jitter and crossing, they may make it shorter and cannot make it longer.
    """
    clock_mhz, inside = _clock_mhz(build), build.manifest.guard_in_hop

    def cycles(time_ns: Any) -> Fraction:
        return ns_to_cycles(exact(time_ns), clock_mhz)

    own = {name: cycles(told["value"]) for name, told in build.manifest.clock.get(BY_CLASS, {}).items()}
    jitter, crossing = cycles(_value(build, "jitter_peak_to_peak_ns")), exact(_value(build, "crossing_cycles"))
    measured = cycles(_value(build, "calibration_ns"))
    steady = cycles(_value(build, "temperature_ns")) + measured
    late = {name: steady + (0 if inside else spread) for name, spread in own.items()}
    other = steady + (0 if inside else jitter)
    return Limits(
        rho=exact(_value(build, "offset_ppm")) / PARTS_PER_MILLION,
        slowdown=exact(_value(build, "spread_ppm")) / PARTS_PER_MILLION / 2,
        spread_rate=exact(_value(build, "spread_khz")) / KHZ_PER_MHZ / clock_mhz,
        ramp=exact(_value(build, "drift_ppm_per_s")) / PARTS_PER_MILLION / (clock_mhz * HZ_PER_MHZ),
        residual_cycles=cycles(_value(build, "residual_ns")) + measured,
        late_cycles=max(other, *late.values()) if late else other,
        late_by_class=late,
        other_late_cycles=other,
        early_cycles=measured + (max(jitter, *own.values()) if own else jitter) + crossing if inside else measured,
        crossing_cycles=Fraction(0) if inside else crossing,
        deskew_cycles=int(_value(build, "deskew_cycles")),
        hac_period_cycles=int(_value(build, "hac_period_cycles")),
    )


def _value(build: Build, key: str) -> Any:
    if key in DEFAULTS and key not in build.manifest.clock:
        return DEFAULTS[key]
    told = build.manifest.clock.get(key)
    return told.get("value") if isinstance(told, dict) else None


def _clock_mhz(build: Build) -> Fraction:
    try:
        return Fraction(build.manifest.clock_mhz)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
